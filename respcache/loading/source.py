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
from .retry import retry_pause_s
from .values import Outcome, Plain, WrongAnswerError, reason_of
from .writing import Writer

log = logging.getLogger(__name__)

ABANDONED_AFTER: Final = 3
"""A call is given up after so many times ``timeout_ms``: until then, what it brings is kept."""

KEYS_PER_TURN: Final = 256
"""Results stored before other tasks have their turn, about a millisecond's worth."""

START_AGAIN_S: Final = 0.5
"""After ``start()`` has failed, or after an error of ours."""

GIVEN_UP: Final = LoadError("the loader does not answer")


class Source:
    """A loader, its settings and its keys."""

    def __init__(self, loader: Loader, options: Options, ground: Ground) -> None:
        self.options = options
        self.flights = Flights(options, ground, trio.current_time)
        self.flights.wants_call = self._ring
        self.flights.hangs = self._hangs
        self.caller = Caller(loader, options)
        self.writer: Writer | None = None
        """Who writes what clients change, if anybody shall."""
        if options.write_mode != "none":
            self.writer = Writer(options, self.caller, self.flights, ground)
            self.flights.is_pending = self.writer.is_pending
        self.running = 0
        """How many calls run."""
        self.overdue = 0
        """How many of them have taken longer than they may."""
        self._ground = ground
        self._is_started = False
        self._is_rung = trio.Event()
        self._has_waits = trio.Event()
        self._free = trio.Semaphore(options.max_concurrent_batches)

    # -- its life ------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled; whatever goes wrong is logged, fails the keys, and is begun anew."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_waits)  # all the time: a start may hang, too
            while True:
                try:
                    if not self._is_started:
                        await self.caller.start()
                        self._is_started = True
                    await self._work()
                except Exception as error:
                    log.exception("the loader %s failed and starts again", self.options.name)
                    self._ground.set_clock()
                    self.flights.breaker.note_failure(self._ground.clock.now_ms)
                    self.flights.fail_all(reason_of(error))
                await trio.sleep(START_AGAIN_S)

    def stop(self) -> None:
        """Answer whoever waits, and take no more keys."""
        self._ground.set_clock()
        self.flights.is_closed = True
        self.flights.fail_all("the server is shutting down")

    async def close(self) -> None:
        """Let the loader close what it has opened."""
        if not self._is_started:
            return
        try:
            await self.caller.close()
        except Exception:
            log.exception("the loader %s could not be closed", self.options.name)

    async def _work(self) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                await self._is_rung.wait()
                await self._collect()
                await self._free.acquire()
                batch: list[Flight] = []
                try:
                    if await self._may_call():
                        batch = self.flights.take_batch()
                finally:
                    if not batch:
                        self._free.release()
                if batch:
                    nursery.start_soon(self._fetch, batch)

    def _ring(self) -> None:
        self._is_rung.set()
        if self.flights.waits:
            self._has_waits.set()

    async def _collect(self) -> None:
        """Give others the time to join the first key of a batch, unless it is full."""
        if len(self.flights.queue) < self.options.batch_size:
            await trio.sleep(self.options.batch_window_ms / 1000)

    async def _may_call(self) -> bool:
        """Say whether there is something to call for, and the breaker allows it.

        Where it does not, keys fail, or wait for the call that tries whether things work again.
        """
        self._ground.set_clock()
        now_ms = self._ground.clock.now_ms
        flights = self.flights
        if not flights.is_paused:
            if not flights.has_queued():
                self._is_rung = trio.Event()
                return False
            if flights.breaker.allows(now_ms):
                return True
        self._is_rung = trio.Event()
        if flights.is_paused or flights.breaker.state(now_ms) == "open":
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

    def _hangs(self) -> bool:
        stuck = self.overdue + self.caller.abandoned
        return stuck >= self.options.max_concurrent_batches

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
        await trio.sleep(retry_pause_s(tries, self.options.retry_pause_ms, self._ground.chance))
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
            self.overdue += 1
            self.flights.statistics.overdue += 1
            self.flights.last_reason = f"no answer within {self.options.timeout_ms} ms"
            self._ground.set_clock()
            breaker.note_failure(self._ground.clock.now_ms)

        result: dict[bytes, Outcome] | LoadError = GIVEN_UP
        try:
            with trio.move_on_after(ABANDONED_AFTER * timeout_s):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(watch)
                    try:
                        result = await self.caller.load(keys, olds, self._ground.clock.now_ms)
                    except Exception as error:  # whatever the loader raises fails its keys, and nothing else
                        is_final = isinstance(error, WrongAnswerError)
                        result = (WrongAnswerError if is_final else LoadError)(reason_of(error))
                    nursery.cancel_scope.cancel()
        finally:
            self.overdue -= is_overdue
        self._ground.set_clock()
        self.flights.statistics.abandoned += result is GIVEN_UP
        if not isinstance(result, LoadError):
            breaker.note_success()
        elif not is_overdue:
            breaker.note_failure(self._ground.clock.now_ms)
        return result

    # -- those who wait --------------------------------------------------------

    async def _watch_waits(self) -> None:
        """Answer those who have waited too long."""
        waits = self.flights.waits
        while True:
            if not waits:
                self._has_waits = trio.Event()
                await self._has_waits.wait()
                continue
            first = next(iter(waits.values()))
            await trio.sleep_until(first.until_s)
            self._ground.set_clock()
            now_s = trio.current_time()
            while waits and (first := next(iter(waits.values()))).until_s <= now_s:
                self.flights.time_out(first)
