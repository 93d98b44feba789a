"""What takes a walk is looked at seldom, however often somebody asks."""

from unittest.mock import Mock

from respcache.commands.loads import LoaderControls, LoaderReport
from respcache.gateway.figures import KEPT_MS, Figures, Kept
from respcache.keyspace.clock import BatchClock
from tests.gateway.live import Live


def looked_at(*times_ms: int) -> list[int]:
    """Ask at these times; return when it was looked."""
    looked: list[int] = []
    clock = BatchClock(0)

    def look() -> int:
        looked.append(clock.now_ms)
        return clock.now_ms

    kept = Kept(look, clock)
    for clock.now_ms in times_ms:
        assert kept() == looked[-1]
    return looked


def test_a_figure_is_kept_for_a_moment() -> None:
    assert looked_at(1000, 1000, 1000 + KEPT_MS - 1) == [1000]
    assert looked_at(1000, 1000 + KEPT_MS, 1001 + KEPT_MS) == [1000, 1000 + KEPT_MS]


def test_a_clock_that_was_set_back_keeps_nothing_for_long() -> None:
    assert looked_at(5000, 1000, 1001) == [5000, 1000]


def test_figures_are_those_of_the_server_and_soon_those_of_now() -> None:
    live = Live()
    figures = Figures(live.node)
    assert list(figures.loaders()) == []
    assert (figures.owners()["owners_awake"], figures.memory().keys) == (0, 0)
    live.client("SET a 1")
    assert figures.memory().keys == 0
    live.harness.clock.advance(KEPT_MS)
    assert figures.memory().keys == 1


def test_loaders_may_come_later() -> None:
    live = Live()
    figures = Figures(live.node)
    figures.loaders()
    report = LoaderReport("products", "product:*", 0, "closed", "closed", {}, {}, {}, "")
    live.node.loads = Mock(spec=LoaderControls, reports=lambda: [report])
    live.harness.clock.advance(KEPT_MS)
    assert figures.loaders() == [report]
