import random

from hypothesis import given
from hypothesis import strategies as st

from respcache.loading.retry import LONGEST_PAUSE_S, retry_pause_s
from tests.sinks.fakes import Steady


def test_pauses_double_and_have_up_to_as_much_again() -> None:
    assert [retry_pause_s(tries, 50, Steady()) for tries in (1, 2, 3)] == [0.1, 0.2, 0.4]


@given(
    st.integers(1, 1_000_000), st.just(0.0) | st.floats(0.001, 3_600_000), st.randoms(use_true_random=False)
)
def test_a_pause_is_at_least_the_one_of_the_settings(
    tries: int, pause_ms: float, chance: random.Random
) -> None:
    least_s = min(pause_ms / 1000 * 2 ** min(tries - 1, 100), LONGEST_PAUSE_S / 2)
    assert least_s <= retry_pause_s(tries, pause_ms, chance) <= min(2 * least_s, LONGEST_PAUSE_S) * (1 + 1e-9)


@given(st.integers(1, 10), st.floats(0.001, 60), st.randoms(use_true_random=False))
def test_the_sources_own_wish_is_heeded(tries: int, wish_s: float, chance: random.Random) -> None:
    state = chance.getstate()
    own_s = retry_pause_s(tries, 50, chance)
    chance.setstate(state)
    pause_s = retry_pause_s(tries, 50, chance, wish_s)
    assert pause_s >= max(own_s, wish_s)
    assert pause_s <= max(own_s, 1.1 * wish_s)
