"""Changes that are written behind the clients' backs: when and how often they are tried.

A call that fails is made again with half of its keys, after a pause, until what fails is alone; that is tried for ever, and
holds nobody else up. So one value that the database does not take delays others by some pauses, and a database that is
down is asked about once in a second.
"""

import logging
import random
from collections.abc import Callable
from typing import Final, Protocol

from ..backoff import pause_s
from ..commands.writes import KeyChange
from ..keyspace.slots import key_partition
from .flight import Wait
from .flights import OUT_OF_MEMORY, Flights
from .loader import Change
from .options import Options
from .pendings import Pending, Pendings
from .through import Call
from .values import AS_SET, Found, reason_of
from .write_statistics import WriteStatistics

log = logging.getLogger(__name__)

LONGEST_PAUSE_S: Final = 1.0
"""Between two tries, unless the loader asks for more: a database that is back is noticed soon."""

LONGEST_PAUSE_ALONE_S: Final = 30.0
"""Between two tries of a key that fails while others are written."""

LEAVING_S: Final = 2.0
"""A partition that is to be given away is spoken of at every tick."""

STRANGE_S: Final = 60.0
"""After that long, a key that is another node's is left to that node; until then this one may yet serve it again."""

LOGGED_KEYS: Final = 20
"""Of those that were lost, in the log."""


class Debts(Protocol):
    """Whoever remembers, when this node is gone, which deletions wait to be written. Keys that are deleted leave nothing else."""

    def owe(self, db: int, key: bytes) -> None:
        """Remember a deletion."""

    def settle(self, db: int, key: bytes) -> None:
        """Forget it, if there is one: it was written, or the key was."""


