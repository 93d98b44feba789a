"""CLIENT PAUSE: until when which commands of all clients are held back."""

from collections.abc import Callable


class Pause:
    """One pause for all clients; ``writes_only`` lets what changes nothing pass.

    A new pause can only make an old one longer and stricter, as in Redis.
    """

    def __init__(self) -> None:
        self.until_ms = 0
        self.writes_only = False
        self.on_change: Callable[[], None] = lambda: None
        """The rim's hook: it wakes held clients when the pause is over."""

    def is_active(self, now_ms: int) -> bool:
        return now_ms < self.until_ms

    def start(self, until_ms: int, *, writes_only: bool, now_ms: int) -> None:
        if self.is_active(now_ms):
            self.until_ms = max(self.until_ms, until_ms)
            self.writes_only = self.writes_only and writes_only
        else:
            self.until_ms = until_ms
            self.writes_only = writes_only
        self.on_change()

    def stop(self) -> None:
        self.until_ms = 0
        self.on_change()
