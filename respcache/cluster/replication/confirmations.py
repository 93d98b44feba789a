"""How many copies have what was written up to one moment, for WAIT.

The number of a node is the least of its partitions': a partition's copies count where they are in step and have
acknowledged everything that their nodes were told by then, of whatever partition.
"""

from collections.abc import Callable, Sequence

from ...keyspace.slots import PARTITIONS
from .stream import Stream


class Mark:
    """One moment."""

    def __init__(
        self, required: Sequence[tuple[Stream, ...]], routes: Sequence[Sequence[Stream]], owned: bytearray
    ) -> None:
        self._required = required
        self._owned = owned
        self._positions = {
            stream: stream.position
            for followers in {tuple(routes[p]) for p in range(PARTITIONS) if owned[p]}
            for stream in followers
        }

    def count(self) -> int:
        """Return how many copies have everything by now; 0 for a node that serves nothing."""
        copies = {self._required[p] for p in range(PARTITIONS) if self._owned[p]}
        has = self._has
        return min([sum(map(has, streams)) for streams in copies], default=0)

    def when_more(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` as copies get to this moment; not where nobody waits for them, because they lag."""
        for stream in self._positions:
            if not self._has(stream):
                stream.wait(_Ear(tell))

    def _has(self, stream: Stream) -> bool:
        """Say whether a copy that is in step has everything: one that came later was made since."""
        position = self._positions.get(stream)
        return position is None or stream.has(position)


class _Ear:
    """Hears of acknowledgements."""

    __slots__ = ("confirmed",)

    def __init__(self, tell: Callable[[], None]) -> None:
        self.confirmed = tell

    def closed(self) -> None:
        """Take no note: what is written later does not matter."""
