"""Who serves which partition, as far as this node knows, and which epochs it still obeys.

An epoch rises with every change of server. Of two nodes that claim the same epoch the one with the greater id is
obeyed, so that all come to the same end without asking each other. Who has answered a fencing question has
promised to obey nothing that is older than the epoch to come: a server that was taken for dead finds nobody who confirms
its writes.
"""

from collections.abc import Callable

from ...keyspace.slots import PARTITIONS


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
        return max(self.epochs[partition], self.promised[partition])

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

    def promise(self, partition: int, epoch: int) -> None:
        """Obey nothing any more that is not newer than this epoch and all that we have heard of."""
        self.promised[partition] = max(self.promised[partition], epoch + 1, self.epochs[partition] + 1)

    def server(self, partition: int) -> bytes:
        """Return who serves a partition; empty: nobody who is there."""
        known = self.servers[partition]
        return known if known and self._is_there(known) else b""
