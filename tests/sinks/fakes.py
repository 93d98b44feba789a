"""Small stand-ins that several tests of sinks share."""

import random
from collections.abc import Sequence

import trio

from respcache.events.bus import Bus, Sink
from respcache.events.record import Event
from respcache.events.vocabulary import Flushed
from respcache.sinks.queued import QueuedSink
from respcache.sinks.settings import SinkSettings


def flushed(number: int) -> Flushed:
    """Return an event that can be told from others."""
    return Flushed(1000 + number, "alpha", number)


def raise_again(sink: Sink, error: BaseException, failures: int) -> None:
    raise error


def strict_bus() -> Bus:
    """Return a bus that hides no sink's error from a test."""
    return Bus(raise_again)


class Recorder:
    """An outlet that keeps everything; it fails, or stalls, for as long as it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.errors: list[Exception] = []
        self.gate = trio.Event()
        self.gate.set()
        self.closings = 0
        self.reopenings = 0

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]

    def stall(self) -> None:
        self.gate = trio.Event()

    async def write(self, events: Sequence[Event]) -> None:
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(list(events))

    def reopen(self) -> None:
        self.reopenings += 1

    async def close(self) -> None:
        self.closings += 1


class Steady(random.Random):
    """Chance without chance: always the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return b


def queued(
    outlet: Recorder, *, queue_length: int = 100, most_per_batch: int = 10, linger_s: float = 0
) -> QueuedSink:
    settings = SinkSettings(name="recorder", queue_length=queue_length)
    return QueuedSink(settings, outlet, most_per_batch=most_per_batch, linger_s=linger_s)
