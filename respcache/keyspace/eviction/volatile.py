"""The entries of a database that have a deadline, to draw from at random.

Only the policies named ``volatile-...`` keep this: a list of entries, and a set
of the same that keeps an entry from being listed twice when its deadline comes
and goes. An entry that died, or was persisted, stays listed until the
sweep or a draw passes it; each addition or removal sweeps a few places, so
such entries stay few and nothing ever pauses for them.
"""

import random
from collections.abc import Iterable
from typing import Final

from ..entry import Entry

PLACE_BYTES: Final = 8 + 40
"""What an entry with a deadline adds: a pointer in the list and a place in the set."""

SWEPT_PER_CHANGE: Final = 4
"""As in ``roster.py``: two would keep pace, four also catch up with a burst."""

DRAWS_BEFORE_GIVING_UP: Final = 100
"""A draw that meets a gone entry takes it off the list, so a hundred misses are rare, and progress all the same."""


class Volatile:
    """A follower that knows which entries may be evicted under a volatile policy."""

    __slots__ = ("_hand", "_items", "_members")

    entry_bytes = 0
    deadline_bytes = PLACE_BYTES

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._items = [entry for entry in entries if entry.expires_at_ms is not None]
        self._members = set(self._items)
        self._hand = 0

    def __len__(self) -> int:
        return len(self._items)

    def entry_added(self, entry: Entry) -> None:
        """Wait for ``deadline_set``: a new entry has no deadline yet."""

    def entry_removed(self, entry: Entry) -> None:
        if entry in self._members:
            self._sweep()

    def deadline_set(self, entry: Entry) -> None:
        if entry not in self._members:
            self._sweep()  # before it is listed: its deadline is not noted in it yet
            self._members.add(entry)
            self._items.append(entry)

    def emptied(self) -> None:
        self._items = []
        self._members = set()
        self._hand = 0

    def draw(self, chance: random.Random) -> Entry | None:
        """Pick a living entry with a deadline, each as likely as any other; None when there is none, or hardly."""
        items = self._items
        for _ in range(DRAWS_BEFORE_GIVING_UP):
            if not items:
                return None
            at = int(chance.random() * len(items))
            if not _is_gone(items[at]):
                return items[at]
            self._take_out(at)
        return None

    def _sweep(self) -> None:
        for _ in range(SWEPT_PER_CHANGE):
            if self._hand >= len(self._items):
                self._hand = 0
                if not self._items:
                    return
            if _is_gone(self._items[self._hand]):
                self._take_out(self._hand)
            else:
                self._hand += 1

    def _take_out(self, at: int) -> None:
        self._members.discard(self._items[at])
        last = self._items.pop()
        if at < len(self._items):
            self._items[at] = last


def _is_gone(entry: Entry) -> bool:
    return entry.value is None or entry.expires_at_ms is None
