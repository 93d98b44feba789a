"""What the server of a partition tells the holders of its copies, as pieces of one ordered stream.

A record is a msgpack array. The first two words of each are its kind and its *place*, which is partition and epoch in
one number (``bus/frames.py``). Kinds below ``CONTROL`` change one key or a whole database of one partition, and
carry the version of the change: those that say all of a key's new state may come in any order and any number of
times; those that change a part of it (``STRING_PART``, ``HASH_PART``, ``DEADLINE``) name the version that they build on.

| kind        | words after kind and place                                                                |
| ----------- | ----------------------------------------------------------------------------------------- |
| STRING      | db, key, clock, tag, deadline_ms (0: none, see below), value, is_raw                                 |
| HASH        | db, key, clock, tag, deadline_ms, [field, value, field, value ...], is_compact            |
| STRING_PART | db, key, clock, tag, base clock, base tag, deadline_ms, offset, bytes                     |
| HASH_PART   | db, key, clock, tag, base clock, base tag, deadline_ms, [field, value ...], [deleted field ...], is_compact |
| DEADLINE    | db, key, clock, tag, base clock, base tag, deadline_ms                                    |
| REMOVED     | db, key, clock, tag: deleted by a client, to be remembered                                |
| DROPPED     | db, key, clock, tag: expired or evicted; clock and tag are those of the entry that went   |
| FLUSHED     | db, clock, tag: everything in this database up to this version is gone                    |
| OWED        | db, key, clock, tag, is_owed: whether a database must still hear that the key was deleted |
| BEGIN       | a full copy begins: what the receiver has is not to be relied on                          |
| END         | count, digest, question, latest clock, latest tag: the full copy is told                  |
| CHECK       | the same: do you have the same entries, and know of the same last change?                 |
| HAND        | [ids of the holders]: serve this partition from now on, in this epoch                     |
| RELEASE     | your copy is needed no more                                                               |
| OFFERED     | an offer ends: tell when it is merged                                                     |
| SERVED      | [places], is_introduction: the sender serves these; the record's own place is 0           |

A debt (``OWED``, see ``debts.py``) has the version of the deletion; it takes away nothing by itself, as REMOVED has gone before.
With ``OFFER`` added, a kind below ``CONTROL`` comes from who does not serve the partition: merged where it is newer.
A deadline is in Unix ms; below 0 it is one that a default life has set (``DefaultDeadline``), and may be renewed.
Bytes at an offset never begin behind the end, so that a record can make nothing longer than itself.
A version is told in two numbers, clock (64 bits) and tag (32 bits), see ``versions.py``.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final, TypeAlias

import msgspec

Record: TypeAlias = Sequence[Any]  # words of several types, by kind

STRING: Final = 0
HASH: Final = 1
STRING_PART: Final = 2
HASH_PART: Final = 3
DEADLINE: Final = 4
REMOVED: Final = 5
DROPPED: Final = 6
FLUSHED: Final = 7
OWED: Final = 8

CONTROL: Final = 16
BEGIN: Final = 16
END: Final = 17
CHECK: Final = 18
HAND: Final = 19
RELEASE: Final = 20
OFFERED: Final = 21
SERVED: Final = 22

OFFER: Final = 32

STALE: Final = 0
"""Told with a partition and an epoch: the receiver knows a newer server, or has promised not to obey an older one."""
IN_STEP: Final = 1
"""Told with a partition and the number of the question."""
NEED: Final = 2
TOOK: Final = 3
MERGED: Final = 4

EFFECTS: Final = b"E"
ACKNOWLEDGED: Final = b"e"


class Effects(msgspec.Struct, array_like=True, gc=False):
    """What one node tells another in one turn."""

    generation: int
    """Counts the beginnings of the stream: what is numbered belongs to one of them."""
    sequence: int
    records: msgspec.Raw
    """An array of records, see the file's docstring: as they came, for who reads them one by one."""
    operations: list[tuple[bytes, int, int, list[bytes]]]
    """Answers of the operations that made these records, by origin, batch and first position: for who asks again."""


encoded = msgspec.msgpack.Encoder().encode
"""Makes a record, or anything else of a frame, what it is on its way."""

record_of = msgspec.msgpack.Decoder(list[Any]).decode
records_of = msgspec.msgpack.Decoder(list[list[Any]]).decode

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What these two end in where there is no record."""

FOUR_WORDS: Final = b"\x94"
ARRAY: Final = 0xDD
RECORDS_HEAD: Final = Struct(">BI")
"""An array, and how long it is."""


def effects_frame(
    generation: int,
    sequence: int,
    records: Sequence[bytes],
    operations: Sequence[tuple[bytes, int, int, list[bytes]]],
) -> bytes:
    """Return the frame of ``Effects`` whose records are encoded already."""
    head = (
        EFFECTS
        + FOUR_WORDS
        + encoded(generation)
        + encoded(sequence)
        + RECORDS_HEAD.pack(ARRAY, len(records))
    )
    return b"".join((head, *records, encoded(operations)))


class Acknowledged(msgspec.Struct, array_like=True, gc=False):
    """Everything up to this frame is applied."""

    generation: int
    sequence: int
    told: list[tuple[int, int, int]]
    """Code, partition and epoch, or question."""
