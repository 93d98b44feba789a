"""Ticks on a clock of the test's own, at a pace that the test sets."""

import trio
from trio.testing import MockClock

from respcache.cluster.pace import TICK_S
from respcache.cluster.ticking import Ticking


class Pace:
    """Stands in for a node's."""

    def __init__(self) -> None:
        self.is_quick = True
        self.looks = 0
        self.on_hurry = lambda: None

    def look(self) -> None:
        self.looks += 1

    def pause_s(self) -> float:
        return 0.15

    def hurry(self) -> None:
        self.is_quick = True
        self.on_hurry()


def start(nursery: trio.Nursery) -> tuple[Pace, Ticking, list[float]]:
    pace, times = Pace(), list[float]()
    began_s = trio.current_time()
    ticking = Ticking(pace, lambda: times.append(round(trio.current_time() - began_s, 3)))  # type: ignore[arg-type]
    nursery.start_soon(ticking.run)
    return pace, ticking, times


async def test_ticks_come_every_20_ms_and_the_pace_is_looked_at_before_each(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    pace, _, times = start(nursery)
    await trio.sleep(5.5 * TICK_S)
    assert times == [0.02, 0.04, 0.06, 0.08, 0.1]
    assert pace.looks == 5


async def test_they_are_rare_while_the_pace_is_slow(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    pace, _, times = start(nursery)
    pace.is_quick = False
    await trio.sleep(0.4)
    assert times == [0.15, 0.3]


async def test_who_is_awake_anyway_makes_it_tick_then(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    pace, ticking, times = start(nursery)
    pace.is_quick = False
    await trio.sleep(0.1)
    ticking.beat()
    await trio.sleep(0.1)
    ticking.beat()
    await trio.sleep(0.01)
    assert times == [0.1, 0.2]


async def test_work_ends_a_pause_and_the_tick_comes_20_ms_later(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    pace, _, times = start(nursery)
    pace.is_quick = False
    await trio.sleep(0.1)
    pace.hurry()
    await trio.sleep(2.5 * TICK_S)
    assert times == [0.12, 0.14]
