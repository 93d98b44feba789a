"""The eviction policies: each chooses, over all databases, which entry goes next.

Redis' own policies are Redis' own algorithms: an exact order is too dear, so a
few entries are drawn at random and the worst goes; the other bad ones stay in a
pool for the next round, which brings sampling close to exact. Ours is in ``s3fifo.py``.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

from ..database import Database
from ..entry import Entry
from ..follower import Follower
from ..keyspace import Keyspace
from .candidates import Candidates
from .s3fifo import Queues

POOL: Final = 16
"""Redis' size of the pool."""


class Victim(NamedTuple):
    """An entry to evict, and the database that holds it."""

    db: Database
    entry: Entry


class Policy(Protocol):
    """One way of choosing."""

    def follower(self, db: Database) -> Follower | None:
        """Return what must follow a database from the moment on when entries are chosen."""

    def choose(self) -> Victim | None:
        """Return who goes next, None when there is nobody. The caller evicts whom it gets."""


class Nobody:
    """``noeviction``: what does not fit is refused."""

    def follower(self, db: Database) -> None:
        """Ask for none."""

    def choose(self) -> None:
        """Spare everybody."""


Merit: TypeAlias = Callable[[Entry], int]
"""How much an entry deserves to stay: the least goes."""


class Sampled:
    """The worst of a few drawn at random and of the pool, by a merit: ``lru`` and ``lfu``.

    The pool keeps merits as they were when drawn. Whoever is up to go is looked at again: a key
    used meanwhile goes back to the place that it now deserves.
    """

    def __init__(
        self,
        keyspace: Keyspace,
        candidates: Candidates,
        merit: Merit,
        samples: Callable[[], int],
        chance: random.Random,
    ) -> None:
        self.follower = candidates.follower
        self._keyspace = keyspace
        self._candidates = candidates
        self._merit = merit
        self._samples = samples
        self._chance = chance
        self._pool: list[Victim] = []
        """The worst first; ``_merits`` holds the merit of each."""
        self._merits: list[int] = []

    def choose(self) -> Victim | None:
        self._draw()
        victim = self._worst()
        if victim is None:  # a pool of keys that are all gone may have kept out those just drawn
            self._draw()
            victim = self._worst()
        return victim

    def _draw(self) -> None:
        filled = [db for db in self._keyspace.databases if self._candidates.count(db)]
        if len(filled) > 1:
            self._chance.shuffle(filled)  # among equals the first goes: not always the same database's
        for db in filled:
            for _ in range(self._samples()):
                entry = self._candidates.draw(db)
                if entry is not None:
                    self._add(Victim(db, entry), self._merit(entry))

    def _add(self, victim: Victim, merit: int) -> None:
        merits = self._merits
        if len(merits) == POOL:
            if merit >= merits[-1]:
                return
            merits.pop()
            self._pool.pop()
        at = bisect_right(merits, merit)
        merits.insert(at, merit)
        self._pool.insert(at, victim)

    def _worst(self) -> Victim | None:
        while self._pool:
            victim, merit = self._pool.pop(0), self._merits.pop(0)
            db, entry = victim
            # It may be gone, persisted, or in another database since it was drawn.
            if db.entries.get(entry.key) is entry and self._candidates.includes(entry):
                merit_now = self._merit(entry)
                if merit_now <= merit:
                    return victim
                self._add(victim, merit_now)
        return None


class AtRandom:
    """Any candidate: ``random``."""

    def __init__(self, keyspace: Keyspace, candidates: Candidates, chance: random.Random) -> None:
        self.follower = candidates.follower
        self._keyspace = keyspace
        self._candidates = candidates
        self._chance = chance

    def choose(self) -> Victim | None:
        filled = [db for db in self._keyspace.databases if self._candidates.count(db)]
        db = draw_database(filled, self._candidates.count, self._chance)
        if db is None:
            return None
        entry = self._candidates.draw(db)
        return None if entry is None else Victim(db, entry)


class NextToExpire:
    """The key with the nearest deadline: ``volatile-ttl``. The expiry wheel knows it, so nothing is drawn."""

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace

    def follower(self, db: Database) -> None:
        """Ask for none: the wheel will do."""

    def choose(self) -> Victim | None:
        now_ms = self._keyspace.clock.now_ms
        nearest: Victim | None = None
        nearest_ms = 0
        for db in self._keyspace.databases:
            entry = db.wheel.earliest(now_ms)
            if entry is not None:
                assert entry.expires_at_ms is not None
                if nearest is None or entry.expires_at_ms < nearest_ms:
                    nearest, nearest_ms = Victim(db, entry), entry.expires_at_ms
        return nearest


class ScanResistant:
    """The queues of ``s3fifo.py``, one set per database: ``allkeys-s3fifo``.

    A database is picked by chance, the likelier the more keys it holds, so that
    each gives in proportion and the order within it is its own.
    """

    def __init__(self, keyspace: Keyspace, chance: random.Random) -> None:
        self._keyspace = keyspace
        self._chance = chance

    def follower(self, db: Database) -> Follower:
        return Queues(db.entries.values())

    def choose(self) -> Victim | None:
        db = draw_database([db for db in self._keyspace.databases if db.entries], len, self._chance)
        if db is None:
            return None
        assert isinstance(db.follower, Queues)
        entry = db.follower.take_victim() or db.roster.draw(self._chance)
        return None if entry is None else Victim(db, entry)


def draw_database(
    databases: Sequence[Database], count: Callable[[Database], int], chance: random.Random
) -> Database | None:
    """Pick one of the databases that have candidates, each as likely as it has; None when there is none."""
    if len(databases) < 2:
        return databases[0] if databases else None
    return chance.choices(databases, [count(db) for db in databases])[0]
