"""All databases of a node, and what concerns them together: sweeping, memory, default lives."""

from typing import Final

from .clock import Clock
from .database import Database, Statistics
from .hashes import HashLimits
from .journal import Journal
from .lives import Lives
from .recorder import Recorder

DATABASES: Final = 16
"""As many as Redis has by default; clients SELECT among them."""


class Keyspace:
    """The databases, which share a clock, a journal and the statistics."""

    def __init__(
        self, clock: Clock, journal: Journal, statistics: Statistics, databases: int = DATABASES
    ) -> None:
        self.clock = clock
        self.journal = journal
        self.databases = [Database(index, clock, journal, statistics) for index in range(databases)]
        self.peak_bytes = 0
        """The most memory that ``note_peak`` has seen."""

    @property
    def used_bytes(self) -> int:
        """Estimated memory of all data."""
        return sum([db.used_bytes for db in self.databases if db.entries])

    def note_peak(self) -> None:
        """Take note of memory, if it has never been as much; call it now and then."""
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)

    def record(self, recorder: Recorder | None) -> None:
        """Let a recorder hear of every change from now on, or none."""
        for db in self.databases:
            db.record(recorder)

    def set_lives(self, lives: Lives | None) -> None:
        """Let new and replaced keys have these default lives from now on."""
        for db in self.databases:
            db.lives = lives

    def set_hash_limits(self, limits: HashLimits) -> None:
        """Let hashes that are written to from now on give up their compact form at these limits."""
        for db in self.databases:
            db.hash_limits = limits

    def sweep(self, most: int) -> int:
        """Expire keys that are due, at most ``most`` in all; return how many."""
        swept = 0
        for db in self.databases:
            if db.wheel.is_due(self.clock.now_ms):
                swept += db.sweep(most - swept)
        return swept

    def next_due_ms(self) -> int | None:
        """Return when the wheel next wants a sweep, in Unix ms; None when no key has a deadline."""
        return min(
            (due for db in self.databases if (due := db.wheel.next_due_ms()) is not None), default=None
        )

    def flush_all(self) -> int:
        return sum([db.flush() for db in self.databases])
