"""What this node's clients listen to, as the others are told.

Per node that is told, what it does not know yet is a set of names. It is looked up when a frame
leaves, so many changes of one name make one entry, and a node that takes nothing costs one entry for each name.
Where the names are too many to tell, they are summed up as *everything*.
"""

from typing import Final

from ...commands.broker import Broker, World
from .news import Interest

NAMES: Final = 16_384
"""Some 2 MB at every other node."""

NAMES_BYTES: Final = 1 << 20
"""All names together: what a new connection begins with should take milliseconds."""

PATTERNS: Final = 1024
"""Of them at most: a message is compared with every pattern of every node, at 0.2 us each."""


class Untold:
    """What one other node has not been told yet."""

    __slots__ = ("is_due", "is_full", "names")

    def __init__(self) -> None:
        self.is_due = True
        self.is_full = True
        """Everything is to be told."""
        self.names: dict[tuple[World, bytes], None] = {}

    def tell_all(self) -> None:
        self.is_due = self.is_full = True
        self.names.clear()

    def tell(self, world: World, name: bytes) -> None:
        self.is_due = True
        if self.is_full:
            return
        self.names[world, name] = None
        if len(self.names) > NAMES:
            self.tell_all()


class OwnInterest:
    """Sums up a broker's subscriptions."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._size_bytes = 0
        self.is_everything = False

    def note(self, name: bytes, more: int) -> bool:
        """Take a name that has come (1) or gone (-1); say whether everybody must be told anew."""
        self._size_bytes += more * len(name)
        # Half of it, so that a number about the bound does not swing: each swing tells all names to all nodes.
        share = 0.5 if self.is_everything else 1.0
        names = sum(map(len, self._broker.worlds))
        is_everything = (
            names > share * NAMES
            or self._size_bytes > share * NAMES_BYTES
            or len(self._broker.patterns) > share * PATTERNS
        )
        has_turned = is_everything is not self.is_everything
        self.is_everything = is_everything
        return has_turned

    @property
    def is_empty(self) -> bool:
        return not any(self._broker.worlds)

    def news(self, untold: Untold, *, is_silent: bool, asks: bool, token: int) -> Interest:
        """Return what is to be told now, and count it as told."""
        found: tuple[dict[bytes, int], ...] = ({}, {}, {})
        if not self.is_everything:
            for world in World if untold.is_full else ():
                for name, subscribers in self._broker.worlds[world].items():
                    found[world][name] = len(subscribers)
            for world, name in untold.names:
                found[world][name] = len(self._broker.worlds[world].get(name, ()))
        is_full = untold.is_full
        untold.is_due = untold.is_full = False
        untold.names.clear()
        return Interest(is_full, is_silent, self.is_everything, asks, token, *found)
