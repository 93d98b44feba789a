"""What copies are kept upon: the members, the table of who shall hold what, and the streams to other nodes.

The hub implements it, so that nothing in this package knows connections or gossip.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from .stream import Stream


class Ground(Protocol):
    """See the file's docstring."""

    @property
    def id(self) -> bytes:
        """Tell who we are."""

    def now_s(self) -> float: ...

    def table(self, partition: int) -> Sequence[bytes]:
        """Return who shall hold a partition: its server first."""

    def first_here(self) -> Sequence[int]:
        """Return the partitions for which this node is the first in the table."""

    def is_there(self, id: bytes) -> bool:
        """Say whether a node is a live member, or this one."""

    def others_there(self) -> Iterable[bytes]:
        """Return the other live members."""

    def stream(self, id: bytes) -> Stream:
        """Return the stream to another node, connected or not."""

    def is_connected(self, id: bytes) -> bool:
        """Say whether frames can be sent there now."""

    def send_to(self, id: bytes, data: bytes) -> None:
        """Send a frame that is not worth repeating where the connection is lost."""

    def busy(self) -> set[int]:
        """Return the partitions with keys whose commands wait here, or whose changes wait to be written."""

    @property
    def hasten(self) -> Callable[[int], None]:
        """Say that one of these is to be given away."""

    def aim(self, partitions: Iterable[int]) -> None:
        """Let commands for these partitions go where they are served now."""
