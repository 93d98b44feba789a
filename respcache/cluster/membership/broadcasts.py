"""News that still has to be told, and how often.

As in SWIM every piece is told a limited number of times, the least told first. Newer news about a member replaces
older. So there is at most one piece per member, which bounds the queue by the number of members known.
"""

from typing import Final

MOST_NEWS: Final = (
    2048  # more than a node remembers members; only DEAD of strangers at one's own address can exceed it
)
SMALLEST_NEWS_BYTES: Final = 1 + 1 + 1 + 22 + 22  # DEAD: array, tag, incarnation, two ids


class Broadcasts:
    """Pieces of news in tiers by how often they were told; the newest of a tier goes first."""

    __slots__ = ("_tier_of", "_tiers", "dropped")

    def __init__(self) -> None:
        self._tiers: list[dict[bytes, bytes]] = [{}]
        self._tier_of: dict[bytes, int] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._tier_of)

    def __contains__(self, about: bytes) -> bool:
        return about in self._tier_of

    def put(self, about: bytes, encoded: bytes) -> None:
        """Tell this from now on, and nothing older about the same member."""
        self.forget(about)
        if len(self._tier_of) >= MOST_NEWS:
            self._drop_most_told()
        self._tiers[0][about] = encoded
        self._tier_of[about] = 0

    def forget(self, about: bytes) -> None:
        tier = self._tier_of.pop(about, None)
        if tier is not None:
            del self._tiers[tier][about]

    def _drop_most_told(self) -> None:
        fullest = next(tier for tier in reversed(self._tiers) if tier)
        self.forget(next(iter(fullest)))
        self.dropped += 1

    def take(self, room_bytes: int, limit: int, besides: bytes = b"") -> list[bytes]:
        """Return news of at most so many bytes, counting each piece as told once more.

        Pieces told `limit` times are over. `besides` names a member whose news is already in the packet.
        """
        taken: list[tuple[bytes, int]] = []
        pieces: list[bytes] = []
        for number, tier in enumerate(self._tiers):
            for about in reversed(tier):
                encoded = tier[about]
                if len(encoded) <= room_bytes and about != besides:
                    room_bytes -= len(encoded)
                    taken.append((about, number))
                    pieces.append(encoded)
            if room_bytes < SMALLEST_NEWS_BYTES:
                break
        for about, number in taken:
            self._count(about, number, limit)
        return pieces

    def _count(self, about: bytes, tier: int, limit: int) -> None:
        encoded = self._tiers[tier].pop(about)
        if tier + 1 >= limit:
            del self._tier_of[about]
            return
        if tier + 1 == len(self._tiers):
            self._tiers.append({})
        self._tiers[tier + 1][about] = encoded
        self._tier_of[about] = tier + 1
