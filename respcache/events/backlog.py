"""What waits between the bus and a sink that takes its time.

A backlog is bounded, so that a sink that hangs costs a known amount of memory
and no more. When it is full the oldest event goes: a follower that loses the
beginning still learns the last word on every key that was touched lately, while
one that loses the end believes for ever in what is no longer true. The loss is
therefore always just before the next batch, and whoever takes it is told.
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue that forgets its oldest items, and counts them."""

    def __init__(self, most_items: int) -> None:
        if most_items < 1:
            raise ValueError("a backlog must hold at least one item")
        self._items: deque[T] = deque()
        self._most_items = most_items
        self._unannounced = 0
        self.dropped = 0
        """How many items were forgotten, since the start."""

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: T) -> bool:
        """Append ``item``; say whether there was room without forgetting another."""
        self._items.append(item)
        if len(self._items) <= self._most_items:
            return True
        self._items.popleft()
        self.dropped += 1
        self._unannounced += 1
        return False

    def take(self, most_items: int) -> tuple[int, list[T]]:
        """Remove the oldest items; return how many were forgotten just before them, and them."""
        lost, self._unannounced = self._unannounced, 0
        return lost, [self._items.popleft() for _ in range(min(most_items, len(self._items)))]

    def clear(self) -> int:
        """Forget everything, as dropped; return how much that was."""
        count = len(self._items)
        self._items.clear()
        self.dropped += count
        self._unannounced += count
        return count
