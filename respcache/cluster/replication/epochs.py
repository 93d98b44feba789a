"""Who serves which partition, as far as this node knows, and which epochs it still obeys.

An epoch rises by ``CHANGE`` with every change of server, and by 1 when a server goes on without one of its followers. So
who was chosen while it went on alone, unseen, is always the newer one. Of two nodes that claim the same epoch the one with
the greater id is obeyed, so that all come to the same end without asking each other. Who has answered a fencing
question has promised to obey nothing that is older than the epoch to come: a server that was taken for dead
finds nobody who confirms its writes.
"""

from collections.abc import Callable
from typing import Final

from ...keyspace.slots import PARTITIONS

CHANGE: Final = 1024
"""More than the followers that a server can lose before anybody notices that it should be replaced."""


class Epochs:
    """The knowledge of one node."""

    def __init__(self, is_there: Callable[[bytes], bool]) -> None:
        self._is_there = is_there
        """Says of a node whether it may still serve: it is a live member, or this node itself."""
        self.epochs = [0] * PARTITIONS
        """The highest heard of."""
        self.servers = [b""] * PARTITIONS
        """Who serves in that epoch; empty: nobody that we know of."""
        self.told = [0] * PARTITIONS
        """The highest that a server itself has said to serve in; ``epochs`` may be of one that was only told to."""
        self.promised = [0] * PARTITIONS
        """Nothing older is obeyed."""

    def least(self, partition: int) -> int:
        """Return the lowest epoch that is not refused."""
        heard, promised = self.epochs[partition], self.promised[partition]
        return heard if heard > promised else promised  # noqa: FURB136  # a call of max() takes twice as long as all this

    def is_current(self, partition: int, epoch: int, server: bytes) -> bool:
        """Say whether a node serves a partition in this epoch, as we know already."""
        return (
            self.epochs[partition] == epoch
            and self.servers[partition] == server
            and self.promised[partition] <= epoch
        )

    def hear(self, partition: int, epoch: int, server: bytes) -> bool:
        """Take note that a node serves a partition; False: we know better, or have promised to."""
        known = self.servers[partition]
        if epoch < self.least(partition):
            return False
        is_rival = epoch == self.epochs[partition] and known not in (b"", server) and self._is_there(known)
        if is_rival and server < known:
            return False
        self.epochs[partition] = epoch
        self.servers[partition] = server
        return True

    def hear_itself(self, partition: int, epoch: int, server: bytes) -> bool:
        """Take note of what a server says of itself, as ``hear`` does of what is said of it."""
        is_taken = self.hear(partition, epoch, server)
        if is_taken:
            self.told[partition] = max(self.told[partition], epoch)
        return is_taken

    def refused(self, partition: int, epoch: int) -> None:
        """Take note that somebody knows a newer server, or none, in this epoch."""
        if epoch > self.epochs[partition]:
            self.epochs[partition] = epoch
            self.servers[partition] = b""

    def next(self, partition: int, above: int = 0) -> int:
        """Return the epoch of a new server: above all that was heard of or promised, and above that one."""
        return (max(self.least(partition), above) // CHANGE + 1) * CHANGE

    def promise(self, partition: int, epoch: int) -> bool:
        """Obey nothing any more that is older than this epoch; False: as much or more was promised to somebody else."""
        if epoch <= self.least(partition):
            return False
        self.promised[partition] = epoch
        return True

    def server(self, partition: int) -> bytes:
        """Return who serves a partition; empty: nobody who is there."""
        known = self.servers[partition]
        return known if known and self._is_there(known) else b""
