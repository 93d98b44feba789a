"""Who is waited for awake, and for how long."""

import socket
from collections.abc import Iterator

import pytest

from respcache.server.conversation import FEWEST_QUICK_ONES, ReactorConnection
from respcache.server.pollers import READABLE
from respcache.server.vigil import (
    GOOD_ONES,
    LONGEST_S,
    MOST_QUICK_ONES,
    QUICK_S,
    Vigil,
    note,
)

SOMEBODY_ELSE = -2


class FakePoller:
    """What becomes ready some time after the first look; each look takes a microsecond, and so does a clock's."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.ready_s = 0.0
        self.fd = SOMEBODY_ELSE
        self.sleeps = 0
        self.looks = 0

    def becomes_ready(self, after_s: float, fd: int) -> None:
        self.ready_s, self.fd = self.now_s + after_s, fd
        self.sleeps = self.looks = 0

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        self.looks += 1
        self.now_s += 1e-6
        if timeout:
            self.sleeps += 1
            self.now_s = max(self.now_s, min(self.ready_s, self.now_s + timeout))
        return [(self.fd, READABLE)] if self.now_s >= self.ready_s else []

    def time_s(self) -> float:
        return self.now_s

    def fileno(self) -> int:
        return -1

    def register(self, fd: int, mask: int) -> None: ...
    def modify(self, fd: int, mask: int) -> None: ...
    def unregister(self, fd: int) -> None: ...
    def close(self) -> None: ...


class World:
    """A vigil over one connection."""

    def __init__(self) -> None:
        self.poller = FakePoller()
        self.given_way = 0
        self.vigil = Vigil(self.poller, self.poller.time_s, self._give_way)
        self.sock = socket.socket()
        self.awaited = ReactorConnection(self.sock)

    def _give_way(self) -> None:
        self.given_way += 1

    def wait(self, after_s: float, fd: int | None = None, timeout_s: float = 1.0) -> bool:
        """Wait once for what comes then; say whether that was without sleeping."""
        self.poller.becomes_ready(after_s, self.awaited.fd if fd is None else fd)
        self.vigil.wait(self.awaited, timeout_s)
        return not self.poller.sleeps

    def trust(self) -> None:
        for _ in range(FEWEST_QUICK_ONES):
            assert not self.wait(QUICK_S / 2)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.sock:
        yield world


def test_what_comes_quickly_a_few_times_is_waited_for_awake(world: World) -> None:
    world.trust()
    assert world.wait(LONGEST_S / 2)


def test_what_takes_its_time_is_never_waited_for_awake(world: World) -> None:
    assert not any(world.wait(2 * QUICK_S) for _ in range(100))


def test_the_others_can_run_between_two_looks(world: World) -> None:
    world.trust()
    world.wait(LONGEST_S / 2)
    assert world.given_way == world.poller.looks


def test_a_vigil_ends_in_sleep(world: World) -> None:
    world.trust()
    world.wait(1.0)
    assert world.poller.sleeps == 1
    assert world.poller.looks <= LONGEST_S / 1e-6 + 2


def test_a_vigil_is_no_longer_than_there_is_time(world: World) -> None:
    world.trust()
    world.wait(1.0, timeout_s=20e-6)
    assert world.poller.now_s < FEWEST_QUICK_ONES * QUICK_S + 50e-6


def test_a_vigil_that_was_vain_makes_the_next_one_harder_to_get(world: World) -> None:
    world.trust()
    world.wait(2 * LONGEST_S)
    assert not any(world.wait(QUICK_S / 2) for _ in range(2 * FEWEST_QUICK_ONES))
    assert world.wait(LONGEST_S / 2)


def test_somebody_elses_event_is_none_that_was_awaited(world: World) -> None:
    world.trust()
    world.wait(LONGEST_S / 2, SOMEBODY_ELSE)
    assert not world.wait(LONGEST_S / 2)


def test_a_wait_that_ends_because_trio_is_due_teaches_nothing(world: World) -> None:
    world.trust()
    world.wait(1.0, timeout_s=LONGEST_S / 2)
    assert world.wait(LONGEST_S / 2)


def test_good_vigils_make_up_for_vain_ones(world: World) -> None:
    world.awaited.quick_ones = world.awaited.quick_ones_needed = 8 * FEWEST_QUICK_ONES
    for _ in range(3 * GOOD_ONES):
        note(world.awaited, is_quick=True, was_awake=True)
    assert world.awaited.quick_ones_needed == FEWEST_QUICK_ONES


def test_trust_is_never_lost_for_ever(world: World) -> None:
    for _ in range(20):
        note(world.awaited, is_quick=False, was_awake=True)
    assert world.awaited.quick_ones_needed == MOST_QUICK_ONES


def test_a_slow_one_while_asleep_costs_a_few_quick_ones(world: World) -> None:
    world.awaited.quick_ones_needed = MOST_QUICK_ONES
    for _ in range(30):
        world.wait(QUICK_S / 2)
    world.wait(2 * QUICK_S)
    assert 0 < world.awaited.quick_ones < 30
