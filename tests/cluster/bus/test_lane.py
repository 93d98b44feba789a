"""Whatever happens to a connection, each command runs once, in order, and its answer is the one it should have had."""

import pytest

from respcache.cluster.bus.frames import ANSWER, REFUSAL, WORKING, Answer, Refusal, Working, frame
from tests.cluster.bus.pair import World


def lose_at(world: World, delivery: int) -> None:
    """Lose the connection between the nodes when so many pieces more have come."""
    due = world.delivered + delivery

    def count(number: int) -> None:
        if number == due:
            world.lose(0, 1)

    world.before_delivery = count


def test_a_connection_lost_at_any_moment_neither_loses_nor_doubles_anything() -> None:
    world = World(2, cuts=True)
    key = world.key_of(1)
    for seed in range(200):
        world.chance.seed(seed)
        client = world.client(0)
        client("DEL", key)
        lose_at(world, world.chance.randrange(1, 25))
        for _ in range(5):  # in batches of their own
            client.send(f"INCR {key}", f"INCR {key}")
            world.run(0.0003)
            client.send(f"GET {key}")
            world.run(0.0003)
        expected = [reply for turn in range(1, 6) for reply in (2 * turn - 1, 2 * turn, b"%d" % (2 * turn))]
        assert client.wait(15) == expected, seed
        client.close()
    world.settle()
    assert [peer.leftovers() for peer in world.peers] == [[], []]


@pytest.mark.parametrize("seed", range(8))
def test_a_connection_lost_again_and_again_does_no_harm_either(seed: int) -> None:
    world = World(3, seed=seed, cuts=True, lanes=2)
    keys = [world.key_of(number) for number in range(3)]

    def lose_some(number: int) -> None:
        if not world.chance.randrange(8):
            world.lose(0, world.chance.randrange(1, 3), world.chance.randrange(2))

    world.before_delivery = lose_some
    client = world.client(0)
    for _ in range(10):
        client.send(*(f"INCR {key}" for key in keys))
        world.run(0.002)
    world.run(0.2)
    world.before_delivery = lambda number: None
    assert client.wait(30) == [turn for turn in range(1, 11) for _ in keys]


def test_a_read_that_is_sent_again_does_not_see_the_write_behind_it() -> None:
    world = World(2, delay_s=(0.001, 0.001))
    key = world.key_of(1)
    client = world.client(0)
    client("SET", key, "old")
    client.send(f"GET {key}")
    world.run(0.0005)
    client.send(f"SET {key} new")
    world.run(0.0009)  # the read has run; its answer is on the way
    assert world.wire(0, 1).inlet.memory._runs
    world.run(0.0002)
    world.lose(0, 1)
    assert client.wait(2) == [b"old", b"OK"]


def test_a_transaction_that_is_sent_again_runs_once() -> None:
    world = World(2)
    key = world.key_of(1)
    for delivery in range(1, 8):
        client = world.client(0)
        client("DEL", key)
        lose_at(world, delivery)
        client.send("MULTI", f"INCR {key}", f"INCR {key}", "EXEC")
        assert client.wait(4)[3] == [1, 2]


def test_what_waits_for_a_busy_key_is_asked_for_again() -> None:
    world = World(2)
    key = world.key_of(1)
    world.client(1).send(f"DEBUG OWNER-SLEEP {key} 0.5")
    world.run(0.01)
    client = world.client(0)
    client.send(f"INCR {key}")
    world.run(0.01)
    world.lose(0, 1)
    assert client.wait(1) == [1]


def test_what_has_waited_for_long_is_given_the_time_to_be_asked_for_again() -> None:
    world = World(2)
    key = world.key_of(1)
    world.client(1).send(f"DEBUG OWNER-SLEEP {key} 3")
    world.run(0.01)
    client = world.client(0)
    client.send(f"INCR {key}")
    world.run(2.0)
    world.lose(0, 1)
    assert client.wait(1) == [1]


def test_a_busy_key_does_not_run_into_the_time_out() -> None:
    world = World(2)
    busy, idle = world.keys_of(1, 2)
    world.client(1).send(f"DEBUG OWNER-SLEEP {busy} 3")
    world.run(0.01)
    client, other = world.client(0), world.client(0)
    client.send(f"INCR {busy}", f"INCR {idle}")
    assert other("INCR", idle) == 2
    assert client.replies() == []
    world.run(2.5)
    assert client.replies() == []
    assert client.wait(2) == [1, 1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"?",
        ANSWER,
        ANSWER + b"\xc1",
        ANSWER + b"\x93\x01\x00\x01",
        frame(REFUSAL, Working(1, 1)),
    ],
)
def test_a_broken_frame_ends_the_connection_and_nothing_else(data: bytes) -> None:
    world = World(2)
    client, key = world.client(0), world.key_of(1)
    inlet = world.wire(0, 1).inlet
    client.send(f"INCR {key}")
    inlet.send(data)
    assert client.wait(1) == [1]
    world.run(0.1)
    assert world.wire(0, 1).inlet is not inlet
    assert client("INCR", key) == 2


def test_answers_to_what_nobody_has_asked_change_nothing() -> None:
    world = World(2)
    client, key = world.client(0), world.key_of(1)
    lane, inlet = world.wire(0, 1).lane, world.wire(0, 1).inlet
    for strange in (
        frame(ANSWER, Answer(99, 0, [b"+NO\r\n"])),
        frame(ANSWER, Answer(1, 77, [b"+NO\r\n"])),
        frame(ANSWER, Answer(-1, -1, [b"+NO\r\n"] * 9)),
        frame(REFUSAL, Refusal(99, 0, b"")),
        frame(REFUSAL, Refusal(1, -5, b"nobody")),
        frame(WORKING, Working(99, 3)),
    ):
        inlet.send(strange)
    assert client.ask(f"INCR {key}", f"INCR {key}") == [1, 2]
    assert world.wire(0, 1).lane is lane


def test_an_answer_is_awaited_only_when_it_is_the_only_one() -> None:
    world = World(2)
    key = world.key_of(1)
    [lane] = world.peers[0].hub.lanes.values()
    client = world.client(0)
    client.send(f"GET {key}")
    world.serve()
    assert lane.is_awaited
    client.send(f"GET {key}", f"GET {key}")
    world.serve()
    assert not lane.is_awaited
