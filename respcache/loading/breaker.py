"""Leaves a loader that keeps failing in peace, and finds out when it works again: a circuit breaker (Nygard, "Release It!").

*Closed*, everything is let through, until so many calls in a row have failed. *Open*, nothing is, for ``reset_ms``.
*Half-open*, one call is let through as a probe: its success closes the circuit, its failure opens it for another
``reset_ms``. A probe that never reports back, because it was cancelled or crashed, is given up after ``reset_ms``, and another is let
through. Failures of calls that began before the circuit opened say nothing new; their success does.
"""

from typing import Final, Literal, TypeAlias

State: TypeAlias = Literal["closed", "open", "half-open"]

NEVER: Final = 0


class Breaker:
    """One loader's; the time of day is handed in, and may be set back."""

    __slots__ = ("_failures", "_is_probing", "_limit", "_reset_ms", "opened", "retry_at_ms")

    def __init__(self, failures: int, reset_ms: int) -> None:
        self._limit = failures
        self._reset_ms = reset_ms
        self._failures = 0
        """In a row."""
        self._is_probing = False
        self.opened = 0
        """How often it has opened; a probe that fails leaves it open."""
        self.retry_at_ms = NEVER
        """When the next probe may be made; 0 while it is closed."""

    def state(self, now_ms: int) -> State:
        """Return where it stands; half-open means that a probe is out, or would be let through."""
        if self.retry_at_ms == NEVER:
            return "closed"
        return "half-open" if self._is_probing or self._is_due(now_ms) else "open"

    def allows(self, now_ms: int) -> bool:
        """Say whether a call may be made now. Who is told so makes one, and notes what became of it."""
        if self.retry_at_ms == NEVER:
            return True
        if not self._is_due(now_ms):
            return False
        self._is_probing = True
        self.retry_at_ms = now_ms + self._reset_ms
        return True

    def note_success(self) -> None:
        """Note that a call has succeeded."""
        self._failures = 0
        self._is_probing = False
        self.retry_at_ms = NEVER

    def note_failure(self, now_ms: int) -> None:
        """Note that a call has failed."""
        if self.retry_at_ms == NEVER:
            self._failures += 1
            if self._failures < self._limit:
                return
            self.opened += 1
        elif not self._is_probing:
            return
        self._is_probing = False
        self.retry_at_ms = now_ms + self._reset_ms

    def _is_due(self, now_ms: int) -> bool:
        # No more than reset_ms are ever left, unless the clock was set back: by an hour, and it would be an hour.
        self.retry_at_ms = min(self.retry_at_ms, now_ms + self._reset_ms)
        return now_ms >= self.retry_at_ms
