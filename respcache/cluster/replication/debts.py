"""Deletions that a database must still hear of: they outlive the node that was to tell it.

Where a loader writes behind, the server of a partition owes the database what it has answered already. Of a value that
is owed, the copies have the entry. Of a deletion they have a tombstone at most, which tells nobody whether the
row is to go as well: what EXPIRE has removed stays in its database. So a deletion that is owed is noted as a *debt*, at
the server and at the copies, with the version of the deletion, until the database has heard of it or the key is written again.

Debts stand apart from tombstones. Neither time nor the bound of those ends them, nor does a flush, which concerns the cache
alone. There are as many as changes wait at servers, and the loaders' ``write_queue`` bounds those.
"""

from collections.abc import Iterator
from typing import Final

from ...keyspace.slots import key_partition
from .recorder import Recorder
from .tables import Part
from .wording import owed_record

DEBT_BYTES: Final = 96 + 56 + 33 + 40
"""Estimated memory beside the key: a place in a dictionary (96, as half of it is empty at worst), a tuple (56), the key's header,
the version (40)."""


class Debts:
    """The debts of what a node serves; those of copies are kept by whoever keeps the copies."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def owe(self, db: int, key: bytes) -> None:
        """Note that a key was deleted, and that a database must hear of it."""
        recorder = self._recorder
        p = key_partition(key)
        part = recorder.parts[p]
        if not part.is_served:
            return
        table = part.table(db)
        if key in table.entries:
            return
        # A flush in the same transaction takes the tombstone, and not the debt.
        version = table.tombstones.get(key) or recorder.clock.next(table.floor(key))
        if part.owed.get((db, key)) != version:
            part.owed[db, key] = version
            part.latest = max(part.latest, version)
            self._tell(p, db, key, version, is_owed=True)

    def settle(self, db: int, key: bytes) -> None:
        """Note that the database has heard of it, or need not, as the key was written again."""
        p = key_partition(key)
        part = self._recorder.parts[p]
        if part.is_served and (db, key) in part.owed:
            self._tell(p, db, key, part.owed.pop((db, key)), is_owed=False)

    def settle_all(self, p: int) -> None:
        """Note that nobody here can tell a database of what is owed of a partition."""
        for db, key in list(self._recorder.parts[p].owed):
            self.settle(db, key)

    def _tell(self, p: int, db: int, key: bytes, version: int, *, is_owed: bool) -> None:
        recorder = self._recorder
        if recorder.routes[p]:
            recorder.tell(p, owed_record(recorder.places[p], db, key, version, is_owed=is_owed))


def owed_deletions(part: Part) -> Iterator[tuple[int, bytes]]:
    """Yield database and key of each deletion that is owed still, and was not followed by a write that is here."""
    for (db, key), version in part.owed.items():
        entry = part.table(db).entries.get(key)
        if entry is None or entry.version < version:
            yield db, key
