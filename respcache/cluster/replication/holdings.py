"""All data of a node by partition: what it serves, its copies of what others serve, and what it has set aside.

A partition is served or it is a copy, be it an empty one. Served entries are in the databases, where they expire and are
evicted; those of a copy are only here, and wait for word from their server. What was here before a full
copy came is set aside, until it is known what of it the copy lacks.
"""

from collections.abc import Callable, Iterator

from ..._speedups import StateWriter
from ...keyspace import transfers
from ...keyspace.entry import Entry
from ...keyspace.keyspace import Keyspace
from ...keyspace.slots import key_partition
from .applying import Account, Applied, Applier
from .content import content_digest
from .debts import DEBT_BYTES
from .epochs import Epochs
from .merging import Merger
from .recorder import Recorder
from .records import Record
from .tables import Part, Table
from .tombstones import TOMBSTONE_BYTES
from .versions import HybridClock
from .wording import flushed_record, owed_record, removed_record, state_record

__all__ = ["Applied", "Holdings"]


class Holdings:
    """Moves partitions between being served and being copies, and keeps the copies."""

    def __init__(self, keyspace: Keyspace, clock: HybridClock, recorder: Recorder) -> None:
        """Let the recorder hear of every change from now on."""
        self.recorder = recorder
        self.on_adopted: Callable[[int], None] = lambda partition: None
        """Told of a partition that is served from now on, before anything is merged into it."""
        self.clock = keyspace.clock
        """Of the wall, as the databases see it."""
        self._keyspace = keyspace
        self._clock = clock
        self._aside: dict[int, Part] = {}
        self._account = Account()
        self._applier = Applier(recorder, keyspace.clock, len(keyspace.databases), self._account)
        self.merger = Merger(keyspace, recorder)
        keyspace.record(recorder)

    # -- serving -----------------------------------------------------------

    def adopt(self, p: int) -> int:
        """Serve a partition with what is here of it, be it nothing; return how many entries that is."""
        part = self.recorder.parts[p]
        if part.is_served:
            return len(part)
        self._clear_strays(p)
        for db, table in part.tables.items():
            self._account.take_all(table.entries.values())
            transfers.adopt(self._keyspace.databases[db], table.entries.values())
        part.is_served = True
        part.is_filling = False
        self._disturb(p)
        self.on_adopted(p)
        return len(part)

    def release(self, p: int) -> None:
        """Serve it no more: its entries leave the databases and become a copy. Nobody is told."""
        part = self.recorder.parts[p]
        if not part.is_served:
            return
        part.is_served = False
        for db, table in part.tables.items():
            table.entries = transfers.release(self._keyspace.databases[db], table.entries.values())
            self._account.add_all(table.entries.values())
        self._disturb(p)

    def merge(self, p: int, record: Record) -> bool:
        """Take an offered record (with or without the ``OFFER`` bit) into a served partition, if it is newer.

        It keeps its version and goes to the followers; clients that watch or cache the key are told. Say whether any
        data changed. Raises BrokenFrameError.
        """
        return self.merger.merge(p, record)

    # -- copies ------------------------------------------------------------

    def writer(self, epochs: Epochs) -> StateWriter:
        """Return what may put states of strings onto copies itself, told by who serves in these epochs."""
        return StateWriter(self.recorder, self._account, epochs, len(self._keyspace.databases))

    def apply(self, p: int, record: Record) -> Applied:
        """Put a record below ``CONTROL`` onto a copy. Raises BrokenFrameError."""
        return self._applier.apply(p, record)

    def begin(self, p: int, *, is_kept: bool = True) -> None:
        """Make room for a full copy, which comes as records, and set aside what is here until ``end``.

        Let go of it at once where it is not to be kept: where it all came from the server that sends the copy. Kept
        then, it would bring back what that server has deleted longer ago than tombstones last.
        """
        part = self.recorder.parts[p]
        assert not part.is_served
        if not is_kept:
            self._let_go(part)
        elif p in self._aside:
            self._add_aside(self._aside[p], part)
        elif part.tables:
            self._aside[p] = part
        fresh = self.recorder.parts[p] = Part()
        fresh.is_filling = True

    def end(self, p: int) -> list[Record]:
        """Return what was set aside and is newer than what is here now, to be offered; let go of the rest.

        Kinds and places are as those of ``records``. Also for a partition that is served meanwhile.
        """
        part = self.recorder.parts[p]
        part.is_filling = False
        aside = self._aside.pop(p, None)
        if aside is None:
            return []
        place = self.recorder.places[p]
        told: list[Record] = [
            owed_record(place, db, key, version, is_owed=True)
            for (db, key), version in aside.owed.items()
            if version > part.table(db).known(key)
        ]
        for db, table in aside.tables.items():
            told.extend(self._newer(place, db, table, part.table(db)))
        self._let_go(aside)
        return told

    def note_latest(self, p: int, version: int) -> None:
        """Note that a full copy was made of a state with this latest version: of a deletion, maybe, that nobody remembers."""
        part = self.recorder.parts[p]
        part.latest = max(part.latest, version)

    def drop(self, p: int) -> None:
        """Forget a copy, and what was set aside of it."""
        assert not self.recorder.parts[p].is_served
        self._let_go(self.recorder.parts[p])
        self.recorder.parts[p] = Part()
        aside = self._aside.pop(p, None)
        if aside is not None:
            self._let_go(aside)

    def find(self, p: int, db: int, key: bytes) -> Entry | None:
        """Return an entry that is not past its deadline, of a copy or of what is served."""
        table = self.recorder.parts[p].tables.get(db)
        entry = None if table is None else table.entries.get(key)
        return None if entry is None or self._is_late(entry) else entry

    # -- what is here ------------------------------------------------------

    def records(self, p: int) -> Iterator[Record]:
        """Yield everything as records: debts, flushes and tombstones first, then entries as they are by then.

        The partition may change meanwhile: who also gets all records of changes since the first ``next`` has it whole.
        """
        places = self.recorder.places
        part = self.recorder.parts[p]
        for (db, key), version in list(part.owed.items()):
            if part.owed.get((db, key)) == version:
                yield owed_record(places[p], db, key, version, is_owed=True)
        tables = list(part.tables.items())
        for db, table in tables:
            if table.flushed:
                yield flushed_record(places[p], db, table.flushed)
            for key, version in list(table.tombstones.items()):
                if table.tombstones.get(key) == version:
                    yield removed_record(places[p], db, key, version)
        for db, table in tables:
            for entry in list(table.entries.values()):
                if table.entries.get(entry.key) is entry:
                    yield state_record(places[p], db, entry)

    def summary(self, p: int) -> tuple[int, int, int]:
        """Return how many entries there are, the digest of their versions, and the latest version of anything."""
        part = self.recorder.parts[p]
        if not (part.tables or part.owed):
            return 0, 0, part.latest
        return len(part), part.digest, part.latest

    def content_digest(self, p: int) -> bytes:
        """Return 16 bytes that are equal for equal keys, values, deadlines and versions. Walks all of them."""
        return content_digest(self.recorder.parts[p])

    def holds(self, p: int) -> bool:
        """Say whether there is anything: entries, deletions, debts, or something set aside."""
        part = self.recorder.parts[p]
        if p in self._aside or part.owed:
            return True
        if not part.tables:
            return False
        return any(one.entries or one.tombstones or one.flushed for one in part.tables.values())

    def forget(self, now_ms: int) -> None:
        """Drop old tombstones and strays; to be called every second or so."""
        self.recorder.tombstones.forget(now_ms)
        for p in {p for p, _, _ in self.recorder.strays}:
            self._clear_strays(p)

    @property
    def used_bytes(self) -> int:
        """Estimated memory of copies, of what is set aside, of tombstones and debts; of served data, ``Keyspace`` tells."""
        debts = sum([len(part.owed) for part in (*self.recorder.parts, *self._aside.values())])
        tombstones = len(self.recorder.tombstones)
        return self._account.used_bytes + tombstones * TOMBSTONE_BYTES + debts * DEBT_BYTES

    @property
    def copied_entries(self) -> int:
        """How many entries the copies have, those set aside included."""
        return self._account.entries

    # -- within ------------------------------------------------------------

    def _newer(self, place: int, db: int, old: Table, new: Table) -> Iterator[Record]:
        """Yield what an older table has of newer states; what is past its deadline is not worth telling."""
        if old.flushed > new.flushed:
            yield flushed_record(place, db, old.flushed)
        for key, version in old.tombstones.items():
            if version > new.known(key):
                yield removed_record(place, db, key, version)
        for key, entry in old.entries.items():
            if entry.version > new.known(key) and not self._is_late(entry):
                yield state_record(place, db, entry)

    def _add_aside(self, aside: Part, part: Part) -> None:
        """Keep, of what was set aside and of a copy that never became whole, the newer."""
        for place, version in part.owed.items():
            aside.owed[place] = max(version, aside.owed.get(place, 0))
        for db, table in part.tables.items():
            kept = aside.table(db)
            kept.flushed = max(kept.flushed, table.flushed)
            for key, version in table.tombstones.items():
                if version > kept.known(key):
                    self._take_aside(kept, key)
                    self.recorder.tombstones.add(kept, key, version, self._keyspace.clock.now_ms)
            for key, entry in table.entries.items():
                if entry.version > kept.known(key):
                    self._take_aside(kept, key)
                    kept.entries[key] = entry
                else:
                    self._account.take(entry)

    def _take_aside(self, kept: Table, key: bytes) -> None:
        kept.tombstones.pop(key, None)
        old = kept.entries.pop(key, None)
        if old is not None:
            self._account.take(old)

    def _let_go(self, part: Part) -> None:
        for table in part.tables.values():
            self._account.take_all(table.entries.values())
            table.forget_all()

    def _clear_strays(self, p: int) -> None:
        if not self.recorder.strays:
            return
        for stray in [one for one in self.recorder.strays if one[0] == p]:
            self.recorder.strays.discard(stray)
            self._keyspace.databases[stray[1]].abandon(stray[2])

    def _disturb(self, p: int) -> None:
        """Tell clients that watch keys of a partition that they have lost sight of them."""
        journal = self._keyspace.journal
        for db, key in journal.watched:
            if key_partition(key) == p:
                journal.disturb(db, key)

    def _is_late(self, entry: Entry) -> bool:
        return entry.expires_at_ms is not None and entry.expires_at_ms <= self._keyspace.clock.now_ms
