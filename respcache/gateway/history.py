"""The last hour of a node in figures, for charts: a sample every five seconds, and every second of the last two minutes.

A sample tells of the time since the one before it, so that what is shown does not depend on who looks, or how often. Both rings are
bounded; together they take some 300 KB.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ..commands.node import Node
from ..telemetry.histogram import SLOTS, percentile_microseconds
from .describing import ANYTHING, answers, query, thing
from .messages import HttpError, Request, Steps, json_response
from .routing import Routes

SECOND_MS: Final = 1000

FINE_SAMPLES: Final = 120
"""Seconds: what moves while one looks."""

COARSE_MS: Final = 5000

COARSE_SAMPLES: Final = 3_600_000 // COARSE_MS

TOLD: Final = {
    "parameters": [
        query("step", "Seconds: 1 or 5", {"type": "integer", "enum": [1, 5]}),
        query("since", "A Unix time in ms: only what came later", {"type": "integer", "minimum": 0}),
    ],
    "responses": answers(s200=("Columns", thing(step_ms={"type": "integer"}, samples=ANYTHING))),
}


class Sample(msgspec.Struct, frozen=True):
    """What happened until ``at_ms``, since the sample before; rates are per second."""

    at_ms: int
    """Unix time."""
    operations: float
    hits: float
    misses: float
    p50_us: float
    """Of the time that commands took, half were below this; 0 where there were none."""
    p99_us: float
    evicted: float
    expired: float
    input_bytes: float
    output_bytes: float
    memory_bytes: int
    """Keys and values, as ``maxmemory`` counts them."""
    resident_bytes: int
    keys: int
    clients: int
    owners_awake: int
    loop_lag_ms: float
    """The longest of the last minute."""


RATES: Final = ("operations", "hits", "misses", "evicted", "expired", "input_bytes", "output_bytes")


class _Mark(msgspec.Struct, frozen=True):
    """Where the counters stood."""

    at_ms: int
    counters: Sequence[int]
    """In the order of ``RATES``."""
    calls: Sequence[int]
    """How many commands took how long: see ``telemetry/histogram.py``."""


class History:
    """Both rings. ``note`` is for housekeeping."""

    def __init__(self, node: Node) -> None:
        self.fine: deque[Sample] = deque(maxlen=FINE_SAMPLES)
        self.coarse: deque[Sample] = deque(maxlen=COARSE_SAMPLES)
        self._node = node
        self._fine_mark = self._coarse_mark = self._mark(node.clock.now_ms)

    def note(self, now_ms: int) -> None:
        """Take the samples that are due."""
        if now_ms - self._fine_mark.at_ms < SECOND_MS:
            return
        mark = self._mark(now_ms)
        self.fine.append(self._sample(self._fine_mark, mark))
        self._fine_mark = mark
        if now_ms - self._coarse_mark.at_ms >= COARSE_MS:
            self.coarse.append(self._sample(self._coarse_mark, mark))
            self._coarse_mark = mark

    def _mark(self, now_ms: int) -> _Mark:
        counts = self._node.statistics
        counters = (
            counts.total_commands_processed,
            counts.keyspace_hits,
            counts.keyspace_misses,
            counts.evicted_keys,
            counts.expired_keys,
            counts.total_net_input_bytes,
            counts.total_net_output_bytes,
        )
        used = [list(one.counts) for one in self._node.command_statistics.values() if one.calls]
        calls = [sum(column) for column in zip(*used, strict=True)] or [0] * SLOTS
        return _Mark(now_ms, counters, calls)

    def _sample(self, old: _Mark, new: _Mark) -> Sample:
        seconds = max(new.at_ms - old.at_ms, 1) / 1000
        # CONFIG RESETSTAT sets counters back: what is less than before has been counted since.
        rates = {
            name: round((now - before if now >= before else now) / seconds, 2)
            for name, before, now in zip(RATES, old.counters, new.counters, strict=True)
        }
        calls = [max(now - before, 0) for before, now in zip(old.calls, new.calls, strict=True)]
        node = self._node
        return Sample(
            at_ms=new.at_ms,
            p50_us=round(percentile_microseconds(calls, 50.0), 2),
            p99_us=round(percentile_microseconds(calls, 99.0), 2),
            memory_bytes=node.keyspace.used_bytes,
            resident_bytes=node.host.resident_bytes(),
            keys=sum(map(len, node.keyspace.databases)),
            clients=len(node.clients),
            owners_awake=len(node.owners.awake),
            loop_lag_ms=round(node.host.loop_lag_ms()[1], 2),
            **rates,
        )


def columns(samples: Iterable[Sample]) -> dict[str, list[Any]]:  # Any: numbers
    """Return samples by field: what charts take."""
    chosen = list(samples)
    return {name: [getattr(one, name) for one in chosen] for name in Sample.__struct_fields__}


def history_routes(history: History) -> Routes:
    """Return the route of the samples."""
    routes = Routes()

    @routes.add("GET", "/v1/history", TOLD)
    def get_history(request: Request) -> Steps:
        """Return the last hour in steps of five seconds, or the last two minutes in steps of one."""
        step, since = request.query.get("step", "5"), request.query.get("since", "0")
        if step not in ("1", "5") or not since.isdecimal() or len(since) > 15:
            raise HttpError(400, "step is 1 or 5, and since a Unix time in milliseconds.")
        ring = history.fine if step == "1" else history.coarse
        found = columns(one for one in ring if one.at_ms > int(since))
        return json_response({"scope": "node", "step_ms": int(step) * 1000, "samples": found})
        yield  # a handler is a generator

    return routes
