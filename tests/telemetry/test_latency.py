from respcache.telemetry.latency import LatencyMonitor, LatestSpike, Sample


def test_the_monitor_is_off_until_it_has_a_threshold() -> None:
    monitor = LatencyMonitor()
    monitor.record("command", 10_000, 1)
    assert monitor.latest() == []


def test_what_reaches_the_threshold_is_kept() -> None:
    monitor = LatencyMonitor(threshold_ms=100)
    monitor.record("command", 99, 1)
    monitor.record("command", 100, 2)
    assert monitor.history("command") == [Sample(2, 100)]


def test_latest_shows_the_newest_and_the_worst() -> None:
    monitor = LatencyMonitor(threshold_ms=1)
    for unix_time_s, latency_ms in [(1, 5), (2, 50), (3, 7)]:
        monitor.record("loop-lag", latency_ms, unix_time_s)
    assert monitor.latest() == [LatestSpike("loop-lag", 3, 7, 50)]


def test_a_second_keeps_only_its_worst_spike() -> None:
    monitor = LatencyMonitor(threshold_ms=1)
    for latency_ms in (10, 30, 20):
        monitor.record("command", latency_ms, 7)
    assert monitor.history("command") == [Sample(7, 30)]


def test_the_oldest_samples_go_first_but_the_worst_is_remembered() -> None:
    monitor = LatencyMonitor(threshold_ms=1)
    monitor.record("command", 999, 0)
    for second in range(1, 161):
        monitor.record("command", 2, second)
    assert len(monitor.history("command")) == 160
    assert monitor.history("command")[0] == Sample(1, 2)
    assert monitor.latest()[0].worst_ms == 999


def test_an_event_without_spikes_has_no_history() -> None:
    assert LatencyMonitor(threshold_ms=1).history("expire-cycle") == []


def test_reset_counts_the_events_that_it_forgot() -> None:
    monitor = LatencyMonitor(threshold_ms=1)
    monitor.record("command", 5, 1)
    monitor.record("loop-lag", 5, 1)
    assert monitor.reset("command", "no-such-event") == 1
    assert [spike.event for spike in monitor.latest()] == ["loop-lag"]


def test_reset_without_names_forgets_everything() -> None:
    monitor = LatencyMonitor(threshold_ms=1)
    monitor.record("command", 5, 1)
    monitor.record("loop-lag", 5, 1)
    assert monitor.reset() == 2
    assert monitor.latest() == []
