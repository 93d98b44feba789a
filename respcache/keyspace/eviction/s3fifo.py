"""S3-FIFO: which keys to drop so that one pass over cold data does not wash out the hot.

After Yang, Zhang, Qiu, Yue and Vinayak, "FIFO queues are all you need for
cache eviction" (SOSP 2023). New keys enter a small queue, a tenth of the cache.
Those used again before they reach its end move to the main queue; the others,
mostly wonders of one hit, are dropped, and a ghost of each is kept for a while:
a key that comes back while its ghost is there enters the main queue at once. In
the main queue a key that was used since it last stood at the end gets another round.

Two departures, both measured (docs/decisions/eviction.md). The paper counts
uses in two bits, which would cost every read a call; here a place in a queue
remembers when its key was last used at the time of queueing, and a later
use shows in ``Entry.seen``, which every read keeps anyway. And the
ghosts are no queue but one array of fingerprints, where a newer one takes the
place of an older: four bytes per key instead of ninety.
"""

from array import array
from collections import deque
from collections.abc import Collection
from itertools import islice, repeat
from typing import ClassVar, Final

from ..._speedups import compiled_twin
from ..entry import Entry

GHOST_BYTES: Final = 6
"""What a key's share of the ghosts takes: a fingerprint has four bytes, and there are between one and two for each place."""

SMALL_SHARE: Final = 10
"""The small queue is a tenth of all; the paper found five to twenty per cent much alike."""

FIRST_GHOSTS: Final = 1024

LONGEST_SEARCH: Final = 100
"""Places looked at for one victim. More only happens when nearly all keys were just used, and then any will do."""

DEAD_TOLERATED: Final = 8
"""So few are not worth a look at how many there are in all."""

TIDIED_PER_REMOVAL: Final = 4
"""Places of each queue swept per removal while more than a quarter are dead: that catches up with a burst."""

MEDIAN_OF: Final = 1000
"""Entries looked at to find out which half of a million was used later."""


@compiled_twin
class Fifo:
    """Entries in order of arrival, each with its ``seen`` at arrival. Dead ones are swept out bit by bit.

    The queue is ``_older`` followed by ``_newer``. Tidying moves places from
    the front of the newer part to the end of the older one and leaves the dead
    behind; when the newer part is empty, the older takes its name for the next pass.
    """

    __slots__ = ("_newer", "_newer_marks", "_older", "_older_marks")

    PLACE_BYTES: ClassVar[int] = 2 * 8 + 32
    """Two pointers, and an integer that may be its own."""

    def __init__(self, entries: Collection[Entry] = (), mark: int = 0) -> None:
        """Begin with entries that count as used if they were after ``mark``."""
        self._older: deque[Entry] = deque()
        self._older_marks: deque[int] = deque()
        self._newer = deque(entries)
        self._newer_marks = deque(repeat(mark, len(entries)))

    def __len__(self) -> int:
        return len(self._older) + len(self._newer)

    def add(self, entry: Entry) -> None:
        """Queue an entry; from now on ``seen`` tells whether it is used."""
        self._newer.append(entry)
        self._newer_marks.append(entry.seen)

    def take(self) -> tuple[Entry, bool]:
        """Take the oldest place of a queue that has any; say whether its entry was used since it queued."""
        if self._older:
            entry = self._older.popleft()
            return entry, entry.seen > self._older_marks.popleft()
        entry = self._newer.popleft()
        return entry, entry.seen > self._newer_marks.popleft()

    def tidy(self, places: int) -> int:
        """Go over a few places and drop the dead; return how many those were."""
        dropped = 0
        for _ in range(places):
            if not self._newer:
                if not self._older:
                    break
                self._newer, self._older = self._older, self._newer
                self._newer_marks, self._older_marks = self._older_marks, self._newer_marks
            entry = self._newer.popleft()
            mark = self._newer_marks.popleft()
            if entry.value is None:
                dropped += 1
            else:
                self._older.append(entry)
                self._older_marks.append(mark)
        return dropped


class Ghosts:
    """Fingerprints of keys dropped lately, about as many as there are places.

    A key has one place, and the latest key there is remembered. A false
    recall has a chance of one in four milliards and costs nothing but a better start.
    """

    __slots__ = ("_mask", "_prints", "places")

    def __init__(self, at_least: int) -> None:
        self.places = 1 << (at_least - 1).bit_length()
        self._mask = self.places - 1
        self._prints = array("I", bytes(4 * self.places))

    def remember(self, key: bytes) -> None:
        number = hash(key)
        self._prints[number & self._mask] = (number >> 32) & 0xFFFF_FFFF

    def recall(self, key: bytes) -> bool:
        """Say whether the key was dropped lately, and forget it."""
        number = hash(key)
        at = number & self._mask
        if self._prints[at] != (number >> 32) & 0xFFFF_FFFF:
            return False
        self._prints[at] = 0
        return True


class Queues:
    """The two queues and the ghosts of one database; its follower. Every living entry stands in one queue."""

    __slots__ = ("_dead", "ghosts", "main", "small")

    entry_bytes = Fifo.PLACE_BYTES + GHOST_BYTES
    deadline_bytes = 0

    def __init__(self, entries: Collection[Entry]) -> None:
        """Begin with what the database holds, in its order; the half that was used later counts as used."""
        self.small = Fifo(entries, _median_seen(entries))
        self.main = Fifo()
        self.ghosts = Ghosts(FIRST_GHOSTS)
        self._dead = 0

    def entry_added(self, entry: Entry) -> None:
        (self.main if self.ghosts.recall(entry.key) else self.small).add(entry)

    def entry_removed(self, entry: Entry) -> None:
        self._dead += 1
        if self._dead > DEAD_TOLERATED and self._dead * 4 > len(self.small) + len(self.main):
            self._dead -= self.small.tidy(TIDIED_PER_REMOVAL) + self.main.tidy(TIDIED_PER_REMOVAL)

    def deadline_set(self, entry: Entry) -> None:
        """Deadlines make no difference here."""

    def emptied(self) -> None:
        self.small = Fifo()
        self.main = Fifo()
        self._dead = 0

    def take_victim(self) -> Entry | None:
        """Take the entry to drop out of its queue; None when a bounded search has found none.

        The caller must drop it: it stands in no queue any more.
        """
        for _ in range(LONGEST_SEARCH):
            in_small, in_main = len(self.small), len(self.main)
            if not in_small and not in_main:
                return None
            is_small = in_small * SMALL_SHARE >= in_small + in_main or not in_main
            entry, was_used = (self.small if is_small else self.main).take()
            if entry.value is None:
                self._dead -= 1
            elif was_used:
                self.main.add(entry)
            else:
                if is_small:
                    self._remember(entry.key)
                self._dead -= 1  # the removal that follows will count a dead place, and there is none
                return entry
        return None

    def _remember(self, key: bytes) -> None:
        if len(self.main) > self.ghosts.places:
            self.ghosts = Ghosts(
                2 * self.ghosts.places
            )  # a cache that still grows loses little by forgetting
        self.ghosts.remember(key)


def _median_seen(entries: Collection[Entry]) -> int:
    step = len(entries) // MEDIAN_OF + 1
    sample = sorted([entry.seen for entry in islice(entries, None, None, step)])
    return sample[(len(sample) - 1) // 2] if sample else 0
