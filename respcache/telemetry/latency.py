"""Latency spikes by event, as LATENCY LATEST, HISTORY and RESET show them.

An event is a place in the server where time can go: ``command``,
``fast-command``, ``expire-cycle``, ``eviction-cycle``, ``loop-lag``. Whoever
runs it measures it and records it here; only what reaches the threshold is
kept, one sample per second and event, the worst of that second.
"""

from collections import deque
from typing import Final, NamedTuple

import msgspec

MOST_SAMPLES: Final = 160
"""Samples kept per event, as in Redis: enough for a graph, a few KB at most."""


class Sample(NamedTuple):
    """The worst spike of one second."""

    unix_time_s: int
    latency_ms: int


class LatestSpike(msgspec.Struct, frozen=True):
    """One row of LATENCY LATEST: the newest spike of an event and the worst ever."""

    event: str
    unix_time_s: int
    latency_ms: int
    worst_ms: int


class _Series:
    __slots__ = ("samples", "worst_ms")

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self.worst_ms = 0

    def add(self, sample: Sample) -> None:
        self.worst_ms = max(self.worst_ms, sample.latency_ms)
        if self.samples and self.samples[-1].unix_time_s == sample.unix_time_s:
            # One sample a second: else a bad second would push the bad hour out of the window.
            self.samples[-1] = max(self.samples[-1], sample)
        else:
            self.samples.append(sample)


class LatencyMonitor:
    """Spikes of at least ``threshold_ms``; 0 switches the monitor off, as in Redis.

    Its memory is bounded because events are names in our own sources, not data from clients.
    """

    def __init__(self, threshold_ms: int = 0) -> None:
        self.threshold_ms = threshold_ms
        self._series: dict[str, _Series] = {}

    def is_spike(self, latency_ms: int) -> bool:
        """Say whether a latency is worth recording; callers may ask before they make up an event."""
        return 0 < self.threshold_ms <= latency_ms

    def record(self, event: str, latency_ms: int, unix_time_s: int) -> None:
        """Note how long ``event`` took, if it was long enough."""
        if self.is_spike(latency_ms):
            self._series.setdefault(event, _Series()).add(Sample(unix_time_s, latency_ms))

    def latest(self) -> list[LatestSpike]:
        """Return the newest spike of each event."""
        return [
            LatestSpike(event, *series.samples[-1], series.worst_ms) for event, series in self._series.items()
        ]

    def history(self, event: str) -> list[Sample]:
        """Return the samples of an event, oldest first; nothing for an event without spikes."""
        series = self._series.get(event)
        return list(series.samples) if series else []

    def reset(self, *events: str) -> int:
        """Forget these events, or all of them; return how many had spikes."""
        forgotten = [event for event in events or tuple(self._series) if self._series.pop(event, None)]
        return len(forgotten)
