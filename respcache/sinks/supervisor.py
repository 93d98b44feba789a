"""Keeps the workers of all queued sinks alive, and lets them finish at shutdown.

    supervisor = Supervisor(bus, sinks, chance, report)     # the sinks are told of events from now on
    supervisor.start(nursery)
    ...
    await supervisor.drain(timeout_s=2)                     # after the last event

A worker that ends with an error is started again after a pause that grows with
each failure in a row. At shutdown nobody pauses: what is left gets one try. Nothing
that a sink does reaches the nursery.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import trio

from respcache.backoff import Backoff
from respcache.events.bus import Bus

from .queued import QueuedSink
from .statistics import SinkStatistics

FIRST_PAUSE_S: Final = 0.1
"""Long enough that a sink failing for every batch costs nothing worth mentioning."""

LONGEST_PAUSE_S: Final = 30.0
"""Short enough that a disk or a receiver that is back is soon noticed by a person who watches."""

Report: TypeAlias = Callable[[str, BaseException], None]
"""Told of a sink's name and the error that ended its worker; must not raise."""


class Supervisor:
    """Owner of the sinks' workers, from ``start`` to ``drain``."""

    def __init__(self, bus: Bus, sinks: Sequence[QueuedSink], chance: random.Random, report: Report) -> None:
        self._bus = bus
        self._sinks = sinks
        self._chance = chance
        self._report = report
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._ended.set()
        for sink in sinks:
            bus.subscribe(sink, sink.settings.kinds, sink.settings.value_limit_bytes)

    def start(self, nursery: trio.Nursery) -> None:
        """Start a worker for each sink; they live until ``drain``, or until the nursery is cancelled."""
        self._ended = trio.Event()
        nursery.start_soon(self._run)

    async def drain(self, timeout_s: float) -> None:
        """Take no more events, wait until those taken are written, and stop the workers, in this time at most."""
        for sink in self._sinks:
            self._bus.unsubscribe(sink)
            sink.finish()
        with trio.move_on_after(timeout_s):
            await self._ended.wait()
        self._scope.cancel()
        await self._ended.wait()
        for sink in self._sinks:
            sink.give_up()

    def statistics(self) -> Mapping[str, SinkStatistics]:
        """Return the counts of each sink by its name."""
        return {sink.name: sink.statistics() for sink in self._sinks}

    async def _run(self) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as workers:
                    for sink in self._sinks:
                        workers.start_soon(self._keep_running, sink)
        finally:
            self._ended.set()

    async def _keep_running(self, sink: QueuedSink) -> None:
        try:
            await self._run_until_finished(sink)
        finally:
            await self._close(sink)

    async def _run_until_finished(self, sink: QueuedSink) -> None:
        backoff = Backoff(self._chance, FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while not sink.is_finished:
            delivered_before = sink.statistics().delivered
            try:
                await sink.run()
            except Exception as error:  # whatever a sink does wrong, the cache and the other sinks go on
                self._report(sink.name, error)
                if sink.statistics().delivered > delivered_before:
                    backoff.reset()
                with trio.move_on_after(backoff.next_pause_s()):
                    await sink.wait_finishing()

    async def _close(self, sink: QueuedSink) -> None:
        try:
            await sink.outlet.close()
        except Exception as error:  # as above
            self._report(sink.name, error)
