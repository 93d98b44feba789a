"""What every test may count on."""

import gc

import pytest
import trio
from trio.testing import MockClock


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    return autojump_clock


@pytest.fixture
def later(clock: MockClock) -> MockClock:
    return clock


async def test_a_clock_that_only_fixtures_ask_for_is_the_tests(later: MockClock) -> None:
    assert trio.lowlevel.current_clock() is later


async def test_a_clock_that_a_test_asks_for_is_its_own(autojump_clock: MockClock) -> None:
    assert trio.lowlevel.current_clock() is autojump_clock


async def test_where_nobody_asks_time_is_real() -> None:
    assert not isinstance(trio.lowlevel.current_clock(), MockClock)


def test_garbage_is_collected_but_not_looked_for_among_the_tests() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
