"""Records as they come from another node, checked word by word before anything is done with them.

Whatever a peer sends, the only thing that it can cause here is a ``BrokenFrameError``; and nothing takes more
memory than the words themselves do. Keys must be of the partition that the record names: or they would be
taken for another's later on.
"""

from typing import Any, Final

from ...keyspace.entry import Value
from ...keyspace.hashes import Hash
from ...keyspace.slots import key_partition
from ..bus.frames import BrokenFrameError
from .records import (
    DEADLINE,
    DROPPED,
    FLUSHED,
    HASH,
    HASH_PART,
    OWED,
    REMOVED,
    STRING,
    STRING_PART,
    Record,
)
from .versions import MOST_CLOCK, TAG_BITS, TAG_MASK

WORDS: Final[dict[int, int]] = {
    STRING: 9,
    HASH: 9,
    STRING_PART: 11,
    HASH_PART: 12,
    DEADLINE: 9,
    REMOVED: 6,
    DROPPED: 6,
    FLUSHED: 5,
    OWED: 7,
}

MOST_DEADLINE_MS: Final = 1 << 63
"""Beyond what EXPIRE takes."""


def check_head(p: int, record: Record, databases: int) -> int:
    """Check what all records have that change something: kind, number of words, database and key; return the kind.

    In one function, as each record of a copy passes here.
    """
    kind: Any = record[0] if len(record) else None
    if kind.__class__ is not int or WORDS.get(kind) != len(record):
        raise BrokenFrameError(f"no record: kind {kind!r} with {len(record)} words")
    db: Any = record[2]
    if db.__class__ is not int or not 0 <= db < databases:
        raise BrokenFrameError(f"no database {db!r}")
    if kind != FLUSHED:
        key: Any = record[3]
        if key.__class__ is not bytes or key_partition(key) != p:
            raise BrokenFrameError(f"no key of partition {p}")
    return kind


def check_version(clock: Any, tag: Any) -> int:
    if clock.__class__ is int and tag.__class__ is int and 0 < clock < MOST_CLOCK and 0 <= tag <= TAG_MASK:
        version: int = clock << TAG_BITS | tag
        return version
    raise BrokenFrameError("a record with no version")


def check_deadline(deadline_ms: Any) -> None:
    if deadline_ms.__class__ is not int or not -MOST_DEADLINE_MS < deadline_ms < MOST_DEADLINE_MS:
        raise BrokenFrameError("a record with no deadline")


def read_value(kind: int, value: Any, flag: Any) -> Value:
    """Return the value of a ``STRING`` (whose flag says whether it is raw) or ``HASH`` (whether it is compact)."""
    if kind == STRING:
        if value.__class__ is not bytes:
            raise BrokenFrameError("a string that is none")
        return bytearray(value) if flag else value
    check_words(value)
    if not value or len(value) % 2:
        raise BrokenFrameError("a hash without a value for each field")
    fields = Hash()
    for at in range(0, len(value), 2):
        fields.set(value[at], value[at + 1])
    fields.is_compact = flag is True
    return fields


def check_words(words: Any) -> None:
    if words.__class__ is not list and words.__class__ is not tuple:
        raise BrokenFrameError("no words")
    for word in words:
        if word.__class__ is not bytes:
            raise BrokenFrameError("a word that is none")
