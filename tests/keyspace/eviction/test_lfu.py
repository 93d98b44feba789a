import random

import pytest

from respcache.keyspace.eviction.lfu import (
    FIRST_COUNT,
    HIGHEST_COUNT,
    MINUTE_MS,
    NEVER_SEEN,
    Frequency,
    last_used_ms,
)

NOW_MS = 28_333_333 * MINUTE_MS + 5_000


def used(frequency: Frequency, times: int) -> int:
    seen = frequency.stamp(NEVER_SEEN, NOW_MS)
    for _ in range(times):
        seen = frequency.stamp(seen, NOW_MS)
    return frequency.count(seen, NOW_MS)


def test_a_new_key_starts_with_five() -> None:
    assert used(Frequency(random.Random(1)), 0) == FIRST_COUNT


@pytest.mark.parametrize(("uses", "least", "most"), [(100, 8, 13), (1000, 15, 22), (100_000, 125, 160)])
def test_the_counter_grows_with_the_logarithm_of_the_uses(uses: int, least: int, most: int) -> None:
    assert least <= used(Frequency(random.Random(1)), uses) <= most


def test_without_a_factor_every_use_counts_up_to_the_top() -> None:
    assert used(Frequency(random.Random(1), log_factor=0), 10) == FIRST_COUNT + 10
    assert used(Frequency(random.Random(1), log_factor=0), 1000) == HIGHEST_COUNT


def test_a_minute_without_use_costs_one() -> None:
    frequency = Frequency(random.Random(1))
    seen = frequency.stamp(NEVER_SEEN, NOW_MS)
    assert frequency.count(seen, NOW_MS + 3 * MINUTE_MS) == FIRST_COUNT - 3
    assert frequency.count(seen, NOW_MS + 300 * MINUTE_MS) == 0


def test_without_a_decay_time_the_counter_stays() -> None:
    frequency = Frequency(random.Random(1), decay_minutes=0)
    seen = frequency.stamp(NEVER_SEEN, NOW_MS)
    assert frequency.count(seen, NOW_MS + 300 * MINUTE_MS) == FIRST_COUNT


def test_a_clock_set_back_takes_nothing_away() -> None:
    frequency = Frequency(random.Random(1))
    seen = frequency.stamp(NEVER_SEEN, NOW_MS)
    assert frequency.count(seen, NOW_MS - 10 * MINUTE_MS) == FIRST_COUNT


def test_the_minute_of_the_last_use_is_kept() -> None:
    seen = Frequency(random.Random(1)).stamp(NEVER_SEEN, NOW_MS)
    assert NOW_MS - MINUTE_MS < last_used_ms(seen) <= NOW_MS
