"""A keyspace with numbered keys, as the tests of eviction want it."""

import random
from collections.abc import Iterable

from respcache.keyspace.clock import BatchClock
from respcache.keyspace.database import Database
from respcache.keyspace.eviction import Evictor
from respcache.keyspace.journal import Journal, Notice
from respcache.keyspace.keyspace import Keyspace
from respcache.telemetry.statistics import Statistics

SET = Notice("$", "set")
DEL = Notice("g", "del")
EXPIRE = Notice("g", "expire")
PERSIST = Notice("g", "persist")


class Bench:
    """A keyspace, its clock and an evictor; every write and read comes a millisecond after the last."""

    def __init__(self, policy: str = "noeviction") -> None:
        self.clock = BatchClock(1_700_000_000_000)
        self.statistics = Statistics()
        self.keyspace = Keyspace(self.clock, Journal(), self.statistics)
        self.db: Database = self.keyspace.databases[0]
        self.evictor = Evictor(self.keyspace, random.Random(11), policy)

    def write(self, keys: Iterable[int], db: Database | None = None, life_ms: int | None = None) -> None:
        db = self.db if db is None else db
        for number in keys:
            self.clock.advance(1)
            deadline_ms = None if life_ms is None else self.clock.now_ms + life_ms
            db.put(b"%d" % number, b"v" * 100, SET, deadline_ms)

    def read(self, keys: Iterable[int]) -> int:
        """Read keys; return how many are there."""
        found = 0
        for number in keys:
            self.clock.advance(1)
            found += self.db.read(b"%d" % number) is not None
        return found

    def remove(self, keys: Iterable[int]) -> None:
        for number in keys:
            self.db.remove(b"%d" % number, DEL)

    def evict(self, count: int) -> None:
        """Make room for about as many keys as ``count``: their bytes, not a limit, decide."""
        goal = sum(len(db) for db in self.keyspace.databases) - count
        while sum(len(db) for db in self.keyspace.databases) > goal:
            assert self.evictor.make_room(self.keyspace.used_bytes - 1, lambda: self.keyspace.used_bytes, 1)

    def keys(self) -> set[int]:
        return {int(key) for key in self.db.entries}
