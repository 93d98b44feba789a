"""Entries and their changes in the words of records (see ``records.py``).

No record holds anything that can change after it is made: what is changed in place later is copied.
"""

from ...keyspace.entry import Entry
from ...keyspace.hashes import Hash
from ...keyspace.lives import DefaultDeadline
from ...keyspace.recorder import Patch
from .records import DEADLINE, DROPPED, FLUSHED, HASH, HASH_PART, OWED, REMOVED, STRING, STRING_PART, Record
from .versions import TAG_BITS, TAG_MASK


def deadline_word(entry: Entry) -> int:
    """Return a deadline as it is told: 0 for none, and below 0 where a default life may renew it."""
    deadline_ms = entry.expires_at_ms
    if deadline_ms is None:
        return 0
    return -deadline_ms if deadline_ms.__class__ is DefaultDeadline else deadline_ms


def deadline_of_word(word: int) -> int | None:
    if word > 0:
        return word
    return DefaultDeadline(-word) if word else None


def state_record(place: int, db: int, entry: Entry) -> Record:
    """Say all that there is of an entry."""
    value, version = entry.value, entry.version
    deadline_ms = 0 if entry.expires_at_ms is None else deadline_word(entry)
    if value.__class__ is bytes:
        return (
            STRING,
            place,
            db,
            entry.key,
            version >> TAG_BITS,
            version & TAG_MASK,
            deadline_ms,
            value,
            False,
        )
    clock, tag = version >> TAG_BITS, version & TAG_MASK
    if isinstance(value, Hash):
        words = [word for pair in value.fields.items() for word in pair]
        return (HASH, place, db, entry.key, clock, tag, deadline_ms, words, value.is_compact)
    assert value is not None
    return (STRING, place, db, entry.key, clock, tag, deadline_ms, bytes(value), True)


def patch_record(place: int, db: int, entry: Entry, base: int, patch: Patch) -> Record:
    """Say what has changed within a value since the version ``base``."""
    version, value = entry.version, entry.value
    clock, tag = version >> TAG_BITS, version & TAG_MASK
    head = (place, db, entry.key, clock, tag, base >> TAG_BITS, base & TAG_MASK, deadline_word(entry))
    if isinstance(value, Hash):
        return (HASH_PART, *head, *patch, value.is_compact)
    return (STRING_PART, *head, *patch)


def deadline_record(place: int, db: int, entry: Entry, base: int) -> Record:
    version = entry.version
    clock, tag = version >> TAG_BITS, version & TAG_MASK
    return (
        DEADLINE, place, db, entry.key, clock, tag, base >> TAG_BITS, base & TAG_MASK, deadline_word(entry)
    )  # fmt: skip


def removed_record(place: int, db: int, key: bytes, version: int) -> Record:
    return (REMOVED, place, db, key, version >> TAG_BITS, version & TAG_MASK)


def dropped_record(place: int, db: int, entry: Entry) -> Record:
    return (DROPPED, place, db, entry.key, entry.version >> TAG_BITS, entry.version & TAG_MASK)


def owed_record(place: int, db: int, key: bytes, version: int, *, is_owed: bool) -> Record:
    return (OWED, place, db, key, version >> TAG_BITS, version & TAG_MASK, is_owed)


def flushed_record(place: int, db: int, version: int) -> Record:
    return (FLUSHED, place, db, version >> TAG_BITS, version & TAG_MASK)
