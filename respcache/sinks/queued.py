"""A sink whose work takes time: a backlog that the bus fills, and a worker that empties it.

``deliver`` is all that the publisher ever waits for: it appends to a bounded queue
and, at most, wakes the worker. The worker takes batches and hands them to an
``Outlet``, which does what the sink is for. A batch whose writing raises is given
up and counted; ``run`` ends with the error, and the supervisor starts it anew after
a pause, while the backlog goes on collecting. Wherever events were lost,
the stream that the outlet sees tells so: a ``Dropped`` with their number.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import trio

from respcache.events.backlog import Backlog
from respcache.events.record import Event
from respcache.events.vocabulary import Dropped

from .settings import SinkSettings
from .statistics import SinkStatistics


class Outlet(Protocol):
    """Where a sink's events go in the end. Only the worker calls it, one call at a time."""

    async def write(self, events: Sequence[Event]) -> None:
        """Pass on a batch; whatever is raised gives the batch up. Cancellation must not wait for a thread."""

    async def close(self) -> None:
        """Let go of files and connections. Called once, after the last ``write``."""

    def reopen(self) -> None:
        """Open files anew before the next ``write``, because a log rotation has moved them."""


class QueuedSink:
    """The part that all slow sinks share."""

    def __init__(
        self, settings: SinkSettings, outlet: Outlet, *, most_per_batch: int = 1000, linger_s: float = 0.0
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.outlet = outlet
        self._backlog = Backlog[Event](settings.queue_length)
        self._most_per_batch = min(most_per_batch, settings.queue_length)
        self._linger_s = linger_s
        self._delivered = 0
        self._failed = 0
        self._unannounced = 0
        self._finishing = trio.Event()
        # The worker waits until this many events are there; nothing wakes it while it works.
        self._awaited_count = math.inf
        self._awaited = trio.Event()

    def __repr__(self) -> str:
        return f"<QueuedSink {self.name}: {self.statistics()}>"

    def deliver(self, event: Event) -> None:
        """Note an event for the worker; never blocks, and costs the same however slow the outlet is."""
        self._backlog.offer(event)
        if len(self._backlog) >= self._awaited_count:
            self._awaited.set()

    def statistics(self) -> SinkStatistics:
        return SinkStatistics(self._delivered, self._backlog.dropped, self._failed, len(self._backlog))

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do, and nothing will come."""
        return self._finishing.is_set() and not len(self._backlog)

    def finish(self) -> None:
        """Let the worker end as soon as the backlog is empty, without lingering."""
        self._finishing.set()
        self._awaited.set()

    async def wait_finishing(self) -> None:
        """Wait until ``finish`` is called."""
        await self._finishing.wait()

    def reopen(self) -> None:
        """Pass on that files may have been moved."""
        self.outlet.reopen()

    def give_up(self) -> None:
        """Drop what is left, when there is no time to write it."""
        self._backlog.clear()

    async def run(self) -> None:
        """Write batches until ``finish`` was called and all is written; raises what the outlet raises."""
        while True:
            await self._wait_for_events(1)
            if self.is_finished:
                return
            with trio.move_on_after(self._linger_s):
                await self._wait_for_events(self._most_per_batch)
            await self._write_batch()

    async def _wait_for_events(self, count: int) -> None:
        while len(self._backlog) < count and not self._finishing.is_set():
            self._awaited_count, self._awaited = count, trio.Event()
            try:
                await self._awaited.wait()
            finally:
                self._awaited_count = math.inf

    async def _write_batch(self) -> None:
        lost, events = self._backlog.take(self._most_per_batch)
        self._unannounced += lost
        batch = events
        if self._unannounced:
            batch = [Dropped(events[0].at_ms, events[0].node, self.name, self._unannounced), *events]
        try:
            await self.outlet.write(batch)
        except BaseException:
            self._failed += len(events)
            self._unannounced += len(events)
            raise
        self._delivered += len(events)
        self._unannounced = 0
