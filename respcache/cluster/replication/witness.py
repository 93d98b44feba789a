"""Whom the keeping of copies tells what has happened: for events and figures."""

from collections.abc import Callable
from enum import Enum


class Change(Enum):
    """What can happen to a partition."""

    MOVED = "moved"
    PROMOTED = "promoted"
    DEGRADED = "degraded"
    RESTORED = "restored"
    LOST = "lost"


class Witness:
    """Counts what happens, and passes it on."""

    def __init__(self, tell: Callable[[Change, int, bytes], None] | None = None) -> None:
        self.tell = tell
        """Told of a change, the partition, and the node that serves it."""
        self.counts: dict[Change, int] = dict.fromkeys(Change, 0)
        self.merged = 0
        """Entries that came from who had served a partition beside its server, and were newer."""
        self.conflicts = 0
        """Of those, how many took the place of something else."""
        self._told = (0, 0)

    def saw(self, change: Change, partition: int, id: bytes) -> None:
        """Note that something has happened to a partition."""
        self.counts[change] += 1
        if self.tell is not None:
            self.tell(change, partition, id)

    def take_merged(self) -> tuple[int, int]:
        """Return how many entries were merged, and how many of them were conflicts, since this was last asked."""
        told, self._told = self._told, (self.merged, self.conflicts)
        return self.merged - told[0], self.conflicts - told[1]
