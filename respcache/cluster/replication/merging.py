"""What others offer, merged into a partition that this node serves: of two states of a key the newer one stays.

A merged state keeps its version, so all who have merged the same things have the same in the end, in whatever
order they did. It goes to the followers as any change does, and clients that watch or cache the key
hear of it; that nobody here has commanded it makes no difference to them.
"""

from collections.abc import Callable
from typing import Final

from ...keyspace.database import NEVER, Database
from ...keyspace.journal import Notice
from ...keyspace.keyspace import Keyspace
from ..bus.frames import BrokenFrameError
from . import records
from .reading import check_deadline, check_head, check_version, read_value
from .recorder import Recorder
from .records import Record
from .tables import Table
from .wording import deadline_of_word, state_record

SET_NOTICE: Final = Notice("$", "set")
HSET_NOTICE: Final = Notice("h", "hset")
DEL_NOTICE: Final = Notice("g", "del")


class Merger:
    """Changes served partitions."""

    def __init__(self, keyspace: Keyspace, recorder: Recorder) -> None:
        self._databases = keyspace.databases
        self._recorder = recorder
        self.on_merged: Callable[[int, bytes, bool], None] = lambda db, key, is_owed: None
        """Told of a key that has a newer state now, or is gone; and once more if a database must hear of that."""

    def merge(self, p: int, record: Record) -> bool:
        """Take a whole state, a removal or a flush if it is newer; say whether any data changed.

        Raises BrokenFrameError.
        """
        if not self._recorder.parts[p].is_served:
            return False
        if len(record) and record[0].__class__ is int:
            record = (record[0] & ~records.OFFER, *record[1:])
        kind = check_head(p, record, len(self._databases))
        db = self._databases[record[2]]
        table = self._recorder.parts[p].table(db.index)
        if kind == records.FLUSHED:
            return self._flushed(p, db, table, check_version(record[3], record[4]))
        key = record[3]
        version = check_version(record[4], record[5])
        if kind in (records.STRING, records.HASH):
            return self._state(p, db, table, record, version)
        if kind == records.REMOVED:
            return self._removed(p, db, table, key, version)
        if kind == records.OWED:
            return self._owed(p, db, table, key, version)
        raise BrokenFrameError(f"kind {kind} is never offered")

    def _state(self, p: int, db: Database, table: Table, record: Record, version: int) -> bool:
        kind, _, _, key, _, _, deadline_ms, word, flag = record
        check_deadline(deadline_ms)
        value = read_value(kind, word, flag)
        if version <= table.known(key):
            return False
        deadline_ms = deadline_of_word(deadline_ms)
        is_late = deadline_ms is not None and deadline_ms <= db.clock.now_ms
        if db.find(key) is None and is_late:  # if what is here has expired, the world hears that first
            return False  # it would be gone at once, and be news whenever it is offered
        recorder = self._recorder
        recorder.clock.see(version)
        notice = SET_NOTICE if kind == records.STRING else HSET_NOTICE
        db.recorder = None  # it is told below, with a version of its own
        entry = db.put(key, value, notice, deadline_ms or NEVER)
        db.recorder = recorder
        recorder.advance(db.index, entry, version)
        if recorder.routes[p]:
            recorder.tell(p, state_record(recorder.places[p], db.index, entry))
        self.on_merged(db.index, key, False)
        return True

    def _removed(self, p: int, db: Database, table: Table, key: bytes, version: int) -> bool:
        if version <= table.known(key):
            return False
        self._recorder.clock.see(version)
        is_change = self._remove(p, db, key)
        self._recorder.bury(p, db.index, key, version)
        self.on_merged(db.index, key, False)
        return is_change

    def _owed(self, p: int, db: Database, table: Table, key: bytes, version: int) -> bool:
        """Take a debt together with its deletion, which is offered behind it: where that is here already, so was the debt."""
        if version <= table.known(key):
            return False
        self._removed(p, db, table, key, version)
        self.on_merged(db.index, key, True)
        return True

    def _flushed(self, p: int, db: Database, table: Table, version: int) -> bool:
        if version <= table.flushed:
            return False
        self._recorder.clock.see(version)
        removed = [
            self._remove(p, db, one.key) for one in list(table.entries.values()) if one.version <= version
        ]
        table.lift(version)
        self._recorder.note_flush(p, db.index, version)
        return any(removed)

    def _remove(self, p: int, db: Database, key: bytes) -> bool:
        """Remove a key, telling clients but no followers; say whether it was there."""
        entry = db.find(key)
        if entry is None:
            return False
        db.recorder = None
        db.remove(key, DEL_NOTICE)
        db.recorder = self._recorder
        self._recorder.take_out(p, db.index, entry)
        return True
