"""Full copies that are told no faster than the other node takes them in beside its clients."""

from typing import Final

import pytest

from respcache.cluster.replication.pace import (
    BULK_BYTES,
    KNOWN_S,
    LEAST_BYTES,
    LONGEST_REST_S,
    MOST_BYTES,
    QUICK_S,
    Pace,
)
from respcache.cluster.replication.records import Effects, records_of
from tests.cluster.bus.pair import World
from tests.cluster.bus.peer import Peer
from tests.cluster.bus.wires import Caller


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    """Return the pace towards a node that has just answered within a millisecond."""
    made = Pace(clock)
    answer(made, clock, 0.001)
    return made


def answer(pace: Pace, clock: Clock, took_s: float, bulk_bytes: int = 0) -> None:
    """Send a frame, and let the other node take so long for it."""
    if bulk_bytes:
        pace.add(bulk_bytes)
    sent_s = pace.sent(has_bulk=bulk_bytes > 0)
    clock.now_s += took_s
    pace.acknowledged(sent_s, bulk_bytes)


def test_a_node_that_answers_as_fast_as_ever_is_sent_more_at_once(pace: Pace, clock: Clock) -> None:
    pieces = [pace.piece()]
    for _ in range(4):
        answer(pace, clock, 0.001, 1000)
        pieces.append(pace.piece())
    assert pieces == [LEAST_BYTES, 2 * LEAST_BYTES, 4 * LEAST_BYTES, MOST_BYTES, MOST_BYTES]


def test_a_node_that_takes_its_time_is_sent_little(pace: Pace, clock: Clock) -> None:
    for _ in range(4):
        answer(pace, clock, 0.001, 1000)
    answer(pace, clock, 0.001 + 1.1 * QUICK_S, 1000)
    clock.now_s += 1.0
    assert pace.piece() == LEAST_BYTES


def test_a_node_is_left_alone_for_three_times_as_long_as_a_piece_has_kept_it(
    pace: Pace, clock: Clock
) -> None:
    answer(pace, clock, 0.011, 1000)
    assert pace.piece() == 0
    clock.now_s += 0.0299
    assert pace.piece() == 0
    clock.now_s += 0.0002
    assert pace.piece() == LEAST_BYTES


def test_a_node_that_stood_still_once_is_not_spared_for_ever(pace: Pace, clock: Clock) -> None:
    answer(pace, clock, 60.0, 1000)
    assert pace.piece() == 0
    clock.now_s += LONGEST_REST_S
    assert pace.piece() == LEAST_BYTES


def test_changes_that_are_late_do_not_keep_copies_back(pace: Pace, clock: Clock) -> None:
    """Or a node that its clients keep busy would never be sent any."""
    answer(pace, clock, 0.5)
    assert pace.piece() == LEAST_BYTES


def test_nothing_more_is_sent_while_a_piece_is_late(pace: Pace, clock: Clock) -> None:
    pace.add(1000)
    sent_s = pace.sent(has_bulk=True)
    assert pace.piece() == LEAST_BYTES
    clock.now_s += 0.0024
    assert pace.piece() == 0
    pace.acknowledged(sent_s, 1000)
    clock.now_s += 3 * 0.0014
    assert pace.piece() == 2 * LEAST_BYTES


def test_many_pieces_are_on_their_way_to_a_distant_node(clock: Clock) -> None:
    pace = Pace(clock)
    answer(pace, clock, 0.08)
    sent_s = []
    for _ in range(8):
        assert pace.piece() == LEAST_BYTES
        pace.add(LEAST_BYTES)
        sent_s.append(pace.sent(has_bulk=True))
        clock.now_s += 0.01
    for sent in sent_s:
        pace.acknowledged(sent, LEAST_BYTES)
        assert pace.piece() > 0
        clock.now_s += 0.01
    assert pace.bytes == 0


def test_no_more_is_on_its_way_than_may_be(pace: Pace) -> None:
    pace.add(BULK_BYTES - 1)
    assert (pace.is_full, pace.piece()) == (False, LEAST_BYTES)
    pace.add(1)
    assert (pace.is_full, pace.piece(), pace.piece(is_urgent=True)) == (True, 0, 0)


def test_who_leaves_does_not_wait_for_a_node_to_rest(pace: Pace, clock: Clock) -> None:
    answer(pace, clock, 0.3, 1000)
    assert pace.piece() == 0
    assert pace.piece(is_urgent=True) == MOST_BYTES


def test_a_way_that_has_become_longer_is_known_after_a_while(pace: Pace, clock: Clock) -> None:
    for _ in range(2):
        clock.now_s += KNOWN_S
        answer(pace, clock, 0.1)
    answer(pace, clock, 0.1, 1000)
    assert pace.piece() > 0


def test_what_was_lost_is_not_waited_for(pace: Pace, clock: Clock) -> None:
    pace.add(1000)
    pace.sent(has_bulk=True)
    clock.now_s += 1.0
    assert pace.piece() == 0
    pace.forget()
    assert (pace.piece(), pace.bytes) == (LEAST_BYTES, 0)


# -- with a node that has little to work with ----------------------------------

RECORD_S: Final = 300e-6
"""Sixty times what a record takes: a node whose processor is mostly others'."""

KEYS: Final = 3000
VALUE: Final = b"x" * 3000
"""Large enough that far more is to be copied than may ever be on its way."""

LONGEST_S: Final = 0.03
"""Beside what a write takes anyway, less than three of the least pieces: one of each source."""


class Toiling:
    """Lets a node take its time for every record that it is told."""

    def __init__(self, world: World, peer: Peer) -> None:
        self.records = 0
        self._world = world
        self._peer = peer
        self._until_s = 0.0
        replication = peer.hub.replication
        self._apply = replication._apply
        replication._apply = self.apply  # type: ignore[method-assign]

    def apply(self, peer: bytes, effects: Effects) -> bytes:
        count = len(records_of(effects.records))
        self.records += count
        self._peer.stop()
        self._until_s = max(self._until_s, self._world.now_s) + count * RECORD_S
        self._world.after(self._until_s - self._world.now_s, self._go_on)
        return self._apply(peer, effects)

    def _go_on(self) -> None:
        if self._world.now_s > self._until_s - RECORD_S / 2:
            self._peer.go_on()


def test_clients_hardly_notice_that_a_node_joins_however_slow_it_is() -> None:
    world = World(4, copies=2, active=[0, 1, 2])
    names = [b"key:%d" % number for number in range(KEYS)]
    world.client(0).ask(*[[b"SET", name, VALUE] for name in names])
    newcomer = Toiling(world, world.peers[3])
    world.move(0, 1, 2, 3)
    callers = [world.client(number) for number in (0, 1, 2) * 5]
    since_s: dict[Caller, float] = {}
    waited_s: list[float] = []
    while not world.is_at_rest:
        assert world.now_s < 140.0
        answered = [one for one in since_s if one.replies()]
        waited_s += [world.now_s - since_s.pop(one) for one in answered]
        free = [one for one in callers if one not in since_s]
        assert free, "all wait"
        since_s[free[0]] = world.now_s
        free[0].send([b"SET", world.chance.choice(names), b"new"])
        world.run(0.004)
    assert newcomer.records > KEYS / 2
    assert max(waited_s) < LONGEST_S
