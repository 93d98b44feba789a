"""One numbered database: keys, values, deadlines, and the rules that keep them in step.

Expiry is lazy here: whoever touches a key past its deadline finds it gone; the
sweep in ``keyspace.py`` finds those that nobody touches. Both end in
``_expire``, so there is one place where a key dies of old age.

Every change takes a ``Notice`` and is passed to the journal. Memory is counted
as it changes (see ``entry.py`` for the constants): reading the count is free.

Invariants: an entry in ``entries`` has a value and stands in the roster; an
entry with a deadline stands in one bucket of the wheel; a dead entry's value is None.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from .._speedups import DatabaseState
from .clock import Clock
from .entry import DEADLINE_BYTES, ENTRY_BYTES, Entry, Value, size_of
from .follower import Follower
from .hashes import HashLimits
from .journal import Journal, Notice
from .lives import RENEWALS_TOLD, DefaultDeadline, Lives, Renewal
from .recorder import Patch, Recorder
from .roster import Roster, new_contents
from .wheel import Wheel

NEVER: Final = 0
"""A deadline for ``put``: none at all, whatever the default life."""

EXPIRED: Final = Notice("x", "expired")
EVICTED: Final = Notice("e", "evicted")


class Statistics(Protocol):
    """Counters that reading and dying advance."""

    keyspace_hits: int
    keyspace_misses: int
    expired_keys: int
    evicted_keys: int


class Database(DatabaseState):
    """Maps keys to values. Synchronous, single-threaded, knows no client."""

    def __init__(self, index: int, clock: Clock, journal: Journal, statistics: Statistics) -> None:
        self.index = index
        self.clock = clock
        self.journal = journal
        self.statistics = statistics
        self.lives: Lives | None = None
        self.hash_limits = HashLimits()
        self.follower: Follower | None = None
        self.recorder: Recorder | None = None
        self.entry_bytes = ENTRY_BYTES
        """What each key takes beside its key and value, what follower and recorder keep for it included."""
        self.deadline_bytes = DEADLINE_BYTES
        self.stamp: Callable[[int, int], int] | None = None
        """How an access changes ``Entry.seen`` given (seen, now_ms); None: it becomes now."""
        self.entries: dict[bytes, Entry]
        self.roster: Roster[Entry]
        self.entries, self.roster = new_contents()
        self.wheel = Wheel()
        self.payload_bytes = 0
        self.deadlines = 0
        """How many keys have a deadline."""

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def used_bytes(self) -> int:
        """Estimated memory of all keys and values, and of what an eviction policy keeps beside them."""
        overhead_bytes = len(self.entries) * self.entry_bytes + self.roster.slack_bytes
        return self.payload_bytes + overhead_bytes + self.deadlines * self.deadline_bytes

    def follow(self, follower: Follower | None) -> None:
        """Let an eviction policy keep its order of the entries from now on, or none."""
        self.follower = follower
        self.record(self.recorder)
        self.deadline_bytes = DEADLINE_BYTES + (0 if follower is None else follower.deadline_bytes)

    def record(self, recorder: Recorder | None) -> None:
        """Let a recorder hear of every change from now on, or none."""
        self.recorder = recorder
        self.entry_bytes = ENTRY_BYTES + sum([one.entry_bytes for one in (self.follower, recorder) if one])

    # -- looking -----------------------------------------------------------

    def read(self, key: bytes) -> Value | None:
        """Return the value for a client that reads it: counts a hit or a miss, and notes the use."""
        entry = self.entries.get(key)
        if entry is None or (
            entry.expires_at_ms is not None
            and entry.expires_at_ms <= self.clock.now_ms
            and self._expire(entry)
        ):
            self.statistics.keyspace_misses += 1
            if self.journal.wants_reads:
                self.journal.missed(self.index, key)
            return None
        self.statistics.keyspace_hits += 1
        now_ms = self.clock.now_ms
        entry.seen = now_ms if self.stamp is None else self.stamp(entry.seen, now_ms)
        if self.lives is not None and self.lives.is_sliding:
            self._renew(entry, is_read=True)
        if self.journal.wants_reads:
            self.journal.read(self.index, key, entry.value)  # type: ignore[arg-type]  # alive: it has a value
        return entry.value

    def find(self, key: bytes) -> Entry | None:
        """Return the live entry, uncounted and without noting a use: for inspection, and before a change."""
        entry = self.entries.get(key)
        if entry is None or entry.expires_at_ms is None or entry.expires_at_ms > self.clock.now_ms:
            return entry
        self._expire(entry)
        return None

    def inspect(self, key: bytes) -> Entry | None:
        """Return the live entry for a client that asks about it: counts a hit or a miss, but notes no use."""
        entry = self.find(key)
        if entry is not None:
            self.statistics.keyspace_hits += 1
            return entry
        self.statistics.keyspace_misses += 1
        if self.journal.wants_reads:
            self.journal.missed(self.index, key)
        return None

    def peek(self, key: bytes) -> Value | None:
        """Return the live value as ``find`` does."""
        entry = self.find(key)
        return None if entry is None else entry.value

    def has(self, key: bytes) -> bool:
        return self.find(key) is not None

    def keys(self) -> Iterator[bytes]:
        """Yield the keys that are alive now. The database must not change meanwhile."""
        now_ms = self.clock.now_ms
        for key, entry in self.entries.items():
            if entry.expires_at_ms is None or entry.expires_at_ms > now_ms:
                yield key

    def draw(self, chance: random.Random) -> bytes | None:
        """Pick a random living key."""
        while True:
            entry = self.roster.draw(chance)
            if entry is None:
                return None
            if self.find(entry.key) is not None:
                return entry.key

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Walk the keys; see ``roster.py`` for the promise. Keys past their deadline are left out."""
        cursor, entries = self.roster.walk(cursor, count)
        return cursor, [entry.key for entry in entries if self.find(entry.key) is not None]

    # -- changing ----------------------------------------------------------

    def put(
        self,
        key: bytes,
        value: Value,
        notice: Notice,
        deadline_ms: int | None = None,
        keep_deadline: bool = False,
    ) -> Entry:
        """Store ``value`` in place of whatever was there.

        The deadline becomes ``deadline_ms`` (``NEVER`` for none; one that has passed makes a key
        that nobody will see), stays when ``keep_deadline``, or else is that of the default life, if any.
        """
        entry = self.entries.get(key)
        now_ms = self.clock.now_ms
        if entry is not None and entry.expires_at_ms is not None and entry.expires_at_ms <= now_ms:
            self._expire(entry)
            entry = None
        if entry is None:
            entry = self._add(key, value, now_ms)
            is_new = True
        else:
            old = entry.value
            if value.__class__ is bytes and old.__class__ is bytes:
                self.payload_bytes += len(value) - len(old)
            else:
                self.payload_bytes += size_of(value) - size_of(old)
            entry.value = value
            entry.seen = now_ms if self.stamp is None else self.stamp(entry.seen, now_ms)
            is_new = False
        if deadline_ms:
            self._set_deadline(entry, deadline_ms)
        elif self.lives is not None and deadline_ms is None:
            self._apply_default(entry, is_new, keep_deadline)
        elif entry.expires_at_ms is not None and not keep_deadline:
            self._clear_deadline(entry)
        journal = self.journal
        journal.changes += 1
        if journal.attentive:
            (journal.created if is_new else journal.updated)(self.index, key, value, notice)
        if self.recorder is not None:
            self.recorder.stored(self.index, entry)
        return entry

    def modified(self, entry: Entry, notice: Notice, grown_bytes: int, patch: Patch | None = None) -> None:
        """Report that a value was changed in place, by how many bytes it grew, and which part of it, if not all."""
        self.payload_bytes += grown_bytes
        entry.seen = self.clock.now_ms if self.stamp is None else self.stamp(entry.seen, self.clock.now_ms)
        if self.lives is not None and self.lives.is_sliding:
            self._renew(entry)
        self.journal.changes += 1
        if self.journal.attentive:
            assert entry.value is not None
            self.journal.updated(self.index, entry.key, entry.value, notice)
        if self.recorder is not None:
            if patch is None:
                self.recorder.stored(self.index, entry)
            else:
                self.recorder.patched(self.index, entry, patch)

    def remove(self, key: bytes, notice: Notice) -> bool:
        """Delete ``key``; say whether it was alive."""
        entry = self.find(key)
        if entry is None:
            return False
        value = self.take_out(entry)
        self.journal.changes += 1
        if self.journal.attentive:
            self.journal.deleted(self.index, key, value, notice)
        if self.recorder is not None:
            self.recorder.removed(self.index, entry)
        return True

    def move(self, entry: Entry, target: "Database", key: bytes, left: Notice, arrived: Notice) -> None:
        """Hand a live entry's value, deadline and last use over to ``key`` in ``target``, which may be this database."""
        deadline_ms, seen = entry.expires_at_ms, entry.seen
        value = self.take_out(entry)
        if self.journal.attentive:
            self.journal.deleted(self.index, entry.key, value, left)
        if self.recorder is not None:
            self.recorder.removed(self.index, entry)
        target.put(key, value, arrived, NEVER if deadline_ms is None else deadline_ms).seen = seen

    def expire_at(self, entry: Entry, deadline_ms: int, notice: Notice) -> None:
        """Give a live entry a deadline, which must lie ahead."""
        self._set_deadline(entry, deadline_ms)
        self.journal.changes += 1
        if self.journal.attentive:
            self.journal.touched(self.index, entry.key, notice)
        if self.recorder is not None:
            self.recorder.retimed(self.index, entry)

    def persist(self, entry: Entry, notice: Notice) -> bool:
        """Take the deadline away; say whether there was one."""
        if entry.expires_at_ms is None:
            return False
        self._clear_deadline(entry)
        self.journal.changes += 1
        if self.journal.attentive:
            self.journal.touched(self.index, entry.key, notice)
        if self.recorder is not None:
            self.recorder.retimed(self.index, entry)
        return True

    def notify(self, key: bytes, notice: Notice) -> None:
        """Add a second word for a change already reported, such as ``expire`` after ``set``."""
        if self.journal.attentive:
            self.journal.touched(self.index, key, notice)

    def evict(self, entry: Entry) -> None:
        """Remove an entry to make room."""
        key = entry.key
        value = self.take_out(entry)
        self.statistics.evicted_keys += 1
        if self.journal.attentive:
            self.journal.evicted(self.index, key, value)
        if self.recorder is not None:
            self.recorder.dropped(self.index, entry)

    def take_out(self, entry: Entry) -> Value:
        """Remove a living entry without a word to anybody; return the value it had."""
        value = entry.value
        assert value is not None
        del self.entries[entry.key]
        self.payload_bytes -= len(entry.key) + size_of(value)
        if entry.expires_at_ms is not None:
            self.deadlines -= 1
        if entry.bucket is not None:
            self.wheel.forget(entry)
        if self.follower is not None:
            self.follower.entry_removed(entry)
        entry.value = None
        self.roster.note_removed()
        return value

    def abandon(self, key: bytes) -> bool:
        """Remove what another node has now, alive or not, without a word to anybody; say whether it was here."""
        entry = self.entries.get(key)
        if entry is None:
            return False
        self.take_out(entry)
        return True

    def flush(self) -> int:
        """Forget everything; return how many keys that were."""
        gone = (
            self.entries
        )  # until the recorder has let go as well: entries are freed faster in their own order
        count = len(gone)
        for key in self.journal.watched_keys(self.index):
            if key in gone:
                self.journal.disturb(self.index, key)
        self.wheel.clear()
        self.entries, self.roster = new_contents()
        self.payload_bytes = self.deadlines = 0
        if self.follower is not None:
            self.follower.emptied()
        self.journal.changes += count
        if self.journal.attentive and count:
            self.journal.flushed(self.index)
        if self.recorder is not None:
            self.recorder.flushed(self.index)
        return count

    def sweep(self, most: int) -> int:
        """Expire up to ``most`` keys that are due; return how many entries were expired."""
        expired = 0
        for entry in self.wheel.take_due(self.clock.now_ms, most):
            if entry.value is not None:
                self._expire(entry)
                expired += 1
        return expired

    # -- within ------------------------------------------------------------

    def _add(self, key: bytes, value: Value, now_ms: int) -> Entry:
        entry = Entry(key, value, now_ms)
        if self.stamp is not None:
            entry.seen = self.stamp(-1, now_ms)
        self.entries[key] = entry
        self.roster.add(entry)
        self.payload_bytes += len(key) + (len(value) if value.__class__ is bytes else size_of(value))
        if self.follower is not None:
            self.follower.entry_added(entry)
        return entry

    def _expire(self, entry: Entry) -> bool:
        value = self.take_out(entry)
        self.statistics.expired_keys += 1
        if self.journal.attentive:
            self.journal.expired(self.index, entry.key, value)
        if self.recorder is not None:
            self.recorder.dropped(self.index, entry)
        return True

    def _set_deadline(self, entry: Entry, deadline_ms: int) -> None:
        if entry.expires_at_ms is None:
            self.deadlines += 1
            if self.follower is not None:
                self.follower.deadline_set(entry)
        entry.expires_at_ms = deadline_ms
        if entry.bucket is None or entry.bucket.due_ms > deadline_ms:
            self.wheel.schedule(entry, self.clock.now_ms)

    def _clear_deadline(self, entry: Entry) -> None:
        entry.expires_at_ms = None  # its bucket finds out when it comes due
        self.deadlines -= 1

    def _apply_default(self, entry: Entry, is_new: bool, keep_deadline: bool) -> None:
        """Give a created or replaced key its default life, or none."""
        assert self.lives is not None
        if keep_deadline and not is_new:
            if self.lives.is_sliding:
                self._renew(entry)
            return
        if not is_new and self.lives.renewal is Renewal.ON_CREATE:
            return
        life_ms = self.lives.life_ms(entry.key)
        if life_ms is not None:
            self._set_deadline(entry, DefaultDeadline(self.clock.now_ms + life_ms))
        elif entry.expires_at_ms is not None:
            self._clear_deadline(entry)

    def _renew(self, entry: Entry, is_read: bool = False) -> None:
        """Start a default life anew on access; what EXPIRE or PERSIST has said is left alone."""
        assert self.lives is not None
        old_ms = entry.expires_at_ms
        if old_ms.__class__ is not DefaultDeadline:
            return
        life_ms = self.lives.life_ms(entry.key)
        if life_ms is None:
            return
        deadline_ms = self.clock.now_ms + life_ms
        if not is_read or self.recorder is None:
            self._set_deadline(entry, DefaultDeadline(deadline_ms))
        elif deadline_ms - old_ms > life_ms // RENEWALS_TOLD:
            self._set_deadline(entry, DefaultDeadline(deadline_ms))
            self.recorder.renewed(self.index, entry)
