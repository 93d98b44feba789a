"""Whom a policy may evict: every key, or only keys with a deadline; and how to draw one of them."""

import random
from typing import Protocol

from ..database import Database
from ..entry import Entry
from ..follower import Follower
from .volatile import Volatile


class Candidates(Protocol):
    """The keys that a policy's name begins with: ``allkeys`` or ``volatile``."""

    def follower(self, db: Database) -> Follower | None:
        """Return what must follow a database for ``draw`` to work."""

    def count(self, db: Database) -> int:
        """Return how many candidates a database holds."""

    def includes(self, entry: Entry) -> bool:
        """Say whether a living entry may be evicted."""

    def draw(self, db: Database) -> Entry | None:
        """Pick a candidate at random."""


class AllKeys:
    """Every key."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def follower(self, db: Database) -> None:
        """Ask for none: the database's own roster will do."""

    def count(self, db: Database) -> int:
        return len(db.entries)

    def includes(self, entry: Entry) -> bool:
        return True

    def draw(self, db: Database) -> Entry | None:
        return db.roster.draw(self._chance)


class VolatileKeys:
    """Keys with a deadline: the others are data, not cache."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def follower(self, db: Database) -> Follower:
        return Volatile(db.entries.values())

    def count(self, db: Database) -> int:
        return db.deadlines

    def includes(self, entry: Entry) -> bool:
        return entry.expires_at_ms is not None

    def draw(self, db: Database) -> Entry | None:
        assert isinstance(db.follower, Volatile)
        return db.follower.draw(self._chance)
