"""Clearing away keys of partitions that have gone to another node.

A key that its owner does not have is a miss; one that an old owner still had, when a partition comes back to
it, would be a wrong answer. So what a node owns no more is removed, in slices, and a
partition that comes back before that is done is cleared at once. While commands wait here that may
still write what is no longer ours, there will be another look once they have run.
"""

from collections.abc import Callable, Iterable
from typing import Final

from ..keyspace.keyspace import Keyspace
from ..keyspace.slots import key_slot, partition_of

SLICE: Final = 4000
"""Keys looked at in one go: about a millisecond."""


class Shedder:
    """Removes what lies in lost partitions."""

    def __init__(self, keyspace: Keyspace, may_write_late: Callable[[], bool] = lambda: False) -> None:
        self._keyspace = keyspace
        self._may_write_late = may_write_late
        """Whether commands wait here that were taken when their keys were ours still: for a busy key, a pause."""
        self._lost: set[int] = set()
        self._unseen: list[list[bytes]] = []
        self._must_look_again = False
        self.removed = 0

    def lose(self, partitions: Iterable[int]) -> None:
        """Begin to remove what lies in these partitions."""
        new = set(partitions)
        if new:
            self._lost |= new
            # From the beginning: keys of these partitions may lie where an earlier walk has been already.
            self._list()

    def gain(self, partitions: Iterable[int]) -> None:
        """See that nothing old lies in these partitions, which are this node's again."""
        gained = self._lost.intersection(partitions)
        if gained:
            if not self._unseen:
                self._list()
            while self._unseen:
                self._look()
            self._lost -= gained

    def sweep(self) -> None:
        """Look at one slice of the keys that were there when the partitions were lost."""
        if not self._lost:
            return
        if self._unseen:
            self._look()
        elif self._may_write_late():
            self._must_look_again = True
        elif self._must_look_again:
            self._list()
        else:
            self._lost.clear()

    def _list(self) -> None:
        self._must_look_again = self._may_write_late()
        self._unseen = [list(database.entries) for database in self._keyspace.databases if database.entries]

    def _look(self) -> None:
        keys = self._unseen[-1]
        slice_, keys[:] = keys[-SLICE:], keys[:-SLICE]
        for key in slice_:
            if partition_of(key_slot(key)) in self._lost:
                for database in self._keyspace.databases:  # SWAPDB may have moved it meanwhile
                    self.removed += database.abandon(key)
        if not keys:
            self._unseen.pop()
