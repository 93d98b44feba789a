"""Placeholder until merged."""


class Breaker:
    def __init__(self, failures: int, reset_ms: int) -> None:
        self._limit, self._reset_ms = failures, reset_ms
        self._failed = 0
        self.opened = 0
        self.retry_at_ms = 0
        self._open = False

    def allows(self, now_ms: int) -> bool:
        if not self._open:
            return True
        if now_ms >= self.retry_at_ms:
            self.retry_at_ms = now_ms + self._reset_ms
            return True
        return False

    def note_success(self) -> None:
        self._failed = 0
        self._open = False

    def note_failure(self, now_ms: int) -> None:
        self._failed += 1
        if self._open or self._failed >= self._limit:
            self.opened += not self._open
            self._open = True
            self.retry_at_ms = now_ms + self._reset_ms

    def state(self, now_ms: int) -> str:
        if not self._open:
            return "closed"
        return "half-open" if now_ms >= self.retry_at_ms else "open"
