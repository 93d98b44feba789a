import random

from hypothesis import given
from hypothesis import strategies as st

from respcache.backoff import Backoff, pause_s
from tests.sinks.fakes import Steady


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(Steady(), first_s=1, longest_s=5)
    assert [backoff.next_pause_s() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_success_makes_pauses_short_again() -> None:
    backoff = Backoff(Steady(), first_s=1, longest_s=5)
    backoff.next_pause_s()
    backoff.next_pause_s()
    backoff.reset()
    assert backoff.next_pause_s() == 1


@given(st.randoms(use_true_random=False))
def test_a_pause_is_at_least_half_of_its_bound(chance: random.Random) -> None:
    backoff = Backoff(chance, first_s=1, longest_s=4)
    for bound_s in (1, 2, 4, 4):
        assert bound_s / 2 <= backoff.next_pause_s() <= bound_s


def test_who_counts_failures_elsewhere_gets_the_same_pauses() -> None:
    backoff = Backoff(random.Random(1), first_s=0.5, longest_s=20)
    chance = random.Random(1)
    assert [backoff.next_pause_s() for _ in range(9)] == [
        pause_s(one, 0.5, 20, chance) for one in range(1, 10)
    ]


def test_a_million_failures_are_no_error() -> None:
    assert pause_s(1_000_000, first_s=1, longest_s=5, chance=Steady()) == 5
    assert pause_s(1_000_000, first_s=0, longest_s=5, chance=Steady()) == 0
