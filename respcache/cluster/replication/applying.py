"""Records of a partition's server, put onto the copy here.

States and removals count where they are newer than what is here, and may come in any order, any number of times.
Changes of a part count where what they build on is here. While a full copy is being told, what they build
on may come later: then they are passed over, since the whole state will have them. So are those that are no newer than
what was told of the partition before: sent again after a connection was lost, they may belong to a key that has expired
in between.
"""

import enum
from collections.abc import Collection, Iterable
from typing import Final

from ..._speedups import AccountState
from ...keyspace.clock import Clock
from ...keyspace.entry import Entry, size_of
from ...keyspace.hashes import Hash
from ..bus.frames import BrokenFrameError
from . import records
from .reading import check_deadline, check_head, check_version, check_words, read_value
from .recorder import KEPT_BYTES, Recorder
from .records import Record
from .tables import Part, Table
from .wording import deadline_of_word


class Applied(enum.Enum):
    """What came of a record."""

    DONE = enum.auto()
    OLDER = enum.auto()
    """What is here is as new, or newer."""
    MISSING = enum.auto()
    """It builds on a state that is not here: the copy must be got again."""


COPY_BYTES: Final = Entry.OWN_BYTES + KEPT_BYTES
"""Estimated memory of an entry of a copy beside key and value: it has no place in a database and in its roster."""


def payload_of(entries: Iterable[Entry]) -> int:
    """Return the bytes of keys and values."""
    return sum(
        [
            len(entry.key) + (len(value) if (value := entry.value).__class__ is bytes else size_of(value))
            for entry in entries
        ]
    )


class Account(AccountState):
    """What entries that are in no database take."""

    __slots__ = ()

    def __init__(self) -> None:
        self.entries = 0
        self.payload_bytes = 0

    def add(self, entry: Entry) -> None:
        self.entries += 1
        self.payload_bytes += len(entry.key) + size_of(entry.value)

    def take(self, entry: Entry) -> None:
        self.entries -= 1
        self.payload_bytes -= len(entry.key) + size_of(entry.value)

    def add_all(self, entries: Collection[Entry]) -> None:
        self.entries += len(entries)
        self.payload_bytes += payload_of(entries)

    def take_all(self, entries: Collection[Entry]) -> None:
        self.entries -= len(entries)
        self.payload_bytes -= payload_of(entries)

    @property
    def used_bytes(self) -> int:
        return self.payload_bytes + self.entries * COPY_BYTES


