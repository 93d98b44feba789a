import pytest

from respcache.telemetry.statistics import ErrorStatistics, Rate, Statistics, error_code


def test_everything_is_zero_after_a_reset() -> None:
    statistics = Statistics()
    statistics.keyspace_hits += 3
    statistics.errors.record("ERR no")
    statistics.sample(0)
    statistics.total_commands_processed += 1600
    statistics.sample(100)
    statistics.reset()
    assert statistics.keyspace_hits == 0
    assert statistics.errors.total == 0
    assert statistics.operations_per_second.per_second() == 0


def test_one_tick_samples_every_rate() -> None:
    statistics = Statistics()
    statistics.sample(0)
    statistics.total_commands_processed = 16
    statistics.total_net_input_bytes = 16 * 1024
    statistics.total_net_output_bytes = 32 * 1024
    statistics.sample(1000)
    assert statistics.operations_per_second.per_second() == 1
    assert statistics.input_bytes_per_second.kilobytes_per_second() == 1
    assert statistics.output_bytes_per_second.kilobytes_per_second() == 2


def test_a_steady_rate_is_reported_once_the_window_is_full() -> None:
    rate = Rate()
    for tick in range(17):
        rate.sample(500 * tick, 100 * tick)
    assert rate.per_second() == 5000


def test_a_late_tick_does_not_make_a_peak() -> None:
    rate = Rate()
    rate.sample(0, 0)
    rate.sample(8000, 8000)
    assert rate.per_second() == 1000 / 16


def test_a_rate_fades_when_nothing_happens() -> None:
    rate = Rate()
    rate.sample(0, 0)
    rate.sample(1000, 100)
    for tick in range(2, 18):
        rate.sample(1000, 100 * tick)
    assert rate.per_second() == 0


def test_two_samples_of_one_moment_do_not_divide_by_nothing() -> None:
    rate = Rate()
    rate.sample(0, 5)
    rate.sample(10, 5)
    assert rate.per_second() == 0


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("WRONGTYPE Operation against a key", "WRONGTYPE"),
        ("ERR unknown command", "ERR"),
        ("nospace", "ERR"),
        ("AVERYLONGERRORCODEINDEEDTHATISLONGERTHAN32 x", "ERR"),
        ("", "ERR"),
    ],
)
def test_an_error_is_counted_under_its_first_word(message: str, code: str) -> None:
    assert error_code(message) == code


def test_errors_are_listed_by_code() -> None:
    errors = ErrorStatistics()
    for message in ("WRONGTYPE no", "ERR a", "ERR b"):
        errors.record(message)
    assert errors.lines() == ["errorstat_ERR:count=2", "errorstat_WRONGTYPE:count=1"]
    assert errors.total == 3


def test_made_up_codes_cannot_fill_the_memory() -> None:
    errors = ErrorStatistics()
    for number in range(1100):
        errors.record(f"{number} my error message")
    assert errors.by_code() == {"ERRORSTATS_DISABLED": 1}
    assert errors.total == 1100


def test_a_reset_lets_errors_be_told_apart_again() -> None:
    errors = ErrorStatistics()
    for number in range(200):
        errors.record(f"{number} x")
    errors.reset()
    errors.record("ERR x")
    assert errors.by_code() == {"ERR": 1}
