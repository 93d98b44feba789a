import pytest

from respcache.commands.latency_report import graph, report
from respcache.telemetry.latency import LatencyMonitor, Sample


@pytest.mark.parametrize(
    ("age_s", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (200_000, "2d")]
)
def test_a_spikes_age_is_told_in_one_unit(age_s: int, text: str) -> None:
    assert (
        graph("command", [Sample(1_000_000 - age_s, 9)], 9, 1_000_000)
        .splitlines()[1]
        .startswith(f"{text} ago")
    )


def test_the_smallest_spike_still_has_a_bar() -> None:
    drawn = graph("command", [Sample(1, 1), Sample(2, 1000)], 1000, 3)
    assert [line.count("#") for line in drawn.splitlines()[1:]] == [1, 50]


def test_an_event_that_nobody_can_advise_on_is_reported_all_the_same() -> None:
    monitor = LatencyMonitor(threshold_ms=1)
    monitor.record("something-new", 9, 1)
    assert "something-new" in report(monitor)
    assert "What may help" not in report(monitor)
