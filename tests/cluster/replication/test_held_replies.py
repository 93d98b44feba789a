"""Whole nodes with copies: replies wait for them, in whatever way a command runs, and no operation counts twice."""

from collections.abc import Iterator

import pytest

from respcache.cluster.replication.held import REPLACED
from respcache.keyspace.slots import key_slot, partition_of
from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.pair import World, world_of


@pytest.fixture
def world() -> Iterator[World]:
    world = world_of(3, copies=2)
    yield world
    for peer in world.peers:
        holds = peer.hub.replication.holds
        if not peer.is_dead:
            assert not holds.waiting
            assert not any(peer.hub.directory.unconfirmed)
            assert not holds.has_news


def follower_of(world: World, key: str) -> int:
    """Return who has the copy of a key."""
    _, second = world.peers[0].hub.ownership.owners[partition_of(key_slot(key.encode()))]
    return next(peer.number for peer in world.peers if peer.id == second)


def key_with_copy_at_2(world: World) -> str:
    return next(key for key in world.keys_of(0, 50) if follower_of(world, key) == 2)


def test_a_write_is_not_answered_before_its_copy_has_it(world: World) -> None:
    key = world.key_of(0)
    world.peers[follower_of(world, key)].stop()
    client, other = world.client(0), world.client(0)
    client.send(f"SET {key} 1")
    other.send(f"GET {key}")
    world.run(0.2)
    assert client.replies() == other.replies() == []
    world.peers[follower_of(world, key)].go_on()
    assert client.wait(1) == [b"OK"]
    assert other.wait(1) == [b"1"]


def test_other_keys_are_answered_meanwhile(world: World) -> None:
    key, other_key = world.keys_of(0, 2)
    world.peers[follower_of(world, key)].stop()
    client, other = world.client(0), world.client(0)
    client.send(f"SET {key} 1")
    other.send(f"GET {other_key}")
    assert other.replies() == [None]
    world.peers[follower_of(world, key)].go_on()
    assert client.wait(1) == [b"OK"]


def test_a_copy_that_does_not_answer_is_not_waited_for_long(world: World) -> None:
    key = world.key_of(0)
    world.peers[follower_of(world, key)].stop()
    client = world.client(0)
    client.send(f"SET {key} 1")
    assert client.wait(1, 0.5) == [b"OK"]
    world.peers[follower_of(world, key)].go_on()
    world.rest()


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(
    "line", ["SET {key} 1", "MSET {key} 1 {{{key}}}2 2", "INCRBYFLOAT {key} 1", "EXPIRE {key} 100"]
)
def test_whoever_runs_a_command_its_reply_waits(world: World, line: str, at: int) -> None:
    key = key_with_copy_at_2(world)
    client = world.client(at)
    assert client(f"SET {key} 1") == b"OK"
    world.peers[2].stop()
    client.send(line.format(key=key))
    world.run(0.2)
    assert client.replies() == []
    world.peers[2].go_on()
    assert client.wait(1) in ([b"OK"], [b"2"], [1])


@pytest.mark.parametrize("at", [0, 1])
def test_an_error_that_tells_of_an_unconfirmed_key_waits(world: World, at: int) -> None:
    key = key_with_copy_at_2(world)
    client = world.client(at)
    world.peers[2].stop()
    client.send(f"SET {key} word", f"INCR {key}")
    world.run(0.2)
    assert client.replies() == []
    world.peers[2].go_on()
    assert client.wait(2) == [b"OK", ErrorReply("ERR", "value is not an integer or out of range")]


@pytest.mark.parametrize("at", [0, 1])
def test_a_transaction_waits_as_well(world: World, at: int) -> None:
    key = key_with_copy_at_2(world)
    client = world.client(at)
    world.peers[2].stop()
    client.send(f"WATCH {key}", "MULTI", f"INCR {key}", f"GET {key}", "EXEC")
    world.run(0.2)
    assert client.replies() == [b"OK", b"OK", b"QUEUED", b"QUEUED"]
    world.peers[2].go_on()
    assert client.wait(1) == [[1, b"1"]]


