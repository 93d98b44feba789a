import random

from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.security.replay import WINDOW, ReplayWindow

NUMBERS = st.lists(st.integers(0, 4 * WINDOW), max_size=200)


def test_a_number_is_accepted_once() -> None:
    window = ReplayWindow(10)
    assert [window.accepts(number) for number in (10, 11, 11, 10)] == [False, True, False, False]


def test_late_numbers_are_accepted_within_the_window() -> None:
    window = ReplayWindow(WINDOW)
    assert window.accepts(WINDOW + 5)
    assert window.accepts(6 + 5)
    assert not window.accepts(5)


def test_a_jump_as_wide_as_the_window_remembers_its_far_end() -> None:
    window = ReplayWindow(0)
    assert window.accepts(WINDOW - 1)
    assert not window.accepts(0)


def test_the_memory_of_a_window_is_bounded() -> None:
    window = ReplayWindow(0)
    assert all(window.accepts(number) for number in range(1, 5 * WINDOW))
    assert window._bits.bit_length() == WINDOW


def test_a_jump_forgets_the_numbers_before() -> None:
    window = ReplayWindow(1)
    assert window.accepts(1 + 2**62)
    assert not window.accepts(2)
    assert window.accepts(2**62)


def test_all_numbers_of_a_window_come_through_in_any_order() -> None:
    numbers = list(range(1, WINDOW))
    random.Random(3).shuffle(numbers)
    window = ReplayWindow(0)
    assert all(window.accepts(number) for number in numbers)
    assert not any(window.accepts(number) for number in numbers)


@given(first=st.integers(0, 4 * WINDOW), numbers=NUMBERS)
def test_the_window_agrees_with_a_set_of_all_numbers(first: int, numbers: list[int]) -> None:
    window, seen = ReplayWindow(first), {first}
    for number in numbers:
        assert window.accepts(number) == (number not in seen and number > max(seen) - WINDOW)
        if number > max(seen) - WINDOW:
            seen.add(number)