class Applier:
    """Changes copies. Who serves a partition is not asked here, but a partition served by this node is left alone."""

    def __init__(self, recorder: Recorder, clock: Clock, databases: int, account: Account) -> None:
        self._recorder = recorder
        self._clock = clock
        self._databases = databases
        self._account = account
        self._acts = {
            records.STRING: self._state,
            records.HASH: self._state,
            records.STRING_PART: self._string_part,
            records.HASH_PART: self._hash_part,
            records.DEADLINE: self._deadline,
            records.REMOVED: self._removed,
            records.DROPPED: self._dropped,
            records.FLUSHED: self._flushed,
            records.OWED: self._owed,
        }

    def apply(self, p: int, record: Record) -> Applied:
        """Put a record onto a copy. Raises BrokenFrameError."""
        kind = check_head(p, record, self._databases)
        part = self._recorder.parts[p]
        if part.is_served:
            return Applied.OLDER
        return self._acts[kind](part, part.table(record[2]), record)

    # -- whole states ------------------------------------------------------

    def _state(self, part: Part, table: Table, record: Record) -> Applied:
        kind, _, _, key, clock, tag, deadline_ms, word, flag = record
        version = check_version(clock, tag)
        check_deadline(deadline_ms)
        entry = table.entries.get(key)
        if version <= (table.floor(key) if entry is None else entry.version):
            return Applied.OLDER
        is_plain = flag is False and word.__class__ is bytes  # nearly always: a call less
        value = word if is_plain and kind == records.STRING else read_value(kind, word, flag)
        if entry is None:
            entry = table.entries[key] = Entry(key, value, self._clock.now_ms)
            table.tombstones.pop(key, None)
            self._account.add(entry)
        else:
            self._account.payload_bytes += size_of(value) - size_of(entry.value)
            entry.value = value
        self._advance(part, table, entry, version, deadline_ms)
        return Applied.DONE

    def _advance(self, part: Part, table: Table, entry: Entry, version: int, deadline_ms: int) -> None:
        entry.expires_at_ms = deadline_of_word(deadline_ms) if deadline_ms else None
        old = entry.version
        entry.version = version
        table.digest += (version - old) * (version + old)
        if version > part.latest:
            self._note(part, version)

    def _note(self, part: Part, version: int) -> None:
        part.latest = max(part.latest, version)
        self._recorder.clock.see(version)

    # -- parts -------------------------------------------------------------

    def _base(self, part: Part, table: Table, record: Record) -> tuple[Entry, int] | Applied:
        """Return the entry that a change builds on, and its new version; or why it is not made."""
        version = check_version(record[4], record[5])
        base = check_version(record[6], record[7])
        check_deadline(record[8])
        key = record[3]
        if version <= table.known(key):
            return Applied.OLDER
        entry = table.entries.get(key)
        if entry is None or entry.version != base:
            return Applied.OLDER if part.is_filling or version <= part.latest else Applied.MISSING
        return entry, version

    def _string_part(self, part: Part, table: Table, record: Record) -> Applied:
        offset, written = record[9], record[10]
        if written.__class__ is not bytes or offset.__class__ is not int:
            raise BrokenFrameError("a part of a string that is none")
        found = self._base(part, table, record)
        if isinstance(found, Applied):
            return found
        entry, version = found
        value = entry.value
        if not isinstance(value, bytearray) or not 0 <= offset <= len(value):
            raise BrokenFrameError("a part of a string that is not here")
        size_bytes = len(value)
        value[offset : offset + len(written)] = written
        self._account.payload_bytes += len(value) - size_bytes
        self._advance(part, table, entry, version, record[8])
        return Applied.DONE

    def _hash_part(self, part: Part, table: Table, record: Record) -> Applied:
        words, deleted = record[9], record[10]
        check_words(words)
        check_words(deleted)
        if len(words) % 2:
            raise BrokenFrameError("a field without a value")
        found = self._base(part, table, record)
        if isinstance(found, Applied):
            return found
        entry, version = found
        value = entry.value
        if not isinstance(value, Hash):
            raise BrokenFrameError("fields of what is no hash")
        size_bytes = value.size_bytes
        for at in range(0, len(words), 2):
            value.set(words[at], words[at + 1])
        for field in deleted:
            value.delete(field)
        value.is_compact = record[11] is True
        self._account.payload_bytes += value.size_bytes - size_bytes
        self._advance(part, table, entry, version, record[8])
        if not value.fields:  # no server tells this: it would say REMOVED
            self._take_out(table, entry)
            return Applied.MISSING
        return Applied.DONE

    def _deadline(self, part: Part, table: Table, record: Record) -> Applied:
        found = self._base(part, table, record)
        if isinstance(found, Applied):
            return found
        entry, version = found
        self._advance(part, table, entry, version, record[8])
        return Applied.DONE

    # -- what goes ---------------------------------------------------------

    def _removed(self, part: Part, table: Table, record: Record) -> Applied:
        key, version = record[3], check_version(record[4], record[5])
        entry = table.entries.get(key)
        if version <= table.floor(key) or (entry is not None and entry.version > version):
            return Applied.OLDER
        if entry is not None:
            self._take_out(table, entry)
        self._recorder.tombstones.add(table, key, version, self._clock.now_ms)
        self._note(part, version)
        return Applied.DONE

    def _dropped(self, part: Part, table: Table, record: Record) -> Applied:
        version = check_version(record[4], record[5])
        entry = table.entries.get(record[3])
        if entry is None or entry.version > version:
            return Applied.OLDER
        self._take_out(table, entry)
        self._note(part, version)
        return Applied.DONE

    def _owed(self, part: Part, table: Table, record: Record) -> Applied:
        place, version = (record[2], record[3]), check_version(record[4], record[5])
        known = part.owed.get(place, 0)
        if record[6] is True:
            if version <= known:
                return Applied.OLDER
            part.owed[place] = version
        elif record[6] is False:
            if not 0 < known <= version:
                return Applied.OLDER
            del part.owed[place]
        else:
            raise BrokenFrameError("a debt that is neither owed nor settled")
        self._note(part, version)
        return Applied.DONE

    def _flushed(self, part: Part, table: Table, record: Record) -> Applied:
        version = check_version(record[3], record[4])
        if version <= table.flushed:
            return Applied.OLDER
        table.flushed = version
        if part.latest <= version:  # nearly always
            self._account.take_all(table.entries.values())
            table.forget_all()
        else:
            for entry in [one for one in table.entries.values() if one.version <= version]:
                self._take_out(table, entry)
            table.lift(version)
        self._note(part, version)
        return Applied.DONE

    def _take_out(self, table: Table, entry: Entry) -> None:
        del table.entries[entry.key]
        table.digest -= entry.version * entry.version
        self._account.take(entry)
