import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.telemetry.histogram import (
    bound_microseconds,
    cumulative_buckets,
    new_counts,
    percentile_microseconds,
)


def recorded(*durations_ns: int) -> list[int]:
    counts = new_counts()
    for nanoseconds in durations_ns:
        counts[nanoseconds.bit_length()] += 1
    return counts


def test_the_bounds_are_those_that_redis_prints() -> None:
    # LATENCY HISTOGRAM of redis-server 7.0.15 after calls of every length up to a second.
    printed = [1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633, 135266]
    printed += [270532, 541065, 1073741]
    assert [bound_microseconds(bits) for bits in range(10, 31)] == printed


def test_all_below_a_microsecond_is_one_bucket() -> None:
    assert cumulative_buckets(recorded(0, 1, 200, 1000)) == [(1, 4)]


def test_buckets_count_everything_up_to_their_bound() -> None:
    assert cumulative_buckets(recorded(900, 3_000, 3_500, 30_000)) == [(1, 1), (4, 3), (33, 4)]


def test_buckets_in_which_nothing_happened_are_left_out() -> None:
    assert cumulative_buckets(recorded(1_000_000_000)) == [(1073741, 1)]


def test_an_empty_histogram_has_no_buckets() -> None:
    assert cumulative_buckets(new_counts()) == []


def test_an_empty_histogram_has_percentiles_of_nothing() -> None:
    assert percentile_microseconds(new_counts(), 99) == 0.0


def test_one_slow_call_in_a_hundred_shows_only_in_the_last_percentile() -> None:
    counts = recorded(*[1_500] * 99, 90_000)
    assert percentile_microseconds(counts, 99) < 2.1
    assert 65 < percentile_microseconds(counts, 99.9) < 132


def test_calls_of_no_time_at_all_are_reported_as_such() -> None:
    assert percentile_microseconds(recorded(0, 0, 0), 50) == 0.0


@given(st.lists(st.integers(1, 10**12), min_size=1), st.sampled_from([0.0, 25.0, 50.0, 99.0, 99.9, 100.0]))
def test_a_percentile_is_within_a_factor_of_two_of_the_truth(durations: list[int], percentile: float) -> None:
    rank = max(1, int(percentile / 100 * len(durations) + 0.5))
    truth_us = sorted(durations)[rank - 1] / 1000
    assert percentile_microseconds(recorded(*durations), percentile) == pytest.approx(truth_us, rel=1)
    assert percentile_microseconds(recorded(*durations), percentile) >= truth_us / 2


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_the_last_bucket_holds_every_call(durations: list[int]) -> None:
    assert cumulative_buckets(recorded(*durations))[-1][1] == len(durations)


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_higher_percentiles_are_never_lower(durations: list[int]) -> None:
    counts = recorded(*durations)
    shown = [percentile_microseconds(counts, p) for p in (0, 10, 50, 90, 99, 99.9, 100)]
    assert shown == sorted(shown)
