"""Changes that wait to be written: one for each key, the last one that was made.

A key waits one window for each change that it has seen since it began to wait, ``MOST_WINDOWS`` at most: what is written
once is soon in the database, and what is written again and again is written there seldom. While a key is being written it
can change again; then it waits anew, and is never written by two calls at once. So the values that the database sees
of a key are some of those that it had, in their order.
"""

import heapq
from collections.abc import Iterable
from typing import Final

from ..keyspace.slots import key_partition
from .values import Plain

MOST_WINDOWS: Final = 60
"""With the default window, six seconds: a counter that is incremented a thousand times a second is written ten times a minute."""

GATHERED: Final = 0.5
"""Who would be due in this share of a window goes along: so there are at most two calls in one."""


class Pending:
    """One key that has changed."""

    __slots__ = (
        "changes",
        "due_s",
        "has_changed",
        "is_taken",
        "is_void",
        "key",
        "since_s",
        "successes",
        "tries",
        "value",
    )

    def __init__(self, key: bytes, value: Plain | None, now_s: float) -> None:
        self.key = key
        self.value = value
        """None: it was deleted."""
        self.since_s = now_s
        """Since when it waits."""
        self.changes = 1
        self.due_s = now_s
        self.is_taken = False
        """It is being written."""
        self.has_changed = False
        """Since it was taken."""
        self.is_void = False
        """It was forgotten after it had been taken."""
        self.tries = 0
        """How often it has failed when it was written alone."""
        self.successes = 0
        """How many calls had succeeded by then; kept by who makes the calls."""


class Pendings:
    """The keys of one loader. Whoever takes some must say what has become of them before anybody takes more."""

    def __init__(self, window_s: float) -> None:
        self.by_key: dict[bytes, Pending] = {}
        self.coalesced = 0
        """Changes that took the place of others that had not been written."""
        self.partitions: dict[int, set[bytes]] | None = None
        """The keys by partition; None: nobody asks."""
        self._window_s = window_s
        self._order: list[tuple[float, int, Pending]] = []
        """A heap by when they are looked at, of all that are not taken: one place for each."""
        self._count = 0

    def __len__(self) -> int:
        return len(self.by_key)

    def waits(self, key: bytes) -> bool:
        """Say whether a key waits that was not forgotten."""
        pending = self.by_key.get(key)
        return pending is not None and not pending.is_void

    def note(self, key: bytes, value: Plain | None, now_s: float) -> None:
        """Let a key be written, with this value in place of whatever waited."""
        pending = self.by_key.get(key)
        if pending is None:
            pending = self.by_key[key] = Pending(key, value, now_s)
            if self.partitions is not None:
                self.partitions.setdefault(key_partition(key), set()).add(key)
            self._place(pending, now_s + self._window_s)
            return
        pending.value = value
        pending.is_void = False
        if pending.is_taken and not pending.has_changed:
            pending.has_changed = True
            pending.changes = 1
            pending.since_s = now_s
        else:
            self.coalesced += 1
            pending.changes += 1

    def next_due_s(self) -> float | None:
        """Return when something may be due; None while nothing waits."""
        return self._order[0][0] if self._order else None

    def take(self, now_s: float, most: int, *, at_once: bool = False) -> list[Pending]:
        """Return keys to be written now, by the one who will say what has become of them.

        ``at_once``: whether they are due or not. Nothing is returned while the first one is not due. One that has failed
        alone comes alone.
        """
        self._look_again(now_s, at_once=at_once)
        if not self._order or not (at_once or self._order[0][0] <= now_s):
            return []
        until_s = now_s + self._window_s * GATHERED
        batch: list[Pending] = []
        later: list[Pending] = []
        while self._order and len(batch) < most and (at_once or self._order[0][0] <= until_s):
            pending = heapq.heappop(self._order)[2]
            if pending.is_taken or self.by_key.get(pending.key) is not pending:
                continue  # forgotten; or placed twice, after an error of ours
            due_s = self._due_s(pending)
            if not at_once and due_s > until_s:
                later.append(pending)
            elif pending.tries and batch:
                later.append(pending)
                break
            else:
                pending.is_taken, pending.has_changed = True, False
                batch.append(pending)
                if pending.tries:
                    break
        for pending in later:
            self._place(pending, max(self._due_s(pending), now_s))
        return batch

    def written(self, batch: Iterable[Pending], now_s: float) -> None:
        """Note that keys are in the database now, with the values that they were taken with."""
        for pending in batch:
            pending.is_taken = False
            pending.tries = 0
            if pending.has_changed:
                pending.due_s = now_s
                self._place(pending, self._due_s(pending))
            else:
                self.drop(pending)

    def failed(self, batch: Iterable[Pending], due_s: float) -> None:
        """Note that keys may not be in the database; they are tried again from then on."""
        for pending in batch:
            pending.is_taken = False
            pending.due_s = due_s
            if pending.is_void:
                self.drop(pending)
            else:
                self._place(pending, due_s)

    def forget(self, key: bytes) -> None:
        """Let a key not be written, if it waits; a call that has begun goes on, and is not made again."""
        pending = self.by_key.get(key)
        if pending is None:
            return
        if pending.is_taken:
            pending.is_void, pending.has_changed = True, False
        else:
            self.drop(pending)  # its place is passed over

    def drop(self, pending: Pending) -> None:
        """Forget a key, whatever has become of it."""
        del self.by_key[pending.key]
        if self.partitions is not None:
            partition = key_partition(pending.key)
            self.partitions[partition].discard(pending.key)
            if not self.partitions[partition]:
                del self.partitions[partition]

    def oldest_s(self) -> float | None:
        """Return since when the first key waits; it looks at all."""
        return min((pending.since_s for pending in self.by_key.values()), default=None)

    # -- within --------------------------------------------------------------

    def _due_s(self, pending: Pending) -> float:
        waits_s = self._window_s * min(pending.changes, MOST_WINDOWS)
        return max(pending.since_s + waits_s, pending.due_s)

    def _place(self, pending: Pending, at_s: float) -> None:
        self._count += 1
        heapq.heappush(self._order, (at_s, self._count, pending))

    def _look_again(self, now_s: float, *, at_once: bool) -> None:
        """Put those back that have changed since they were placed, as long as they stand first."""
        while not at_once and self._order and self._order[0][0] <= now_s:
            pending = self._order[0][2]
            due_s = self._due_s(pending)
            if due_s <= now_s:
                return
            self._count += 1
            heapq.heapreplace(self._order, (due_s, self._count, pending))