class Behind:
    """See above. ``ring`` is called when something is due sooner than ``looks_at_s``."""

    def __init__(
        self,
        options: Options,
        *,
        flights: Flights,
        chance: random.Random,
        statistics: WriteStatistics,
        call: Call,
        ring: Callable[[], None],
        now_s: Callable[[], float],
        is_mine: Callable[[bytes], bool],
        most: int,
    ) -> None:
        self.pendings = Pendings(options.write_window_ms / 1000)
        self.last_reason = ""
        self.is_draining = False
        self.debts: Debts | None = None
        """None: nobody survives this node."""
        self.looks_at_s = 0.0
        self._options = options
        self._flights = flights
        self._chance = chance
        self._statistics = statistics
        self._call = call
        self._ring = ring
        self._now_s = now_s
        self._most = most
        self._size = most
        """How many keys the next call has: fewer while calls fail."""
        self._is_mine = is_mine
        self._strange_since_s: dict[bytes, float] = {}
        """Since when keys that wait are another node's."""
        self._leaving_until_s: dict[int, float] = {}
        """Partitions that are to be given away, and until when that holds unless it is said again."""
        self._batch: list[Pending] = []
        self._successes = self._failures = 0
        """Calls that have succeeded, and those that have failed since the last of these."""
        self._rests_until_s = 0.0

    # -- what commands ask -----------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether no changes can be taken over but for keys that wait already."""
        return len(self.pendings.by_key) >= self._options.write_queue

    def note(self, change: KeyChange) -> None:
        """Write a change later."""
        self._flights.overtake(change.key)
        self.pendings.note(change.key, change.value, self._now_s())
        if self.debts is not None:
            (self.debts.owe if change.value is None else self.debts.settle)(change.db, change.key)
        due_s = self.pendings.next_due_s()
        if self.is_pressed or (due_s is not None and due_s < self.looks_at_s):
            self._ring()

    def forget(self, key: bytes) -> None:
        """Leave a key to whoever has written it since."""
        self.pendings.forget(key)
        if self.debts is not None:
            self.debts.settle(self._options.db, key)

    def put_back(self, key: bytes) -> Wait | None:
        """Let a read find the value that waits to be written, although the key has expired or was evicted."""
        value = self.pendings.by_key[key].value
        if value is None or self._flights.store.put(key, Found(value, AS_SET)):
            return None
        wait = Wait(key, 0.0)
        wait.is_over = True
        wait.error = OUT_OF_MEMORY
        return wait

    @property
    def is_pressed(self) -> bool:
        """Whether so many changes wait that none should wait for others any more."""
        return (
            self.is_draining
            or bool(self._leaving_until_s)
            or len(self.pendings) * 2 >= self._options.write_queue
        )

    # -- in a cluster ------------------------------------------------------------

    def hasten(self, partition: int) -> None:
        """Write what waits of a partition, which is to be given away; nothing more shall wait of it.

        Not while the database is away: the partition then stays where it is, and clients need not notice.
        """
        if self._failures:
            return
        now_s = self._now_s()
        self._leaving_until_s = {
            p: until_s for p, until_s in self._leaving_until_s.items() if until_s > now_s
        }
        self._leaving_until_s[partition] = now_s + LEAVING_S
        self._ring()

    @property
    def is_leaving(self) -> bool:
        """Whether any partition is to be given away."""
        return bool(self._leaving_until_s)

    def leaves(self, key: bytes) -> bool:
        """Say whether a key is of a partition that is to be given away."""
        return self._leaving_until_s.get(key_partition(key), 0.0) > self._now_s()

    def _keep_mine(self, batch: list[Pending]) -> list[Pending]:
        """Return the keys that are this node's. Of the others nobody knows yet; in the end their new server writes them."""
        strange = [pending for pending in batch if not self._is_mine(pending.key)]
        if not strange:
            self._strange_since_s.clear()
            return batch
        now_s = self._now_s()
        for pending in strange:
            if now_s - self._strange_since_s.setdefault(pending.key, now_s) >= STRANGE_S or self.is_draining:
                del self._strange_since_s[pending.key]
                self.pendings.drop(pending)
            else:
                self.pendings.failed([pending], now_s + LONGEST_PAUSE_S)
        return [pending for pending in batch if self._is_mine(pending.key)]

    # -- what the task does ------------------------------------------------------

    def hurry(self) -> None:
        """Write everything from now on as soon as possible."""
        self.is_draining = True
        self._rests_until_s, self._failures = 0.0, 0
        self._ring()

    def next_look_s(self) -> float:
        """Return when there may be something to be done, and note that nobody looks before that."""
        due_s = self.pendings.next_due_s()
        if due_s is None:
            due_s = float("inf")
        elif self.is_pressed:
            due_s = 0.0
        self.looks_at_s = due_s = max(due_s, self._rests_until_s)
        return due_s

    async def write_some(self) -> bool:
        """Write what is due, as much as fits into one call; say whether anything was."""
        now_s = self._now_s()
        if now_s < self._rests_until_s:
            return False
        if self._leaving_until_s and max(self._leaving_until_s.values()) <= now_s:
            self._leaving_until_s.clear()
        batch = self._batch = self.pendings.take(now_s, self._size, at_once=self.is_pressed)
        if not batch:
            return False
        batch = self._batch = self._keep_mine(batch)
        if not batch:
            return True
        error = await self._call([Change(pending.key, pending.value) for pending in batch])
        if error is None:
            self._take_note(batch)
        else:
            self._try_again(batch, reason_of(error))
        self._batch = []
        return True

    def put_off(self) -> None:
        """Lose nothing of what was at hand when something went wrong that was not the loader's fault."""
        batch, self._batch = self._batch, []
        self.pendings.failed(batch, self._now_s())

    def close(self) -> None:
        """Say what was not written."""
        keys = list(self.pendings.by_key)
        if not keys:
            return
        self._statistics.lost += len(keys)
        shown = b", ".join(keys[:LOGGED_KEYS]).decode("utf-8", "backslashreplace")
        log.error(
            "%d changes of the loader %s were not written to its database: %s%s",
            len(keys),
            self._options.name,
            shown,
            " ..." if len(keys) > LOGGED_KEYS else "",
        )

    # -- within --------------------------------------------------------------------

    def _take_note(self, batch: list[Pending]) -> None:
        if self._failures:
            log.info("the loader %s writes again", self._options.name)
        self._failures = 0
        self._successes += 1
        self._size = min(self._size * 2, self._most)
        self._statistics.written += len(batch)
        for pending in batch:
            self._flights.overtake(pending.key)
        self.pendings.written(batch, self._now_s())
        if self.debts is not None:
            for pending in batch:
                if pending.key not in self.pendings.by_key:
                    self.debts.settle(self._options.db, pending.key)

    def _try_again(self, batch: list[Pending], reason: str) -> None:
        self.last_reason = reason
        self._failures += 1
        self._leaving_until_s.clear()
        self._statistics.retried += len(batch)
        if self._failures == 1:
            text = "the loader %s could not write %d changes, and tries again: %s"
            log.warning(text, self._options.name, len(batch), reason)
        now_s = self._now_s()
        self._size = max(len(batch) // 2, 1)
        self._rests_until_s = due_s = now_s + self._pause_s(self._failures, LONGEST_PAUSE_S)
        if len(batch) == 1:
            due_s = now_s + self._pause_alone_s(batch[0])
        self.pendings.failed(batch, due_s)

    def _pause_alone_s(self, pending: Pending) -> float:
        """Return the pause for a key that has failed alone: a long one where others were written since it last did."""
        has_company = pending.tries > 0 and self._successes > pending.successes
        pending.tries += 1
        pending.successes = self._successes
        return self._pause_s(pending.tries, LONGEST_PAUSE_ALONE_S if has_company else LONGEST_PAUSE_S)

    def _pause_s(self, failures: int, longest_s: float) -> float:
        first_s = self._options.retry_pause_ms / 1000
        return pause_s(failures, first_s, max(longest_s, first_s), self._chance)