@pytest.mark.parametrize("line", ["DBSIZE", "KEYS *", "EXISTS {key}", "DEL nothing {key}"])
def test_what_looks_at_many_keys_waits(world: World, line: str) -> None:
    key = key_with_copy_at_2(world)
    writer, reader = world.client(0), world.client(1)
    world.peers[2].stop()
    writer.send(f"SET {key} 1")
    reader.send(line.format(key=key))
    world.run(0.2)
    assert reader.replies() == []
    world.peers[2].go_on()
    assert reader.wait(1) in ([1], [[key.encode()]])


def test_a_monitor_changes_nothing(world: World) -> None:
    key = world.key_of(0)
    assert world.client(0)("MONITOR") == b"OK"
    client = world.client(0)
    world.peers[follower_of(world, key)].stop()
    client.send(f"SET {key} 1")
    world.run(0.2)
    assert client.replies() == []
    world.peers[follower_of(world, key)].go_on()
    assert client.wait(1) == [b"OK"]


def test_a_client_that_caches_hears_of_changes(world: World) -> None:
    key = world.key_of(0)
    cache, client = world.client(0), world.client(0)
    cache("CLIENT TRACKING ON")
    assert cache(f"GET {key}") is None
    assert client(f"SET {key} 1") == b"OK"
    assert cache.ask(f"GET {key}", "PING") == [[b"invalidate", [key.encode()]], b"1", b"PONG"]


def test_a_client_that_wants_no_replies_gets_none(world: World) -> None:
    key = world.key_of(0)
    client = world.client(0)
    assert client.ask("CLIENT REPLY SKIP", f"SET {key} 1", f"GET {key}")[:1] == [b"1"]


def test_a_pipeline_is_answered_in_its_order(world: World) -> None:
    keys = world.keys_of(0, 5) + world.keys_of(1, 5) + world.keys_of(2, 5)
    client = world.client(0)
    commands = [line for at, key in enumerate(keys) for line in (f"SET {key} {at}", f"GET {key}", "PING")]
    expected = [reply for at in range(len(keys)) for reply in (b"OK", b"%d" % at, b"PONG")]
    assert client.ask(*commands) == expected


# -- who asks again ----------------------------------------------------------


@pytest.mark.parametrize("at", [1, 2])
def test_an_increment_whose_answer_was_lost_with_its_owner_counts_once(world: World, at: int) -> None:
    key = key_with_copy_at_2(world)
    client = world.client(at)
    assert client(f"INCR {key}") == 1
    world.wire(at, 0).inlet.send = lambda frame: None  # type: ignore[method-assign]  # its answers are lost
    client.send(f"INCR {key}")
    world.run(0.05)
    assert client.replies() == []
    world.kill(0)
    assert client.wait(1) == [2]
    world.rest()
    assert client(f"GET {key}") == b"2"


def test_an_answer_that_waits_is_given_on_the_next_connection(world: World) -> None:
    key = key_with_copy_at_2(world)
    client = world.client(1)
    world.peers[2].stop()
    client.send(*[f"INCR {key}"] * 3)
    world.run(0.05)
    world.lose(1, 0)
    world.run(0.1)
    assert client.replies() == []
    world.peers[2].go_on()
    assert client.wait(3) == [1, 2, 3]
    assert client(f"GET {key}") == b"3"


def test_who_was_replaced_says_that_it_may_have_run(world: World) -> None:
    key = key_with_copy_at_2(world)
    client = world.client(0)
    world.peers[2].stop()
    client.send(f"SET {key} 1")
    world.run(0.05)
    world.peers[0].hub.replication.holds.fail(partition_of(key_slot(key.encode())))
    world.peers[2].go_on()
    assert client.wait(1) == [ErrorReply("TIMEOUT", REPLACED.message)]


def test_nothing_waits_where_copies_are_told_without_waiting() -> None:
    world = World(3, copies=2, is_synchronous=False)
    key = world.key_of(0)
    world.peers[follower_of(world, key)].stop()
    client = world.client(0)
    client.send(f"SET {key} 1", f"GET {key}")
    assert client.replies() == [b"OK", b"1"]
