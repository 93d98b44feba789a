"""Clearing away keys of partitions that have gone to another node.

A key that its owner does not have is a miss; one that an old owner still had, when a partition comes back to
it, would be a wrong answer. So what a node owns no more is removed, in slices, and a
partition that comes back before that is done is cleared at once.
"""

from collections.abc import Iterable
from typing import Final

from ..keyspace.keyspace import Keyspace
from ..keyspace.slots import key_slot, partition_of

SLICE: Final = 4000
"""Keys looked at in one go: about a millisecond."""


class Shedder:
    """Removes what lies in lost partitions."""

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self._lost: set[int] = set()
        self._unseen: list[tuple[int, list[bytes]]] = []
        self.removed = 0

    def lose(self, partitions: Iterable[int]) -> None:
        """Begin to remove what lies in these partitions."""
        new = set(partitions)
        if new:
            self._lost |= new
            # From the beginning: keys of these partitions may lie where an earlier walk has been already.
            self._unseen = [(db.index, list(db.entries)) for db in self._keyspace.databases if db.entries]

    def gain(self, partitions: Iterable[int]) -> None:
        """See that nothing old lies in these partitions, which are this node's again."""
        if self._lost.isdisjoint(partitions):
            return
        while self._lost:
            self.sweep()

    def sweep(self) -> None:
        """Look at one slice of the keys that were there when the partitions were lost."""
        if not self._lost:
            return
        if not self._unseen:
            self._lost.clear()
            return
        index, keys = self._unseen[-1]
        database = self._keyspace.databases[index]
        slice_, keys[:] = keys[-SLICE:], keys[:-SLICE]
        for key in slice_:
            if partition_of(key_slot(key)) in self._lost and database.abandon(key):
                self.removed += 1
        if not keys:
            self._unseen.pop()
