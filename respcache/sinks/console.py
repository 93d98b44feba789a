"""Prints one line for each event.

A terminal can stand still for hours (somebody pressed Ctrl-S, a pipe is not read),
so writing happens in a thread. It goes straight to the file descriptor: a
thread that hangs inside Python's own standard output would hold its lock, and with it
everybody else who prints, the interpreter's exit included.
"""

from collections.abc import Sequence

import trio

from respcache.events.line import to_line
from respcache.events.record import Event

from .descriptors import write_all


class ConsoleOutlet:
    """Lines for people, on an open file descriptor that somebody else will close."""

    def __init__(self, file_descriptor: int, value_limit_bytes: int = 0) -> None:
        self._file_descriptor = file_descriptor
        self._value_limit_bytes = value_limit_bytes
        # One thread at a time: after one that was left hanging, the next write waits its turn.
        self._one_thread = trio.CapacityLimiter(1)

    async def write(self, events: Sequence[Event]) -> None:
        await trio.to_thread.run_sync(self._print, events, limiter=self._one_thread, abandon_on_cancel=True)

    def reopen(self) -> None:
        """Do nothing: there is no file."""

    async def close(self) -> None:
        """Leave the descriptor alone: it is not ours."""

    def _print(self, events: Sequence[Event]) -> None:
        lines = "".join(f"{to_line(event, self._value_limit_bytes)}\n" for event in events)
        write_all(self._file_descriptor, lines.encode())
