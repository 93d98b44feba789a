"""How much of full copies goes to one node, and when: so that nobody who writes there has to wait for them.

A change waits at the other node behind all that was sent before it, of this stream and of everybody else's. So full copies go in small
pieces, and whoever sends looks how long each takes to be acknowledged. What it takes longer than most frames do is
work at the other node, or waiting for it: for clients, for the copies of other servers, for a processor that others use. After that the
node is left alone for ``REST`` times as long, and while a piece is late it gets no other. However many
send to it, and however slow it is, it has a few pieces of them before it at most.

Time on the way does not count: between distant nodes many pieces are on their way at once, up to ``BULK_BYTES``.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from ..._speedups import PaceState

BULK_BYTES: Final = 1 << 20
"""Of full copies that may be on their way: between distant nodes, what a second carries is this for each round trip in it."""

REST: Final = 3
"""Times as long as copies took, a node serves clients alone: copies get a quarter of its loop at most."""

LONGEST_REST_S: Final = 0.05
"""No piece is so much work that a node need be spared for longer: it waits for others then, and a node that joins may be what they wait for."""

LATE_S: Final = 0.001
"""Later than this is late: less than it is how loops happen to turn."""

LEAST_BYTES: Final = 1 << 14
"""Of one piece: of small keys some 170, which take 0.4 ms here and 0.9 at the other node."""

MOST_BYTES: Final = 1 << 16
"""Of one piece to a node that is quick: a millisecond or two here."""

QUICK_S: Final = 0.0015
"""A node that takes no more for a piece gets a larger one the next time."""

KNOWN_S: Final = 60.0
"""For so long it is believed how fast a node answered: the way there may have become longer since."""


class Pace(PaceState):
    """What is known of one node."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.now_s = now_s
        self.bytes = 0
        """Of full copies, not acknowledged."""
        self._piece_bytes = LEAST_BYTES
        self._sent_s: deque[float] = deque()
        """When the pieces left that are on their way, the oldest first."""
        self._rests_until_s = float("-inf")
        self.fastest_s = self.next_fastest_s = float("inf")
        """The shortest time until an acknowledgement; the same of the latest frames, to take its place."""
        self.renewed_s = float("-inf")

    def add(self, size_bytes: int) -> None:
        """Take note of a part of a full copy that will leave."""
        self.bytes += size_bytes

    def sent(self, *, has_bulk: bool) -> float:
        """Return the time at which a frame leaves, and remember it if it has parts of full copies."""
        now_s = self.now_s()
        if has_bulk:
            self._sent_s.append(now_s)
        return now_s

    def acknowledged(self, sent_s: float, bulk_bytes: int) -> None:
        """Take note that a frame has arrived, and of what it had of full copies."""
        now_s = self.now_s()
        took_s = now_s - sent_s
        if now_s > self.renewed_s + KNOWN_S:
            self.renewed_s = now_s
            self.fastest_s, self.next_fastest_s = self.next_fastest_s, took_s
        self.next_fastest_s = min(self.next_fastest_s, took_s)
        self.fastest_s = min(self.fastest_s, took_s)
        if bulk_bytes:
            self.bytes -= bulk_bytes
            self._sent_s.popleft()
            self._look(took_s - self.fastest_s, now_s)

    def _look(self, late_s: float, now_s: float) -> None:
        """Let the node rest from a piece, and choose the size of the next."""
        if late_s > LATE_S:
            self._rests_until_s = now_s + min(REST * late_s, LONGEST_REST_S)
        self._piece_bytes = min(2 * self._piece_bytes, MOST_BYTES) if late_s <= QUICK_S else LEAST_BYTES

    def forget(self) -> None:
        """Take note that nothing is on its way any more."""
        self.bytes = 0
        self._sent_s.clear()

    @property
    def is_full(self) -> bool:
        """Say whether as much is on its way as may be, whoever waits for it."""
        return self.bytes >= BULK_BYTES

    def piece(self, *, is_urgent: bool = False) -> int:
        """Return how many bytes of full copies may be added now; more at once where there is no time to spare anybody."""
        if self.is_full or is_urgent:
            return 0 if self.is_full else MOST_BYTES
        now_s = self.now_s()
        is_late = bool(self._sent_s) and now_s - self._sent_s[0] > self.fastest_s + LATE_S
        return 0 if is_late or now_s < self._rests_until_s else self._piece_bytes
