"""The keyspace's only source of time, handed in so that tests and batches own it.

Wall-clock time is read once per batch of commands (reading it costs more than
a dictionary look-up), so everything in one batch happens at one instant.
"""

from typing import Protocol

from .._speedups import ClockState


class Clock(Protocol):
    """Anything that says what time it is, in Unix milliseconds."""

    now_ms: int


class BatchClock(ClockState):
    """A clock that stands still until its owner sets it; the reactor does so once per batch."""

    __slots__ = ()

    def __init__(self, now_ms: int = 0) -> None:
        self.now_ms = now_ms

    def advance(self, milliseconds: int) -> None:
        """Move on; for tests and simulations."""
        self.now_ms += milliseconds
