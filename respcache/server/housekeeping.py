"""What the server does by the clock: expiry, rates, limits, and measuring its own lateness.

One task ticks every ``TICK_MS``, and only once per sample while there is nothing to do: no commands, no key that is about to
die, nobody who waits. Waking up is what an idle server costs. It is told of the first command that comes, so nothing
is later for it.

How late a tick comes is how late everything else comes: that is the loop's lag, shown in INFO and, above the latency
monitor's threshold, recorded there. What stands still for less than the time between two ticks may be seen in part,
or not at all: that is ``TICK_MS`` while there are commands, and ``SAMPLE_PERIOD_MS`` while there are none.
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

TICKS_PER_SAMPLE: Final = SAMPLE_PERIOD_MS // TICK_MS

EXPIRED_PER_TURN: Final = 500
"""Expiring a key takes 1 to 2 us, more with listeners: a turn stays near a millisecond."""

LAG_WINDOW_S: Final = 60
"""The worst lag is told of the last minute."""


class LoopLag:
    """How late the event loop was, in milliseconds."""

    def __init__(self) -> None:
        self.last_ms = 0.0
        """Of the last tick."""
        self._worst: deque[tuple[int, float]] = deque()
        """Of each second, the last one last."""

    def record(self, lag_ms: float, now_s: float) -> None:
        """Note how late a tick was; ``now_s`` is of a clock that does not go back."""
        self.last_ms = lag_ms
        second, worst = int(now_s), self._worst
        if not worst or worst[-1][0] != second:
            worst.append((second, lag_ms))
        elif worst[-1][1] < lag_ms:
            worst[-1] = second, lag_ms
        while worst[0][0] <= second - LAG_WINDOW_S:
            worst.popleft()

    def last_and_worst_ms(self) -> tuple[float, float]:
        """Return the last measured lag, and the worst of the last minute."""
        return self.last_ms, max((lag_ms for _, lag_ms in self._worst), default=0.0)


class Housekeeping:
    """The task, and the switches that commands have on it."""

    def __init__(self, node: Node, set_clock: Callable[[], None], lag: LoopLag) -> None:
        self._node = node
        self._set_clock = set_clock
        self._lag = lag
        self._tick = 0
        """Counts units of ``TICK_MS``."""
        self._commands = 0
        """How many there had been at the last tick."""
        self.watch: Callable[[Callable[[], None] | None], None] | None = None
        """Sets what is called whenever something may have come in, or nothing; until it is there, no tick is left out."""
        self.expires = True
        """DEBUG SET-ACTIVE-EXPIRE."""
        self.every_sample: list[Callable[[int], None]] = []
        """Called with the time in Unix ms every 100 ms: limits of clients, the end of a pause."""

    async def run(self) -> None:
        """Tick until cancelled."""
        due = trio.current_time()
        while True:
            due = await self._wait_tick(due)
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
            if self._tick % TICKS_PER_SAMPLE == 0:
                self._sample()

    async def _wait_tick(self, due: float) -> float:
        """Sleep until the next tick, or over some; return when the one that we woke for was due."""
        tick_s = TICK_MS / 1000
        units = 1
        if self.watch is not None and self._tick % TICKS_PER_SAMPLE == 0 and self._is_idle():
            await self._wait_work(self.watch, due + TICKS_PER_SAMPLE * tick_s)
            units = min(int((trio.current_time() - due) / tick_s) + 1, TICKS_PER_SAMPLE)
        self._tick += units
        due += units * tick_s
        if units < TICKS_PER_SAMPLE or trio.current_time() < due:
            await trio.sleep_until(due)
        return due

    async def _wait_work(self, watch: Callable[[Callable[[], None] | None], None], until: float) -> None:
        """Wait until there is something to do, or for so long."""
        node, roused = self._node, trio.Event()

        def look() -> None:
            if node.statistics.total_commands_processed != self._commands or len(node.waits):
                roused.set()

        watch(look)
        try:
            with trio.move_on_at(until):
                await roused.wait()
        finally:
            watch(None)

    def _is_idle(self) -> bool:
        """Say whether nothing can be due before the next sample, but for what comes in meanwhile."""
        node = self._node
        commands, self._commands = self._commands, node.statistics.total_commands_processed
        if commands != self._commands or len(node.waits) or node.tracking.has_broadcasts:
            return False
        due_ms = node.keyspace.next_due_ms()
        return due_ms is None or due_ms >= node.clock.now_ms + SAMPLE_PERIOD_MS

    def _note_lag(self, lag_ms: float) -> None:
        self._lag.record(lag_ms, trio.current_time())
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
