import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.telemetry.slowlog import SlowCommand, SlowLog, trimmed_arguments


def record(log: SlowLog, duration_us: int, *argv: bytes) -> bool:
    return log.record(argv, duration_us, 1_700_000_000, b"127.0.0.1:4242", b"shop")


def test_an_entry_holds_what_slowlog_get_shows() -> None:
    log = SlowLog(threshold_us=0)
    record(log, 57, b"get", b"k")
    assert log.get() == [SlowCommand(0, 1_700_000_000, 57, (b"get", b"k"), b"127.0.0.1:4242", b"shop")]


def test_the_threshold_itself_is_slow() -> None:
    log = SlowLog(threshold_us=100)
    assert not record(log, 99, b"get", b"k")
    assert record(log, 100, b"get", b"k")
    assert len(log) == 1


def test_a_negative_threshold_switches_the_log_off() -> None:
    log = SlowLog(threshold_us=-1)
    assert not record(log, 10**9, b"get", b"k")


def test_the_newest_entry_comes_first_and_the_oldest_is_dropped() -> None:
    log = SlowLog(threshold_us=0, most_entries=2)
    for duration_us in (1, 2, 3):
        record(log, duration_us, b"ping")
    assert [entry.duration_us for entry in log.get()] == [3, 2]


def test_a_smaller_limit_takes_effect_with_the_next_entry() -> None:
    log = SlowLog(threshold_us=0)
    record(log, 1, b"ping")
    log.most_entries = 0
    assert len(log) == 1
    record(log, 2, b"ping")
    assert len(log) == 0


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (2, 2), (10, 10), (99, 12), (-1, 12)])
def test_get_returns_as_many_as_asked(count: int, expected: int) -> None:
    log = SlowLog(threshold_us=0)
    for _ in range(12):
        record(log, 1, b"ping")
    assert len(log.get(count)) == expected


def test_ids_go_on_after_a_reset() -> None:
    log = SlowLog(threshold_us=0)
    record(log, 1, b"ping")
    log.reset()
    record(log, 1, b"ping")
    assert [entry.id for entry in log.get()] == [1]


def test_thirty_two_arguments_are_kept_and_thirty_three_are_not() -> None:
    numbers = [b"%d" % n for n in range(1, 33)]
    assert trimmed_arguments(numbers) == tuple(numbers)
    assert trimmed_arguments([b"del", *numbers])[-2:] == (b"30", b"... (2 more arguments)")


def test_a_long_argument_is_cut_after_128_bytes() -> None:
    assert trimmed_arguments([b"b" * 128]) == (b"b" * 128,)
    assert trimmed_arguments([b"b" * 129]) == (b"b" * 128 + b"... (1 more bytes)",)


@given(st.lists(st.binary(max_size=400), max_size=80))
def test_an_entry_is_small_whatever_the_command(argv: list[bytes]) -> None:
    kept = trimmed_arguments(argv)
    assert len(kept) == min(len(argv), 32)
    assert all(len(argument) <= 128 + len(b"... (999 more bytes)") for argument in kept)
