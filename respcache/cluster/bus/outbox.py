"""What one node tells another without an answer: news, in order, bounded, and waited for by nobody.

Items are ready-made pieces of msgpack; all that wait leave in few frames. While the other node does not take
them they pile up to ``BYTES``; what comes on top is dropped and counted. What must not be dropped is therefore
not put here: ``prelude`` is asked for it at the moment when frames leave, so it is the newest state of things,
and it goes first.

What was on its way when a connection ends is lost. ``generation`` counts the connections, so that
the receiver knows of the loss, and does not take an old connection's news after a new one's.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

NEWS: Final = b"P"
"""The kind of the frames."""

BYTES: Final = 8 << 20
"""As much as commands may wait: some 100,000 short messages. A larger one goes alone, when nothing else waits."""

FRAME_BYTES: Final = 1 << 16
"""Of one frame, unless a single item is larger: the receiver acts on whole frames, and has others to serve."""

ITEM_BYTES: Final = 40
"""What an item costs in memory beside its content."""

_encode: Final = msgspec.msgpack.Encoder().encode


class Outbox:
    """News for one node, on one channel."""

    __slots__ = ("_is_asked", "_items", "_size_bytes", "dropped", "generation", "prelude", "sent", "stir")

    def __init__(self) -> None:
        self.stir: Callable[[], None] = _do_nothing
        """Tells the connection that there is something to send; nobody, where there is none."""
        self._items: list[bytes] = []
        self._size_bytes = 0
        self._is_asked = False
        self.prelude: Callable[[], list[bytes]] = list
        """Returns what is to go before everything that waits."""
        self.generation = 0
        """0 where order does not matter."""
        self.dropped = 0
        self.sent = 0

    def add(self, item: bytes) -> None:
        """Let an item leave soon, or drop it where too much waits."""
        size_bytes = self._size_bytes + len(item) + ITEM_BYTES
        if size_bytes > BYTES and self._items:
            self.dropped += 1
            return
        self._size_bytes = size_bytes
        self._items.append(item)
        if len(self._items) == 1:
            self.stir()

    def ask(self) -> None:
        """Let ``prelude`` be asked soon."""
        if not self._is_asked:
            self._is_asked = True
            self.stir()

    def disconnect(self) -> None:
        """Keep what waits for the next connection."""
        self.stir = _do_nothing

    @property
    def has_news(self) -> bool:
        return self._is_asked or bool(self._items)

    def take_frames(self) -> list[bytes]:
        """Hand over everything that waits."""
        items, self._items = self._items, []
        self._size_bytes = 0
        self.sent += len(items)
        if self._is_asked:
            self._is_asked = False
            items = [*self.prelude(), *items]
        return list(frames_of(self.generation, items))


def _do_nothing() -> None:
    """Stand in for a connection."""


def frames_of(generation: int, items: Sequence[bytes]) -> Iterator[bytes]:
    """Yield frames with these items: each is an array of the generation and the array of its items."""
    head = NEWS + b"\x92" + _encode(generation) + b"\xdd"
    first, size_bytes = 0, 0
    for at, item in enumerate(items):
        if size_bytes and size_bytes + len(item) > FRAME_BYTES:
            yield head + (at - first).to_bytes(4, "big") + b"".join(items[first:at])
            first, size_bytes = at, 0
        size_bytes += len(item)
    if items:
        yield head + (len(items) - first).to_bytes(4, "big") + b"".join(items[first:])
