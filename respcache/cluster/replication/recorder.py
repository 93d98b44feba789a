"""Every change of what this node serves: gets its version, and goes to the copies as a record.

Records are made at once and hold no value that may change later. A turn may change a key many times; each change
has a record of its own, and they build on each other, so their order is all that counts, not how they are cut into frames.

Keys of partitions that are not served here should not be written at all. A command that has waited since they were
(for a pause, a busy key) may do so all the same: such *strays* get no version and are thrown away, as nobody
can tell how they relate to what the new server has.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from ...keyspace.entry import Entry, Value
from ...keyspace.hashes import Hash
from ...keyspace.recorder import Patch
from ...keyspace.slots import PARTITIONS, key_slot, partition_of
from .records import (
    DEADLINE,
    DROPPED,
    FLUSHED,
    HASH,
    HASH_PART,
    REMOVED,
    STRING,
    STRING_PART,
    Record,
)
from .tables import Part, Table
from .tombstones import Tombstones
from .versions import TAG_BITS, TAG_MASK, HybridClock

KEPT_BYTES: Final = 40 + 42
"""Estimated memory beside each entry: its version, and a place in the table of its partition."""


class Follower(Protocol):
    """A stream to a node that has copies."""

    def add(self, record: Record) -> None: ...


class Recorder:
    """The recorder of all databases of a node in a cluster (``keyspace/recorder.py``)."""

    def __init__(self, clock: HybridClock) -> None:
        self.entry_bytes = KEPT_BYTES
        self.clock = clock
        self.routes: list[tuple[Follower, ...]] = [()] * PARTITIONS
        """Who is told about each partition. Kept by who knows the table."""
        self.places = list(range(PARTITIONS))
        """Partition and epoch in one number, as told. Kept by who knows the epochs."""
        self.written: list[int] = []
        """Partitions that clients have written to since somebody cleared this: after each command, so it stays short.
        What expired or was evicted is not among them: no reply depends on it."""
        self.parts = [Part() for _ in range(PARTITIONS)]
        self.tombstones = Tombstones()
        self.strays: list[tuple[int, int, bytes]] = []
        """Partition, database and key. Cleared by ``Holdings.forget``."""
