"""All data of a node by partition: what it serves, its copies of what others serve, and what it has set aside."""

import enum
from collections.abc import Iterator

from ...keyspace.entry import Entry
from ...keyspace.keyspace import Keyspace
from .recorder import Recorder
from .records import Record
from .versions import HybridClock


class Applied(enum.Enum):
    """What came of a record."""

    DONE = enum.auto()
    OLDER = enum.auto()
    """What is here is as new, or newer."""
    MISSING = enum.auto()
    """It builds on a state that is not here: the copy must be got again."""


class Holdings:
    """Moves partitions between being served and being copies, and keeps the copies."""

    def __init__(self, keyspace: Keyspace, clock: HybridClock, recorder: Recorder) -> None:
        """Set ``recorder`` on all databases."""

    def adopt(self, p: int) -> int:
        """Serve a partition with what is here of it, be it nothing; return how many entries that is."""
        raise NotImplementedError

    def release(self, p: int) -> None:
        """Serve it no more: its entries leave the databases and become a copy. Nobody is told."""
        raise NotImplementedError

    def apply(self, p: int, record: Record) -> Applied:
        """Put a record below ``CONTROL`` onto a copy. Raises BrokenFrameError."""
        raise NotImplementedError

    def begin(self, p: int) -> None:
        """A full copy is about to come: set aside what is here (and what was set aside before stays so)."""
        raise NotImplementedError

    def end(self, p: int) -> list[Record]:
        """The full copy is here: return what had been set aside and is newer than it, to be offered; let go of the rest.

        The records' kinds and places are as those of ``records``.
        """
        raise NotImplementedError

    def merge(self, p: int, record: Record) -> bool:
        """Take an offered record (with or without the ``OFFER`` bit) into a served partition, if it is newer.

        It keeps its version and goes to the followers; clients that watch or cache the key are told. Say whether any data changed.
        Raises BrokenFrameError.
        """
        raise NotImplementedError

    def records(self, p: int) -> Iterator[Record]:
        """Yield everything as records: flushes and tombstones first, then entries as they are by then.

        The partition may change meanwhile: who also gets all records of changes since the first ``next`` has it whole.
        """
        raise NotImplementedError

    def summary(self, p: int) -> tuple[int, int, int]:
        """Return how many entries there are, the digest of their versions, and the latest version of anything."""
        raise NotImplementedError

    def content_digest(self, p: int) -> bytes:
        """Return 16 bytes that are equal for equal keys, values, deadlines and versions. Walks all of them."""
        raise NotImplementedError

    def drop(self, p: int) -> None:
        """Forget a copy, and what was set aside of it."""
        raise NotImplementedError

    def holds(self, p: int) -> bool:
        """Say whether there is anything: entries, deletions, or something set aside."""
        raise NotImplementedError

    def find(self, p: int, db: int, key: bytes) -> Entry | None:
        """Return an entry of a copy that is not past its deadline."""
        raise NotImplementedError

    def forget(self, now_ms: int) -> None:
        """Drop old tombstones and strays; to be called every second or so."""
        raise NotImplementedError

    @property
    def used_bytes(self) -> int:
        """Estimated memory of copies, of what is set aside and of tombstones; of served data, ``Keyspace`` tells."""
        raise NotImplementedError

    @property
    def copied_entries(self) -> int:
        """How many entries the copies have, those set aside included."""
        raise NotImplementedError
