"""What the server does by the clock: expiry, rates, limits, and measuring its own lateness.

One task ticks every ``TICK_MS``. How late a tick comes is how late everything
else comes: that is the loop's lag, shown in INFO and, above the latency
monitor's threshold, recorded there.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import trio

from ..commands.node import Node
from ..telemetry.statistics import SAMPLE_PERIOD_MS

log = logging.getLogger(__name__)

TICK_MS: Final = 25
"""Expiry may be late by this, by the finest bucket (16 ms) and by the loop's lag: 100 ms are promised."""

EXPIRED_PER_TURN: Final = 500
"""Expiring a key takes 1 to 2 us, more with listeners: a turn stays near a millisecond."""

LAG_WINDOW_TICKS: Final = 60_000 // TICK_MS
"""The worst lag is told of the last minute."""


class LoopLag:
    """How late the event loop was, in milliseconds."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=LAG_WINDOW_TICKS)

    def record(self, lag_ms: float) -> None:
        self._samples.append(lag_ms)

    def last_and_worst_ms(self) -> tuple[float, float]:
        """Return the last measured lag, and the worst of the last minute."""
        return (self._samples[-1], max(self._samples)) if self._samples else (0.0, 0.0)


class Housekeeping:
    """The task, and the switches that commands have on it."""

    def __init__(self, node: Node, set_clock: Callable[[], None], lag: LoopLag) -> None:
        self._node = node
        self._set_clock = set_clock
        self._lag = lag
        self.expires = True
        """DEBUG SET-ACTIVE-EXPIRE."""
        self.every_sample: list[Callable[[int], None]] = []
        """Called with the time in Unix ms every 100 ms: limits of clients, the end of a pause."""

    async def run(self) -> None:
        """Tick until cancelled."""
        ticks_per_sample = SAMPLE_PERIOD_MS // TICK_MS
        due = trio.current_time()
        tick = 0
        while True:
            due += TICK_MS / 1000
            await trio.sleep_until(due)
            late_s = trio.current_time() - due
            if late_s > 1:
                due = trio.current_time()  # after a stop (SIGSTOP, sleep) do not make up for every tick
            self._note_lag(late_s * 1000)
            self._set_clock()
            if self.expires:
                await self._sweep()
            if self._node.tracking.has_pending:  # of changes that no client's command made
                self._node.tracking.flush()
            self._node.waits.tick(self._node.clock.now_ms)
            tick += 1
            if tick % ticks_per_sample == 0:
                self._sample()

    def _note_lag(self, lag_ms: float) -> None:
        self._lag.record(lag_ms)
        if self._node.latency.is_spike(int(lag_ms)):
            self._node.latency.record("loop-lag", int(lag_ms), self._node.clock.now_ms // 1000)

    async def _sweep(self) -> None:
        """Expire what is due, a bounded number of keys at a time."""
        keyspace = self._node.keyspace
        while (due_ms := keyspace.next_due_ms()) is not None and due_ms <= self._node.clock.now_ms:
            before = trio.current_time()
            keyspace.sweep(EXPIRED_PER_TURN)
            self._node.latency.record(
                "expire-cycle", int((trio.current_time() - before) * 1000), self._node.clock.now_ms // 1000
            )
            await trio.lowlevel.checkpoint()
            self._set_clock()

    def _sample(self) -> None:
        now_ms = self._node.clock.now_ms
        self._node.statistics.sample(now_ms)
        self._node.keyspace.note_peak()
        for call in self.every_sample:
            try:
                call(now_ms)
            except Exception:
                log.exception("internal error in housekeeping")  # the next tick must come all the same
