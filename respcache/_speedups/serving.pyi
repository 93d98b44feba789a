from collections.abc import Callable
from typing import Any

from .plain import ConnectionState, DispatcherState

COMMANDS_TOGETHER: int
LEFT_PER_TURN: int
OUTPUT_PER_TURN_BYTES: int

class HotPath:
    ready: int
    def __init__(
        self,
        poller_fd: int,
        dispatcher: DispatcherState,
        set_clock: Callable[[], None],
        finish: Callable[[Any], None],
        drop: Callable[[Any], None],
        give_up: Callable[[Any], None],
        most: int,
    ) -> None: ...
    def add(self, connection: ConnectionState) -> None: ...
    def remove(self, connection: ConnectionState) -> None: ...
    def poll(self, timeout_s: float) -> list[tuple[int, int]]: ...
    def serve(self, connection: ConnectionState) -> bool: ...
