"""Changes that clients wait for: written by the next call, answered when it has ended.

Commands that come together share a call of ``bulk_write``; if that fails, each has one of its own, so that one value that the
database does not take fails nobody else. A command whose call has not begun within ``timeout_ms`` is answered WRITEFAILED; if
it has begun, WRITETIMEOUT: then nobody knows whether it was written, and its keys are loaded anew.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import trio

from ..commands.writes import WRITTEN, Done, KeyChange, Verdict
from ..protocol.replies import ErrorReply
from .breaker import Breaker
from .flights import Flights
from .ground import Ground
from .loader import Change, LoadError
from .options import Options
from .values import reason_of
from .write_statistics import WriteStatistics

Call: TypeAlias = Callable[[Sequence[Change]], Awaitable[Exception | None]]
"""Calls the loader, sets the clock, and returns what was raised."""


class Job:
    """The changes of one command."""

    __slots__ = ("changes", "done", "has_begun", "is_alone", "is_over", "until_s")

    def __init__(self, changes: Sequence[KeyChange], until_s: float, done: Done) -> None:
        self.changes = [Change(one.key, one.value) for one in changes]
        self.until_s = until_s
        self.done = done
        self.has_begun = False
        """Whether a call was made with it."""
        self.is_alone = True
        """Whether that was its only call, and nobody else's."""
        self.is_over = False


class Through:
    """See above. ``ring`` is called when there is something to do."""

    def __init__(
        self,
        options: Options,
        *,
        flights: Flights,
        ground: Ground,
        statistics: WriteStatistics,
        call: Call,
        ring: Callable[[], None],
        now_s: Callable[[], float],
        most: int,
    ) -> None:
        self.breaker = Breaker(options.circuit_failures, options.circuit_reset_ms)
        self.last_reason = ""
        self._options = options
        self._flights = flights
        self._ground = ground
        self._statistics = statistics
        self._call = call
        self._ring = ring
        self._now_s = now_s
        self._most = most
        self._queue: deque[Job] = deque()
        """For calls to come; some may be over."""
        self._deadlines: deque[Job] = deque()
        """All that are not over, and some that are: in the order of their ends."""
        self._has_deadlines = trio.Event()
        self._is_closed = False

    def add(self, changes: Sequence[KeyChange], done: Done) -> None:
        """Have changes written, or refuse them at once."""
        refusal = self._refusal()
        if refusal:
            self._statistics.refused += 1
            self._statistics.failed += 1
            done(Verdict(ErrorReply("WRITEFAILED", refusal)))
            return
        job = Job(changes, self._now_s() + self._options.timeout_ms / 1000, done)
        self._queue.append(job)
        self._deadlines.append(job)
        self._has_deadlines.set()
        self._ring()

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to be written."""
        while self._queue and self._queue[0].is_over:
            self._queue.popleft()
        return bool(self._queue)

    async def write_some(self) -> None:
        """Write as much as fits into one call; or, if that fails, one command after another."""
        group = self._take()
        if len(group) > 1:
            for job in group:
                job.is_alone = False
            if await self._write(group):
                return
        for job in group:
            if job.is_over:
                self._forget(job)
            else:
                await self._write([job])

    async def watch_deadlines(self) -> None:
        """Answer those who have waited too long."""
        jobs = self._deadlines
        while True:
            if not jobs:
                self._has_deadlines = trio.Event()
                await self._has_deadlines.wait()
            await trio.sleep_until(jobs[0].until_s)
            self._ground.set_clock()
            now_s = self._now_s()
            name, timeout_ms = self._options.name, self._options.timeout_ms
            while jobs and (jobs[0].is_over or jobs[0].until_s <= now_s):
                job = jobs.popleft()
                if not job.is_over:
                    if job.has_begun:
                        self.breaker.note_failure(self._ground.clock.now_ms)
                    self._give_up(job, f"the loader {name} has not written it within {timeout_ms} ms")

    def fail_begun(self, reason: str) -> None:
        """Answer those whose call has gone wrong for reasons that are not the loader's."""
        for job in list(self._deadlines):
            if job.has_begun and not job.is_over:
                self._give_up(job, reason)

    def close(self) -> None:
        """Answer everybody, and take nothing more."""
        self._is_closed = True
        while self._deadlines:
            job = self._deadlines.popleft()
            if not job.is_over:
                self._give_up(job, "the server is shutting down")

    # -- within --------------------------------------------------------------

    def _refusal(self) -> str:
        """Return why nothing can be written now; empty if something can."""
        name = self._options.name
        if self._is_closed:
            return "the server is shutting down"
        if self._flights.is_paused:
            return f"the loader {name} is paused"
        if self.breaker.state(self._ground.clock.now_ms) == "open":
            return f"the loader {name} keeps failing: {self.last_reason}"
        return ""

    def _take(self) -> list[Job]:
        group: list[Job] = []
        count = 0
        while self.is_waiting and (not group or count + len(self._queue[0].changes) <= self._most):
            job = self._queue.popleft()
            group.append(job)
            count += len(job.changes)
        return group

    async def _write(self, group: Sequence[Job]) -> bool:
        """Write and answer; say whether that was all, or each is to be written alone."""
        for job in group:
            job.has_begun = True
        changes = [change for job in group for change in job.changes]
        self.breaker.allows(self._ground.clock.now_ms)  # if it is half-open, this is the probe
        error = await self._call(changes)
        if error is None:
            self.breaker.note_success()
            self._statistics.written += len(changes)
        else:
            self.last_reason = reason_of(error)
            if not isinstance(error, LoadError):
                self.breaker.note_failure(self._ground.clock.now_ms)
            if len(group) > 1 and not isinstance(error, TimeoutError):
                self._statistics.retried += len(changes)
                return False
        for job in group:
            if job.is_over:
                self._forget(job)
            else:
                self._end(job, WRITTEN if error is None else self._verdict(job, error))
        return True

    def _verdict(self, job: Job, error: Exception) -> Verdict:
        if isinstance(error, TimeoutError):
            self._statistics.timed_out += 1
            return Verdict(ErrorReply("WRITETIMEOUT", self.last_reason), is_known=False)
        self._statistics.failed += 1
        is_known = job.is_alone and len(job.changes) == 1
        return Verdict(ErrorReply("WRITEFAILED", self.last_reason), is_known)

    def _give_up(self, job: Job, reason: str) -> None:
        """Answer a command, of whose changes it is known at most that no call was made with them."""
        if job.has_begun:
            self._statistics.timed_out += 1
            error = ErrorReply("WRITETIMEOUT", f"{reason}; nobody knows whether it will be")
        else:
            self._statistics.failed += 1
            error = ErrorReply("WRITEFAILED", reason)
        self._end(job, Verdict(error, is_known=not job.has_begun))

    def _forget(self, job: Job) -> None:
        """Let keys be loaded anew that were written, or not, when nobody waited for it any more."""
        for change in job.changes:
            self._flights.overtake(change.key)
            entry = self._flights.store.db.find(change.key)
            if entry is not None and not self._flights.is_pending(change.key):
                self._flights.store.db.evict(entry)  # nobody has deleted it

    def _end(self, job: Job, verdict: Verdict) -> None:
        job.is_over = True
        job.done(verdict)
