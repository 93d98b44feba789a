"""One loader at work: collects keys into batches, calls the loader, tries again, and gives up in time."""

import logging
from typing import Final

import trio

from .caller import Caller
from .flight import Flight, Stage
from .flights import Flights
from .ground import Ground
from .loader import Loader, LoadError
from .options import Options
from .values import Outcome, Plain, WrongAnswerError, reason_of

log = logging.getLogger(__name__)

ABANDONED_AFTER: Final = 3
"""A call is given up after so many times ``timeout_ms``: until then, what it brings is kept."""

KEYS_PER_TURN: Final = 256
"""Results stored before other tasks have their turn, about a millisecond's worth."""

START_AGAIN_S: Final = 1.0
"""After ``start()`` has failed, or after an error of ours."""

LONGEST_PAUSE_S: Final = 30.0

GIVEN_UP: Final = LoadError("the loader does not answer")


class Source:
    """A loader, its settings and its keys."""

    def __init__(self, loader: Loader, options: Options, ground: Ground) -> None:
        self.options = options
        self.flights = Flights(options, ground, trio.current_time)
        self.flights.wants_call = self._ring
        self.caller = Caller(loader, options)
        self.running = 0
        """How many calls run."""
        self.overdue = 0
        """How many of them have taken longer than they may."""
        self._ground = ground
        self._is_rung = trio.Event()
        self._has_waits = trio.Event()
        self._free = trio.Semaphore(options.max_concurrent_batches)

    # -- its life ------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled; whatever goes wrong is logged, fails the keys, and is begun anew."""
        while True:
            try:
                await self.caller.start()
                await self._work()
            except Exception as error:
                log.exception("the loader %s failed and starts again", self.options.name)
                self._ground.set_clock()
                self.flights.fail_all(reason_of(error))
            await trio.sleep(START_AGAIN_S)

    async def close(self) -> None:
        """Answer whoever waits, and let the loader close what it has opened."""
        self._ground.set_clock()
        self.flights.fail_all("the server is shutting down")
        try:
            await self.caller.close()
        except Exception:
            log.exception("the loader %s could not be closed", self.options.name)

    async def _work(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_waits)
            while True:
                await self._is_rung.wait()
                await self._collect()
                await self._free.acquire()
                if not await self._may_call():
                    self._free.release()
                    continue
                batch = self.flights.take_batch()
                if not self.flights.queue:
                    self._is_rung = trio.Event()
                if batch:
                    nursery.start_soon(self._fetch, batch)
                else:
                    self._free.release()

    def _ring(self) -> None:
        self._is_rung.set()
        if self.flights.waits:
            self._has_waits.set()

    async def _collect(self) -> None:
        """Give others the time to join the first key of a batch, unless it is full."""
        if len(self.flights.queue) < self.options.batch_size:
            await trio.sleep(self.options.batch_window_ms / 1000)

    async def _may_call(self) -> bool:
        """Ask the breaker; keys that may not be fetched fail, or wait for the call that tries whether things work again."""
        self._ground.set_clock()
        now_ms = self._ground.clock.now_ms
        breaker = self.flights.breaker
        if not self.flights.is_paused and breaker.allows(now_ms):
            return True
        self._is_rung = trio.Event()
        if self.flights.is_paused or breaker.state(now_ms) == "open":
            self._refuse_queued()
        else:
            with trio.move_on_after(self.options.circuit_reset_ms / 1000):
                await self._is_rung.wait()
            self._is_rung.set()
        return False

    def _refuse_queued(self) -> None:
        reason = "the loader is paused" if self.flights.is_paused else self.flights.last_reason
        for flight in list(self.flights.by_key.values()):
            if flight.stage is not Stage.CALLED:
                flight.reason = reason
                self.flights.fail(flight)

    # -- a call ----------------------------------------------------------------

    async def _fetch(self, batch: list[Flight]) -> None:
        """Call the loader for a batch, and take what it brings."""
        flights = self.flights
        flights.statistics.calls += 1
        self.running += 1
        try:
            olds = flights.olds(batch)
            outcomes = await self._call([flight.key for flight in batch], olds)
        finally:
            self.running -= 1
            self._free.release()
        flights.last_reason = str(outcomes) if isinstance(outcomes, LoadError) else flights.last_reason
        for at, flight in enumerate(batch, 1):
            if flights.by_key.get(flight.key) is flight:  # else: given up in the meantime
                outcome = outcomes if isinstance(outcomes, LoadError) else outcomes[flight.key]
                flights.arrive(flight, outcome, olds.get(flight.key))
            if at % KEYS_PER_TURN == 0:
                await trio.lowlevel.checkpoint()
                self._ground.set_clock()
        if flights.breaker.state(self._ground.clock.now_ms) == "open":
            self._refuse_queued()
        self._ring()
        await self._try_again([one for one in batch if one.stage is Stage.RESTING])

    async def _try_again(self, batch: list[Flight]) -> None:
        """Put keys that have failed back into the queue, after a pause."""
        if not batch:
            return
        tries = max(flight.tries for flight in batch)
        pause_s = min(self.options.retry_pause_ms / 1000 * 2 ** (tries - 1), LONGEST_PAUSE_S)
        await trio.sleep(pause_s * (1 + self._ground.chance.random()))
        for flight in batch:
            if self.flights.by_key.get(flight.key) is flight and flight.stage is Stage.RESTING:
                self.flights.enqueue(flight)

    async def _call(self, keys: list[bytes], olds: dict[bytes, Plain]) -> dict[bytes, Outcome] | LoadError:
        """Call the loader, note what that says of its health, and return its error for all keys if it raises."""
        breaker = self.flights.breaker
        timeout_s = self.options.timeout_ms / 1000
        is_overdue = False

        async def watch() -> None:
            nonlocal is_overdue
            await trio.sleep(timeout_s)
            is_overdue = True
            self._note_overdue(1)
            self.flights.statistics.overdue += 1
            self._ground.set_clock()
            breaker.note_failure(self._ground.clock.now_ms)

        result: dict[bytes, Outcome] | LoadError = GIVEN_UP
        with trio.move_on_after(ABANDONED_AFTER * timeout_s):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                try:
                    result = await self.caller.load(keys, olds)
                except Exception as error:  # whatever the loader raises fails its keys, and nothing else
                    result = (
                        WrongAnswerError(str(error))
                        if isinstance(error, WrongAnswerError)
                        else LoadError(reason_of(error))
                    )
                nursery.cancel_scope.cancel()
        self._ground.set_clock()
        self.flights.statistics.abandoned += result is GIVEN_UP
        if is_overdue:
            self._note_overdue(-1)
        if not isinstance(result, LoadError):
            breaker.note_success()
        elif not is_overdue:
            breaker.note_failure(self._ground.clock.now_ms)
        return result

    def _note_overdue(self, more: int) -> None:
        self.overdue += more
        self.flights.is_stuck = self.overdue >= self.options.max_concurrent_batches

    # -- those who wait --------------------------------------------------------

    async def _watch_waits(self) -> None:
        """Answer those who have waited too long."""
        waits = self.flights.waits
        while True:
            if not waits:
                self._has_waits = trio.Event()
                await self._has_waits.wait()
                continue
            await trio.sleep_until(waits[0].until_s)
            self._ground.set_clock()
            now_s = trio.current_time()
            while waits and (waits[0].is_over or waits[0].until_s <= now_s):
                wait = waits.popleft()
                if not wait.is_over:
                    self.flights.time_out(wait)
