"""The expiry wheel: which keys to look at when, without a timer or a heap place per key.

Each entry with a deadline stands in at most one bucket. A bucket is named by
the moment it comes due, never later than the deadlines in it (but for the
finest, which are rounded up by less than ``FINEST_MS``). Far deadlines share
wide buckets: the width is about 1/32 of the time still to go, so a key moves
to a finer bucket a handful of times in its life, however long that is. A
deadline that moves away leaves its entry where it is: when the bucket comes
due, the entry moves on. So renewing a life, the commonest thing done to one,
costs nothing here.

After the hashed and hierarchical timing wheels of Varghese and Lauck (SOSP
1987), with a small heap of bucket names in place of slots that turn.
"""

import heapq
from collections.abc import Iterator
from typing import Final

from .entry import Bucket, Entry

FINEST_MS: Final = 16
"""Width of the finest buckets: an idle key dies at most this late, plus the sweep's own period."""

MOST_MOVED: Final = 64
"""Entries that one question for the earliest deadline may move on: some tens of microseconds."""


class Wheel:
    """Buckets of one database's entries by due time, all in Unix milliseconds."""

    __slots__ = ("_buckets", "_due")

    def __init__(self) -> None:
        self._buckets: dict[int, Bucket] = {}
        self._due: list[int] = []

    def schedule(self, entry: Entry, now_ms: int) -> None:
        """See that ``entry`` is looked at no later than its deadline asks."""
        deadline_ms = entry.expires_at_ms
        assert deadline_ms is not None
        bucket = entry.bucket
        if bucket is not None:
            if bucket.due_ms <= deadline_ms:
                return
            bucket.discard(entry)
        entry.bucket = bucket = self._bucket(due_ms(deadline_ms, now_ms))
        bucket.add(entry)

    def forget(self, entry: Entry) -> None:
        """Take a dead entry out."""
        if entry.bucket is not None:
            entry.bucket.discard(entry)
            entry.bucket = None

    def next_due_ms(self) -> int | None:
        """Return when the next bucket comes due, if there is any."""
        return self._due[0] if self._due else None

    def is_due(self, now_ms: int) -> bool:
        """Say whether there is anything for ``take_due``."""
        return bool(self._due) and self._due[0] <= now_ms

    def take_due(self, now_ms: int, most: int) -> Iterator[Entry]:
        """Yield at most ``most`` entries whose deadline has passed; move the others on.

        The caller expires what it gets at once; entries already looked at count
        towards ``most`` even when they only moved, so a turn is bounded.
        """
        while self._due and self._due[0] <= now_ms:
            bucket = self._buckets[self._due[0]]
            while bucket:
                if most <= 0:
                    return
                most -= 1
                entry = bucket.pop()
                entry.bucket = None
                if entry.expires_at_ms is None:
                    continue
                if entry.expires_at_ms <= now_ms:
                    yield entry
                else:
                    self.schedule(entry, now_ms)
            if self._due and self._due[0] == bucket.due_ms:
                heapq.heappop(self._due)
                del self._buckets[bucket.due_ms]

    def earliest(self, now_ms: int) -> Entry | None:
        """Return an entry of the first bucket: nearly the next to die. None when there is no deadline.

        A deadline that has moved away since (a life renewed) is no reason to be
        here: such entries move on, though not more than ``MOST_MOVED`` in one call.
        """
        for _ in range(MOST_MOVED):
            entry = self._first()
            if entry is None:
                return None
            bucket = entry.bucket
            assert bucket is not None
            assert entry.expires_at_ms is not None
            if due_ms(entry.expires_at_ms, now_ms) <= bucket.due_ms:
                return entry
            bucket.discard(entry)
            entry.bucket = None
            self.schedule(entry, now_ms)
        return self._first()

    def _first(self) -> Entry | None:
        """Return any entry with a deadline of the first bucket, and clear away what has none."""
        while self._due:
            bucket = self._buckets[self._due[0]]
            while bucket:
                entry = bucket.pop()
                if entry.expires_at_ms is not None:
                    bucket.add(entry)
                    return entry
                entry.bucket = None  # its deadline was taken away: let nobody meet it here again
            del self._buckets[heapq.heappop(self._due)]
        return None

    def clear(self) -> None:
        """Let go of everything. Entries and buckets hold each other: cut, they are freed at once."""
        for bucket in self._buckets.values():
            bucket.clear()
        self._buckets.clear()
        self._due.clear()

    def _bucket(self, due: int) -> Bucket:
        bucket = self._buckets.get(due)
        if bucket is None:
            bucket = self._buckets[due] = Bucket(due)
            heapq.heappush(self._due, due)
        return bucket


def due_ms(deadline_ms: int, now_ms: int) -> int:
    """Name the bucket for a deadline: rounded down to 1/32..1/64 of the wait, or up when it is near."""
    wait_ms = deadline_ms - now_ms
    if wait_ms <= 64 * FINEST_MS:
        return -(-deadline_ms // FINEST_MS) * FINEST_MS
    width_ms = 1 << (wait_ms.bit_length() - 6)
    return deadline_ms // width_ms * width_ms
