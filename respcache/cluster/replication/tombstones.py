"""How long deletions are remembered: long enough for those who missed them, and not for ever.

A node that was cut off comes back with keys that the others have deleted meanwhile. Their tombstones tell that
these keys are old, not new. Tables hold them (``tables.py``); here is in which order they came, over all partitions.
"""

from collections import deque
from typing import Final

from .tables import Table

KEPT_MS: Final = 600_000
"""Ten minutes: nearly all splits are shorter. What is deleted in a longer one can come back from its other side."""

MOST_TOMBSTONES: Final = 100_000
"""Some 25 MB. A node that deletes a thousand keys per second remembers the last hundred seconds."""

TOMBSTONE_BYTES: Final = 42 + 33 + 40 + 80 + 8
"""Estimated memory beside the key: places in a table (42) and in the order (8), which holds a tuple (80), the key's header, the version (40)."""


class Tombstones:
    """All tombstones of a node, oldest first; some of them may have been lifted since."""

    def __init__(self, most: int = MOST_TOMBSTONES) -> None:
        self._most = most
        self._order: deque[tuple[int, Table, bytes, int]] = deque()

    def __len__(self) -> int:
        return len(self._order)

    def add(self, table: Table, key: bytes, version: int, now_ms: int) -> None:
        """Remember that a key was deleted; the oldest is forgotten where there are too many."""
        table.tombstones[key] = version
        self._order.append((now_ms, table, key, version))
        if len(self._order) > self._most:
            self._forget_oldest()

    def forget(self, now_ms: int) -> None:
        """Drop those that are old enough, by when this node heard of them: versions are of others' clocks."""
        while self._order and self._order[0][0] <= now_ms - KEPT_MS:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, table, key, version = self._order.popleft()
        if table.tombstones.get(key) == version:
            del table.tombstones[key]
