"""Waiting without going to sleep, for the one thing that will come at once.

To wake a process up costs more than a command, and a lone client's command for another node's key does it four times
instead of twice. So a connection may say that something is about to come (``is_awaited``): the answer to the only
command that waits, or the next command of whoever has just had its answer. If nothing else is going on, the reactor asks the
poller again and again for a while, and sleeps only when that was in vain, as hypervisors do before they halt a processor.

Between two looks the core is offered to others: it may be the very process that is waited for which needs it.

Nothing is waited for in this way but what came quickly several times in a row, and longer in a row after each time
that it did not. So a server that has nothing to do, or several clients, or clients that take their time, sleeps as before; and
so it does where every core is busy, since what is given away there comes back late.
"""

import os
from collections.abc import Callable
from time import perf_counter
from typing import Final

from .conversation import FEWEST_QUICK_ONES, ReactorConnection
from .pollers import EVENTS_PER_POLL, Poller

LONGEST_S: Final = 150e-6
"""How long to stay awake: answers to those who do come after 15 to 80 us, and after 105 on a bad day."""

QUICK_S: Final = 300e-6
"""What counts as quick when we have slept: 100 to 250 us, since that is what waking up takes."""

MOST_QUICK_ONES: Final = 128
"""Before we stay awake, after many vain vigils; ``FEWEST_QUICK_ONES`` at first. Where every core is busy, what is given away comes back milliseconds later."""

SLOW_ONE_COSTS: Final = 4
"""Quick ones, while we sleep: a loop has one slow answer in thirty, a client every 300 us at random two in five."""

GOOD_ONES: Final = 8
"""Vigils in a row that ended well before half as many quick ones suffice: one in forty ends badly on a quiet machine."""


class Vigil:
    """Waits for a poller, awake where it pays."""

    def __init__(
        self,
        poller: Poller,
        now_s: Callable[[], float] = perf_counter,
        give_way: Callable[[], None] = os.sched_yield,
    ) -> None:
        self._poller = poller
        self._now_s = now_s
        self._give_way = give_way

    def wait(self, awaited: ReactorConnection, timeout_s: float) -> list[tuple[int, int]]:
        """Return what is ready, as the poller does, and note whether it was the one awaited, and quick."""
        begun_s = self._now_s()
        is_awake = awaited.quick_ones >= awaited.quick_ones_needed
        events = self._stay_awake(begun_s + min(LONGEST_S, timeout_s)) if is_awake else []
        if not events:
            events = self._poller.poll(timeout_s, EVENTS_PER_POLL)
        if events:
            is_quick = events[0][0] == awaited.fd and self._now_s() - begun_s < (
                LONGEST_S if is_awake else QUICK_S
            )
            note(awaited, is_quick=is_quick, was_awake=is_awake)
        return events

    def _stay_awake(self, until_s: float) -> list[tuple[int, int]]:
        poll, give_way, now_s = self._poller.poll, self._give_way, self._now_s
        while True:
            give_way()
            events = poll(0.0, EVENTS_PER_POLL)
            if events or now_s() >= until_s:
                return events


def note(awaited: ReactorConnection, *, is_quick: bool, was_awake: bool) -> None:
    """Learn from one wait whether the next ones are worth staying awake."""
    needed = awaited.quick_ones_needed
    if is_quick:
        awaited.quick_ones += 1
        if awaited.quick_ones >= needed + GOOD_ONES:
            awaited.quick_ones = awaited.quick_ones_needed = max(needed // 2, FEWEST_QUICK_ONES)
    elif was_awake:
        awaited.quick_ones = 0
        awaited.quick_ones_needed = min(2 * needed, MOST_QUICK_ONES)
    else:
        awaited.quick_ones = max(awaited.quick_ones - SLOW_ONE_COSTS, 0)
