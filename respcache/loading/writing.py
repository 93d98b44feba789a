"""One loader that writes: changes that clients wait for (``through.py``), and changes that are written behind them (``behind.py``).

There is one call at a time. So a key's changes reach the database in their order; while a call runs, those that come are
collected for the next one. What clients wait for comes first.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import trio

from ..commands.writes import Done, KeyChange
from .behind import Behind
from .caller import Caller
from .flight import Wait
from .flights import Flights
from .ground import Ground
from .loader import Change
from .options import Options
from .through import Through
from .values import reason_of
from .write_statistics import WriteStatistics

log = logging.getLogger(__name__)

ABANDONED_AFTER: Final = 3
"""A call is given up after so many times ``timeout_ms``."""

PAUSED_S: Final = 0.1
"""How often a loader that is paused is looked at."""

START_AGAIN_S: Final = 1.0
"""After an error of ours."""


class Writer:
    """See above."""

    def __init__(
        self,
        options: Options,
        caller: Caller,
        flights: Flights,
        ground: Ground,
        now_s: Callable[[], float] = trio.current_time,
    ) -> None:
        self.options = options
        self.is_behind = options.write_mode == "behind"
        self._statistics = WriteStatistics()
        most = options.batch_size if caller.writes_in_bulk else 1
        self.through = Through(
            options,
            flights=flights,
            ground=ground,
            statistics=self._statistics,
            call=self._call,
            ring=self._ring,
            now_s=now_s,
            most=most,
        )
        self.behind = Behind(
            options,
            flights=flights,
            chance=ground.chance,
            statistics=self._statistics,
            call=self._call,
            ring=self._ring,
            now_s=now_s,
            is_mine=ground.is_mine,
            most=most,
        )
        self._caller = caller
        self._flights = flights
        self._ground = ground
        self._now_s = now_s
        self._is_rung = trio.Event()
        self._is_idle = trio.Event()
        self._is_closed = False

    # -- what commands ask -----------------------------------------------------

    @property
    def may_go_through(self) -> bool:
        """Whether there are keys whose changes must be written before they are made."""
        behind = self.behind
        return not self.is_behind or self._is_closed or behind.is_full or behind.is_leaving

    def goes_through(self, key: bytes) -> bool:
        """Say whether a change must be written before it is made."""
        if not self.is_behind or self._is_closed:
            return True
        return not self.is_pending(key) and (self.behind.is_full or self.behind.leaves(key))

    def is_pending(self, key: bytes) -> bool:
        """Say whether the database has an older value than the last one."""
        return self.behind.pendings.waits(key)

    def note(self, change: KeyChange) -> None:
        """Write a change later."""
        self.behind.note(change)

    def write(self, changes: Sequence[KeyChange], done: Done) -> None:
        """Write changes now."""
        if self.is_behind:
            self._statistics.overflowed += len(changes)
        self.through.add(changes, done)

    def put_back(self, key: bytes) -> Wait | None:
        """Let a read find the value that waits to be written, although the key is not there any more."""
        return self.behind.put_back(key)

    def statistics(self) -> WriteStatistics:
        """Return the figures as they are now."""
        figures, pendings = self._statistics, self.behind.pendings
        oldest_s = pendings.oldest_s()
        figures.pending = len(pendings)
        figures.oldest_pending_ms = 0 if oldest_s is None else round((self._now_s() - oldest_s) * 1000)
        figures.coalesced = pendings.coalesced
        return figures

    # -- its life --------------------------------------------------------------

    async def run(self) -> None:
        """Write until cancelled; whatever goes wrong within is logged, and begun anew."""
        while True:
            try:
                await self._caller.has_started.wait()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.through.watch_deadlines)
                    await self._work()
            except Exception as error:
                log.exception("writing of the loader %s failed and starts again", self.options.name)
                self._ground.set_clock()
                self.behind.put_off()
                self.through.fail_begun(reason_of(error))
            await trio.sleep(START_AGAIN_S)

    async def drain(self) -> None:
        """Write everything that waits, without waiting for more; return when that is done."""
        self.behind.hurry()
        while self.behind.pendings or self.through.is_waiting:
            self._is_idle = trio.Event()
            await self._is_idle.wait()

    def close(self) -> None:
        """Answer whoever waits, take nothing more, and say what was not written."""
        self._is_closed = True
        self._ground.set_clock()
        self.through.close()
        self.behind.close()

    # -- the task ----------------------------------------------------------------

    def _ring(self) -> None:
        self._is_rung.set()

    async def _work(self) -> None:
        while True:
            self._is_rung = trio.Event()
            if self.through.is_waiting:
                await self.through.write_some()
                continue
            is_paused = self._flights.is_paused and not self.behind.is_draining
            if not is_paused and await self.behind.write_some():
                continue
            if not self.behind.pendings:
                self._is_idle.set()
            look_s = self.behind.next_look_s()
            with trio.move_on_at(max(look_s, self._now_s() + PAUSED_S) if is_paused else look_s):
                await self._is_rung.wait()

    async def _call(self, changes: Sequence[Change]) -> Exception | None:
        """Call the loader; return what it raises, or TimeoutError for a call that was given up."""
        self._statistics.calls += 1
        error: Exception | None = None
        with trio.move_on_after(ABANDONED_AFTER * self.options.timeout_ms / 1000) as scope:
            try:
                await self._caller.write(changes)
            except Exception as raised:  # the loader's code: it may raise anything
                error = raised
        if scope.cancelled_caught:
            self._statistics.abandoned += 1
            error = TimeoutError("the loader does not answer")
        self._ground.set_clock()
        return error
