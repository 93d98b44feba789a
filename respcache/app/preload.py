"""Loading many keys ahead of those who will ask for them: requests them in parts, and looks what becomes of each.

The server is asked for no more than it can remember: some thousand keys are on their way at any time. Keys that it refuses, because
too many wait, because the loader fails or is paused, are requested again, until nothing at all has happened for a while.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from .client import ClientError

MOST_UNDERWAY: Final = 10_000
"""A twentieth of what a loader takes, and ten of its usual batches: it never waits for us, and has room for others."""

PART: Final = 500
"""Keys in one request: the server is busy with it for about a millisecond."""

PAUSE_S: Final = 0.02
"""Between two looks at keys that are not there yet."""

REFUSED_PAUSE_S: Final = 0.2

LOOKS: Final = 5
"""After so many looks without news at a part, its keys are put aside."""

SLOW_PAUSE_S: Final = 0.25
"""Between two looks at those that were put aside."""

PASSING: Final = frozenset({"TRYAGAIN", "CLUSTERDOWN", "TIMEOUT"})
"""Errors of a cluster in which partitions change hands."""

UNDERWAY: Final = frozenset({b"requested", b"loading", b"reloading"})

FAILED_SHOWN: Final = 10

Call = Callable[..., object]


class Counts(msgspec.Struct):
    """What has become of the keys so far."""

    loaded: int = 0
    absent: int = 0
    failed: int = 0
    refused: int = 0
    """Given up because the server took none of them for too long."""
    without_loader: int = 0
    not_kept: int = 0
    """Asked for, and then neither there nor remembered as absent: expired, evicted, or absent where that is not remembered."""

    @property
    def done(self) -> int:
        return sum(msgspec.structs.astuple(self))

    @property
    def wrong(self) -> int:
        """How many should have been loaded, and were not."""
        return self.failed + self.refused + self.without_loader

    def __str__(self) -> str:
        always = f"loaded {self.loaded}, absent {self.absent}, failed {self.failed}"
        more = {
            "refused": self.refused,
            "without a loader": self.without_loader,
            "not kept": self.not_kept,
        }
        return always + "".join(f", {name} {count}" for name, count in more.items() if count)


class Part(msgspec.Struct):
    """Keys that were requested together."""

    keys: list[bytes]
    is_taken: bool
    """Whether the server has taken all of them."""
    looks: int = 0
    """Since there was any news of it."""
    has_begun: bool = False
    """Whether some of its keys have their fate."""


class Preload:
    """Loads keys through one connection."""

    def __init__(
        self,
        call: Call,
        keys: Iterable[bytes],
        *,
        rate: float = 0,
        patience_s: float = 60,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Keys are requested at ``rate`` per second, for 0 as fast as they are loaded."""
        self.counts = Counts()
        self.failed: list[bytes] = []
        """The first that were not loaded."""
        self._call = call
        self._keys = iter(keys)
        self._has_more = True
        self._rate = rate
        self._patience_s = patience_s
        self._now_s, self._sleep = now_s, sleep
        self._parts: deque[Part] = deque()
        self._slow: list[Part] = []
        self._again: deque[bytes] = deque()
        self._begun_s = now_s()
        self._sent = 0
        self._resume_s = self._begun_s
        self._slow_s = self._begun_s
        self._news_s = self._begun_s

    def run(self) -> Iterator[Counts]:
        """Yield the counts after every round of requests and looks, until every key has its fate."""
        while self._has_more or self._underway():
            done = self.counts.done
            self._request_some()
            self._look()
            if self.counts.done > done or not self._underway():
                self._news_s = self._now_s()
            elif self._now_s() - self._news_s > self._patience_s:
                self._give_up()
            yield self.counts
            if self._underway() or (self._rate and self._has_more):
                self._sleep(PAUSE_S)

    # -- requesting --------------------------------------------------------------

    def _request_some(self) -> None:
        while self._underway() + PART <= MOST_UNDERWAY and self._now_s() >= self._resume_s:
            keys = self._next_keys()
            if not keys:
                return
            taken = self._ask("REQUEST", keys)
            is_taken = taken == len(keys)
            self._parts.append(Part(keys, is_taken))
            if not is_taken:
                return  # a look at them will tell why

    def _next_keys(self) -> list[bytes]:
        if self._again:
            return [self._again.popleft() for _ in range(min(PART, len(self._again)))]
        if not self._has_more:
            return []
        most = PART
        if self._rate:
            allowed = int(self._rate * (self._now_s() - self._begun_s)) + 1
            most = min(most, allowed - self._sent)
        keys = list(islice(self._keys, most)) if most > 0 else []
        self._sent += len(keys)
        self._has_more = most <= 0 or len(keys) == most
        return keys

    def _underway(self) -> int:
        parts = sum(len(part.keys) for part in self._parts)
        return parts + sum(len(part.keys) for part in self._slow) + len(self._again)

    # -- looking -----------------------------------------------------------------

    def _look(self) -> None:
        """Look at parts, the oldest first, until one is as it was requested; and at those aside if it is time to.

        Of a part that has begun to come, one key may be tried again for seconds: the parts behind it do not wait for that.
        """
        for part in list(self._parts):
            before = len(part.keys)
            self._settle(part)
            if len(part.keys) < before:
                part.looks, part.has_begun = 0, True
                continue
            part.looks += 1
            if part.looks >= LOOKS:
                self._put_aside(part)
                part.keys = []
            if not part.has_begun:
                break
        self._parts = deque(part for part in self._parts if part.keys)
        if self._slow and self._now_s() - self._slow_s >= SLOW_PAUSE_S:
            for part in self._slow:
                self._settle(part)
            self._slow = [part for part in self._slow if part.keys]
            self._slow_s = self._now_s()

    def _put_aside(self, part: Part) -> None:
        """Join what is left of parts, so that a look at all of them stays cheap."""
        for other in self._slow:
            if other.is_taken == part.is_taken and len(other.keys) + len(part.keys) <= PART:
                other.keys += part.keys
                return
        self._slow.append(Part(part.keys, part.is_taken))

    def _settle(self, part: Part) -> None:
        """Count the keys of a part that have their fate, and leave the others in it."""
        states = self._ask("STATE", part.keys)
        if states is None:
            return
        if not isinstance(states, list) or len(states) != len(part.keys):
            raise ClientError(f"the answer to LOADER STATE was {states!r:.100}")
        left = []
        for key, state in zip(part.keys, states, strict=True):
            if state in UNDERWAY:
                left.append(key)
            else:
                self._note(key, state, part)
        part.keys = left

    def _note(self, key: bytes, state: object, part: Part) -> None:
        counts = self.counts
        match state:
            case b"loaded":
                counts.loaded += 1
            case b"absent":
                counts.absent += 1
            case b"failed":
                counts.failed += 1
                self._show(key)
            case None:
                counts.without_loader += 1
                self._show(key)
            case _ if part.is_taken:
                counts.not_kept += 1
            case _:
                self._again.append(key)
                self._resume_s = self._now_s() + REFUSED_PAUSE_S

    def _give_up(self) -> None:
        """Count all that is left as refused."""
        left = [key for part in (*self._parts, *self._slow) for key in part.keys]
        for key in (*left, *self._again, *self._keys):
            self.counts.refused += 1
            self._show(key)
        self._parts.clear()
        self._slow.clear()
        self._again.clear()
        self._has_more = False

    def _show(self, key: bytes) -> None:
        if len(self.failed) < FAILED_SHOWN:
            self.failed.append(key)

    def _ask(self, question: str, keys: Sequence[bytes]) -> object:
        """Ask the server; None where it cannot say now."""
        try:
            return self._call("LOADER", question, *keys)
        except ClientError as error:
            code = str(error).partition(" answered: ")[2].partition(" ")[0]
            if code not in PASSING:
                raise
            return None
