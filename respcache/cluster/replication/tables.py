"""What a node has of one partition, whether it serves it, keeps a copy, or has it set aside.

The entries of a copy live here alone; those of a served partition are in the databases, too, and stand here so
that nobody needs to walk a keyspace to find them. (A dictionary takes less than a set of the same
entries would: 40 bytes of each against 53, on average over sizes.)
"""

from collections.abc import Iterator
from typing import Final

from ..._speedups import PartState, TableState
from ...keyspace.entry import Entry

DIGEST_MODULUS: Final = (1 << 61) - 1
"""A prime, so that all bits of the squares have their say: of the lower 64 bits of a square, the counter within a
millisecond reaches only some, and only as a sum."""


class Table(TableState):
    """One database's share of a partition."""

    __slots__ = ()

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.digest = 0
        """The sum of the squares of all entries' versions: unlike their sum, two changes do not cancel out."""
        self.tombstones: dict[bytes, int] = {}
        """Versions of deletions, for as long as somebody might come with an older state of the key."""
        self.flushed = 0
        """The version of the last FLUSHDB: nothing older is to come back."""

    def floor(self, key: bytes) -> int:
        """Return the version that any state of a key must be above, if it is not there."""
        return max(self.flushed, self.tombstones.get(key, 0))

    def forget_all(self) -> None:
        """Let go of entries and tombstones."""
        self.entries = {}
        self.tombstones = {}
        self.digest = 0

    def lift(self, version: int) -> None:
        """Let go of tombstones that a flush makes unnecessary."""
        self.tombstones = {key: one for key, one in self.tombstones.items() if one > version}

    def known(self, key: bytes) -> int:
        """Return the version of the last that is known of a key, 0 for nothing."""
        entry = self.entries.get(key)
        return self.floor(key) if entry is None else entry.version


class Part(PartState):
    """One partition's tables by database."""

    __slots__ = ()

    def __init__(self) -> None:
        self.tables: dict[int, Table] = {}
        self.latest = 0
        """The highest version of anything done here, removals included."""
        self.owed: dict[tuple[int, bytes], int] = {}
        """Versions of deletions that a database must still hear of, by database and key; see ``debts.py``."""
        self.is_served = False
        self.is_filling = False
        """A full copy is on its way: what builds on what is not there yet will come whole."""

    def table(self, db: int) -> Table:
        """Return the table of a database, made when first needed."""
        table = self.tables.get(db)
        if table is None:
            table = self.tables[db] = Table()
        return table

    def entries(self) -> Iterator[tuple[int, Entry]]:
        for db, table in self.tables.items():
            for entry in table.entries.values():
                yield db, entry

    def __len__(self) -> int:
        tables = (
            self.tables
        )  # none in most partitions of a small cache, and all of them are asked about at once
        return sum([len(table.entries) for table in tables.values()]) if tables else 0

    @property
    def digest(self) -> int:
        """Debts count like entries: copies that are the same owe the same."""
        if not (self.tables or self.owed):
            return 0
        digest = sum([table.digest for table in self.tables.values()])
        if self.owed:
            digest += sum([version * version for version in self.owed.values()])
        return digest % DIGEST_MODULUS
