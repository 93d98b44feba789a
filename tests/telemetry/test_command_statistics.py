from respcache.telemetry.command_statistics import CommandStatistics, commandstats_lines, latencystats_lines


def used(*durations_ns: int) -> CommandStatistics:
    record = CommandStatistics()
    for nanoseconds in durations_ns:
        record.calls += 1
        record.nanoseconds += nanoseconds
        record.counts[nanoseconds.bit_length()] += 1
    return record


def test_a_line_reads_as_redis_writes_it() -> None:
    record = used(2_000, 3_000, 30_000)
    record.failed_calls = 1
    assert list(commandstats_lines([("client|list", record)])) == [
        "cmdstat_client|list:calls=3,usec=35,usec_per_call=11.67,rejected_calls=0,failed_calls=1"
    ]


def test_a_command_that_was_only_rejected_is_listed_too() -> None:
    record = CommandStatistics()
    record.rejected_calls = 2
    assert list(commandstats_lines([("get", record)])) == [
        "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=2,failed_calls=0"
    ]


def test_an_unused_command_is_not_listed() -> None:
    assert list(commandstats_lines([("get", CommandStatistics())])) == []
    assert list(latencystats_lines([("get", CommandStatistics())])) == []


def test_percentiles_are_named_without_needless_digits() -> None:
    assert list(latencystats_lines([("get", used(24_575))])) == [
        "latency_percentiles_usec_get:p50=24.576,p99=24.576,p99.9=24.576"
    ]


def test_other_percentiles_may_be_asked_for() -> None:
    (line,) = latencystats_lines([("get", used(24_575))], (0.0, 99.99, 100.0))
    assert line == "latency_percentiles_usec_get:p0=24.576,p99.99=24.576,p100=24.576"


def test_a_reset_keeps_the_list_that_the_hot_loop_holds() -> None:
    record = used(1_000)
    counts = record.counts
    record.reset()
    assert not record.is_used()
    assert record.counts is counts
    assert not any(counts)
