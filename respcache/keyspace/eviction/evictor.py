"""Makes room: evicts entries, by the policy in force, until memory is below its limit.

A policy starts to follow the databases when room is first short; until then
it costs nothing. Only counting uses (``lfu``) begins as soon as it is chosen,
since OBJECT FREQ shows the counters. Changing the policy starts anew from
what the databases hold.
"""

import random
from collections.abc import Callable
from operator import attrgetter
from typing import Final

from ..database import Database
from ..entry import Entry
from ..keyspace import Keyspace
from .candidates import AllKeys, Candidates, VolatileKeys
from .lfu import NEVER_SEEN, Frequency, last_used_ms
from .policies import AtRandom, NextToExpire, Nobody, Policy, Sampled, ScanResistant

POLICIES: Final = (
    "noeviction",
    "allkeys-s3fifo",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
)
"""Redis' names and ours: the values of ``maxmemory-policy``."""

DEFAULT_POLICY: Final = "allkeys-s3fifo"

DEFAULT_SAMPLES: Final = 5
"""Redis' ``maxmemory-samples``."""


class Evictor:
    """Keeps a keyspace below a limit. One per node; its settings may change at any time."""

    def __init__(self, keyspace: Keyspace, chance: random.Random, policy: str = DEFAULT_POLICY) -> None:
        self.samples = DEFAULT_SAMPLES
        self.frequency = Frequency(chance)
        """Holds ``log_factor`` and ``decay_minutes``, and reads a counter for OBJECT FREQ."""
        self._keyspace = keyspace
        self._chance = chance
        self._name = "noeviction"
        self._policy: Policy = Nobody()
        self._is_following = False
        self.policy = policy

    @property
    def policy(self) -> str:
        """One of ``POLICIES``; ValueError for any other name."""
        return self._name

    @policy.setter
    def policy(self, name: str) -> None:
        if name not in POLICIES:
            raise ValueError(f"no eviction policy is called {name!r}")
        if name == self._name:
            return
        self._unfollow()
        self._count_uses(name.endswith("-lfu"))
        self._policy = self._make(name)
        self._name = name

    def configure(self, policy: str, *, samples: int, lfu_log_factor: int, lfu_decay_minutes: int) -> None:
        """Take over the settings that concern eviction."""
        self.policy = policy
        self.samples = samples
        self.frequency.log_factor = lfu_log_factor
        self.frequency.decay_minutes = lfu_decay_minutes

    def make_room(self, limit_bytes: int, used_bytes: Callable[[], int], most: int) -> bool:
        """Evict until ``used_bytes()`` is at most ``limit_bytes``, but no more than ``most`` entries.

        False means that nothing more can be evicted and there is no room.
        After ``most`` evictions it is True although memory may still be above its limit: so one
        call stays short, and calling again goes on.
        """
        excess = used_bytes() - limit_bytes
        if excess <= 0:
            return True
        if not self._is_following:
            self._follow()
            excess = used_bytes() - limit_bytes  # a follower needs memory, too
        counted: Database | None = None
        before = 0
        for _ in range(most):
            victim = self._policy.choose()
            if victim is None:
                return False
            db, entry = victim
            if db is not counted:
                counted, before = db, db.used_bytes
            db.evict(entry)
            after = db.used_bytes  # counting takes a tenth of the whole: once, not before and after each
            excess -= before - after
            before = after
            if excess <= 0:
                break
        return True

    def _make(self, name: str) -> Policy:
        if name == "noeviction":
            return Nobody()
        if name == "allkeys-s3fifo":
            return ScanResistant(self._keyspace, self._chance)
        if name == "volatile-ttl":
            return NextToExpire(self._keyspace)
        scope, _, order = name.partition("-")
        candidates: Candidates = (AllKeys if scope == "allkeys" else VolatileKeys)(self._chance)
        if order == "random":
            return AtRandom(self._keyspace, candidates, self._chance)
        merit = attrgetter("seen") if order == "lru" else self._count_of
        return Sampled(self._keyspace, candidates, merit, lambda: self.samples, self._chance)

    def _count_of(self, entry: Entry) -> int:
        return self.frequency.count(entry.seen, self._keyspace.clock.now_ms)

    def _follow(self) -> None:
        self._is_following = True
        for db in self._keyspace.databases:
            db.follow(self._policy.follower(db))

    def _unfollow(self) -> None:
        self._is_following = False
        for db in self._keyspace.databases:
            db.follow(None)

    def _count_uses(self, is_wanted: bool) -> None:
        """Let ``Entry.seen`` hold counters, or times again."""
        now_ms = self._keyspace.clock.now_ms
        for db in self._keyspace.databases:
            if (db.stamp is not None) == is_wanted:
                continue
            db.stamp = self.frequency.stamp if is_wanted else None
            for entry in db.entries.values():
                entry.seen = (
                    self.frequency.stamp(NEVER_SEEN, now_ms) if is_wanted else last_used_ms(entry.seen)
                )
