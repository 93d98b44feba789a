"""Frames between nodes that keep each other's copies."""

from hashlib import blake2b

import pytest

from respcache.cluster.bus.frames import BrokenFrameError, frame
from respcache.cluster.replication.promotion import STATUS, STATUS_ANSWER, Status, StatusAnswer
from respcache.cluster.replication.records import ACKNOWLEDGED, EFFECTS, Acknowledged, effects_frame, encoded
from respcache.cluster.replication.replication import Replication
from tests.cluster.bus.pair import World


@pytest.fixture(scope="module")
def world() -> World:
    return World(2, copies=2)


@pytest.fixture
def replication(world: World) -> Replication:
    return world.peers[0].hub.replication


@pytest.mark.parametrize(
    "data",
    [
        EFFECTS,
        EFFECTS + b"\xc1",
        effects_frame(1 << 60, 1, [], []),
        effects_frame(1 << 50, 1, [encoded([])], []),
        effects_frame(1 << 50, 1, [encoded([0, 2000, 0, b"k"])], []),
        effects_frame(1 << 50, 1, [encoded([b"x", 1])], []),
        effects_frame(1 << 50, 1, [encoded([22, 0, [2000], False])], []),
        frame(STATUS, Status(1, True, [2000])),
        frame(ACKNOWLEDGED, Acknowledged(1, 1, [])),
    ],
)
def test_a_question_that_means_nothing_ends_the_connection_and_nothing_else(
    world: World, data: bytes, replication: Replication
) -> None:
    with pytest.raises(BrokenFrameError):
        replication.asked(blake2b(data, digest_size=20).digest(), data)  # a peer of its own for each


@pytest.mark.parametrize(
    "data",
    [
        frame(ACKNOWLEDGED, Acknowledged(1 << 60, 1, [])),
        frame(ACKNOWLEDGED, Acknowledged(1, 1, [(0, 5000, 1)])),
        frame(STATUS, Status(1, True, [])),
    ],
)
def test_an_answer_that_means_nothing_ends_the_connection(
    world: World, data: bytes, replication: Replication
) -> None:
    with pytest.raises(BrokenFrameError):
        replication.answered(world.peers[1].id, data)


def test_an_answer_to_a_question_that_was_not_asked_is_nothing(
    world: World, replication: Replication
) -> None:
    replication.answered(world.peers[1].id, frame(STATUS_ANSWER, StatusAnswer(999_999, [])))


def test_answers_of_operations_reach_the_copies_with_what_they_wrote(world: World) -> None:
    key = world.key_of(0)
    asker = world.client(1)
    assert asker("INCR", key) == 1
    [memory] = [world.peers[1].hub.memories.of(world.peers[1].id)]
    batch = world.peers[1].channel(0)._next_number() - 1
    assert memory.find(batch, 0) == b":1\r\n"
