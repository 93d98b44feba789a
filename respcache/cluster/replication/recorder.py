"""Every change of what this node serves: gets its version, and goes to the copies as a record.

Records are made at once and hold no value that may change later. A turn may change a key many times; each change
has a record of its own, and they build on each other: so their order is all that counts, not how they are cut into
frames.

Keys of partitions that are not served here should not be written at all. A command that has waited since they were
(for a pause, a busy key) may do so all the same: such *strays* get no version and are thrown away, as nobody
can tell how they relate to what the new server has.
"""

from typing import Final, Protocol

from ..._speedups import RecorderState
from ...keyspace.entry import Entry
from ...keyspace.hashes import Hash
from ...keyspace.recorder import Patch
from ...keyspace.slots import PARTITIONS, key_partition
from .records import Record
from .tables import Part, Table
from .tombstones import Tombstones
from .versions import HybridClock
from .wording import (
    deadline_record,
    dropped_record,
    flushed_record,
    patch_record,
    removed_record,
    state_record,
)

KEPT_BYTES: Final = Entry.KEPT_BYTES
"""Estimated memory beside each entry: its version (see docs/decisions/entry_versions.md), and a place in the table of
its partition."""

STRAY: Final = -1


class Follower(Protocol):
    """A stream to a node that has copies."""

    def add(self, record: Record) -> None: ...


class Recorder(RecorderState):
    """The recorder of all databases of a node in a cluster (``keyspace/recorder.py``)."""

    def __init__(self, clock: HybridClock) -> None:
        self.entry_bytes = KEPT_BYTES
        self.clock: HybridClock = clock
        self._next = clock.next
        self.routes: list[tuple[Follower, ...]] = [()] * PARTITIONS
        """Who is told about each partition. Kept by who knows the table."""
        self.places = list(range(PARTITIONS))
        """Partition and epoch in one number, as told. Kept by who knows the epochs."""
        self.written: list[int] = []
        """Partitions that clients have written to since somebody cleared this: after each command, so it stays short.
        What expired, was evicted or renewed is not among them: no reply depends on it."""
        self.parts = [Part() for _ in range(PARTITIONS)]
        self.tombstones = Tombstones()
        self.strays: set[tuple[int, int, bytes]] = set()
        """Partition, database and key; each is an entry in a database. Cleared by ``Holdings.forget``."""

    # -- what databases tell ------------------------------------------------

    def stored(self, db: int, entry: Entry) -> None:
        old = entry.version
        if not old:
            p = self.advance(db, entry)
            if p == STRAY:
                return
        else:  # as ``advance`` does; a call less, on the way of every SET
            p = key_partition(entry.key)
            part = self.parts[p]
            table = part.tables[db]
            entry.version = version = self._next(old)
            table.digest += (version - old) * (version + old)
            if version > part.latest:  # noqa: PLR1730  # as there
                part.latest = version
        self.written.append(p)
        route = self.routes[p]
        if route:
            record = state_record(self.places[p], db, entry)
            for follower in route:
                follower.add(record)

    def patched(self, db: int, entry: Entry, patch: Patch) -> None:
        value = entry.value
        if value.__class__ is Hash and not value.fields:
            return  # its removal follows at once, and says all; no copy shall ever hold an empty hash
        base = entry.version
        p = self.advance(db, entry)
        if p == STRAY:
            return
        self.written.append(p)
        if self.routes[p]:
            self.tell(p, patch_record(self.places[p], db, entry, base, patch))

    def retimed(self, db: int, entry: Entry) -> None:
        p = self._retime(db, entry)
        if p != STRAY:
            self.written.append(p)

    def renewed(self, db: int, entry: Entry) -> None:
        self._retime(db, entry)

    def removed(self, db: int, entry: Entry) -> None:
        if entry.version:
            p = key_partition(entry.key)
            table = self.take_out(p, db, entry)
            self.bury(p, db, entry.key, self.clock.next(max(entry.version, table.flushed)))
            self.written.append(p)

    def dropped(self, db: int, entry: Entry) -> None:
        if entry.version:
            p = key_partition(entry.key)
            self.take_out(p, db, entry)
            if self.routes[p]:
                self.tell(p, dropped_record(self.places[p], db, entry))

    def flushed(self, db: int) -> None:
        """Tell every partition, but not of a database that was never used: most are not, and FLUSHALL flushes all."""
        if db and not any(db in part.tables for part in self.parts):
            return
        for p, part in enumerate(self.parts):
            if part.is_served:
                table = part.table(db)
                table.forget_all()
                self.note_flush(p, db, self.clock.next(max(part.latest, table.flushed)))
                self.written.append(p)

    # -- what merging does, too --------------------------------------------

    def advance(self, db: int, entry: Entry, version: int = 0) -> int:
        """Give an entry its next version, or the one that is handed in; return its partition, or ``STRAY``."""
        key = entry.key
        p = key_partition(key)
        part = self.parts[p]
        old = entry.version
        if old:
            table = part.tables[db]
            version = version or self.clock.next(old)
        elif part.is_served:
            table = part.table(db)
            version = version or self.clock.next(table.floor(key))
            table.entries[key] = entry
            table.tombstones.pop(key, None)
        else:
            self.strays.add((p, db, key))
            return STRAY
        entry.version = version
        table.digest += (version - old) * (version + old)  # a third of the time of two squares
        if version > part.latest:  # noqa: PLR1730  # max() takes 70 ns longer, and every write comes here
            part.latest = version
        return p

    def bury(self, p: int, db: int, key: bytes, version: int) -> None:
        """Remember a deletion, and tell it."""
        part = self.parts[p]
        self.tombstones.add(part.table(db), key, version, self.clock.now_ms())
        part.latest = max(part.latest, version)
        if self.routes[p]:
            self.tell(p, removed_record(self.places[p], db, key, version))

    def note_flush(self, p: int, db: int, version: int) -> None:
        """Remember a flush, and tell it."""
        part = self.parts[p]
        part.table(db).flushed = version
        part.latest = max(part.latest, version)
        if self.routes[p]:
            self.tell(p, flushed_record(self.places[p], db, version))

    def tell(self, p: int, record: Record) -> None:
        for follower in self.routes[p]:
            follower.add(record)

    # -- within ------------------------------------------------------------

    def _retime(self, db: int, entry: Entry) -> int:
        base = entry.version
        p = self.advance(db, entry)
        if p != STRAY and self.routes[p]:
            self.tell(p, deadline_record(self.places[p], db, entry, base))
        return p

    def take_out(self, p: int, db: int, entry: Entry) -> Table:
        table = self.parts[p].tables[db]
        del table.entries[entry.key]
        table.digest -= entry.version * entry.version
        return table
