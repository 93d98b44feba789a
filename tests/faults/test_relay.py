import random

import pytest

from .relay import OVERTAKEN_MS, Trouble, devices_of

PACKETS = 4000


def arrivals(trouble: Trouble) -> list[list[float]]:
    chance = random.Random(1)
    return [trouble.arrivals(chance, 100.0) for _ in range(PACKETS)]


def test_without_trouble_packets_arrive_once_and_at_once() -> None:
    assert arrivals(Trouble()) == [[100.0]] * PACKETS


def test_so_many_are_lost() -> None:
    assert arrivals(Trouble(loss=0.2)).count([]) == pytest.approx(0.2 * PACKETS, rel=0.1)


def test_so_many_arrive_twice() -> None:
    assert sum(len(found) for found in arrivals(Trouble(duplicate=0.2))) == pytest.approx(
        1.2 * PACKETS, rel=0.02
    )


def test_delays_spread_around_their_mean() -> None:
    found = [at_s for (at_s,) in arrivals(Trouble(delay_ms=50, jitter_ms=10))]
    assert min(found) == pytest.approx(100.040, abs=0.001)
    assert max(found) == pytest.approx(100.060, abs=0.001)


def test_so_many_are_overtaken() -> None:
    late = [at_s for (at_s,) in arrivals(Trouble(reorder=0.2)) if at_s > 100]
    assert len(late) == pytest.approx(0.2 * PACKETS, rel=0.1)
    assert set(late) == {100 + OVERTAKEN_MS / 1000}


def test_a_seed_brings_the_same_fates_again() -> None:
    trouble = Trouble(loss=0.1, delay_ms=5, jitter_ms=5, duplicate=0.1, reorder=0.1)
    assert arrivals(trouble) == arrivals(trouble)


def test_devices_are_told_by_host() -> None:
    assert devices_of(["1:7", "3:9"]) == {1: 7, 3: 9}
