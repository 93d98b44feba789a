"""WATCH, MULTI and EXEC work wherever the keys live, and what is unsure runs nothing."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.pair import World, world_of
from tests.cluster.bus.wires import Caller


@pytest.fixture
def world() -> World:
    return world_of(3)


def nobody_watches(world: World) -> bool:
    world.settle()
    return not any(peer.watched or peer.hub.runner.watchers for peer in world.peers if not peer.is_dead)


def begin(world: World, key: str) -> Caller:
    """Return a client that watches a key and has a write of it queued."""
    client = world.client(0)
    assert client.ask(f"WATCH {key}", "MULTI", f"INCR {key}") == [b"OK", b"OK", b"QUEUED"]
    return client


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("owner", [0, 1])
def test_a_transaction_runs_at_the_owner(world: World, owner: int, protocol: int) -> None:
    client, key = world.client(0, protocol), world.key_of(owner)
    client.send("MULTI", f"SET {key} 5", f"INCR {key}", f"HGET {key} f", f"GET {key}", "EXEC")
    *queued, replies = client.wait(6)
    assert queued == [b"OK", *[b"QUEUED"] * 4]
    assert replies[:2] == [b"OK", 6]
    assert isinstance(replies[2], ErrorReply)
    assert replies[3] == b"6"


def test_what_nobody_has_changed_is_executed(world: World) -> None:
    assert begin(world, world.key_of(1))("EXEC") == [1]
    assert nobody_watches(world)


@pytest.mark.parametrize("by", [0, 1, 2])
def test_what_somebody_has_changed_is_not(world: World, by: int) -> None:
    key = world.key_of(1)
    client = begin(world, key)
    world.client(by)("SET", key, "9")
    assert client("EXEC") is None
    assert client("GET", key) == b"9"
    assert nobody_watches(world)


def test_a_lost_connection_is_as_bad_as_a_change(world: World) -> None:
    client = begin(world, world.key_of(1))
    world.lose(0, 1)
    assert client("EXEC") is None
    assert nobody_watches(world)


def test_a_watch_whose_connection_is_lost_before_its_answer_runs_nothing(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    client.send(f"WATCH {key}", "MULTI", f"INCR {key}")
    world.lose(0, 1)
    assert client.wait(3) == [b"OK", b"OK", b"QUEUED"]
    assert client("EXEC") is None
    assert nobody_watches(world)


def test_a_dead_owner_is_as_bad_as_a_change(world: World) -> None:
    client = begin(world, world.key_of(1))
    world.kill(1)
    assert client("EXEC") is None
    assert nobody_watches(world)


def test_a_partition_that_has_been_elsewhere_is_as_bad_as_a_change(world: World) -> None:
    key = world.key_of(1)
    client = begin(world, key)
    world.peers[1].be_replaced(key, by=2)  # only the owner has heard of it
    world.peers[1].serve(key)
    assert client("EXEC") is None
    assert nobody_watches(world)


def test_a_partition_that_was_away_with_its_data_and_is_back_is_as_bad_as_a_change(world: World) -> None:
    key = world.key_of(1)
    client = begin(world, key)
    for active in ((0, 2), (0, 1, 2)):
        world.move(*active)
        world.rest()
    assert world.peers[1].owns(key)
    assert client("EXEC") is None
    assert nobody_watches(world)


@pytest.mark.parametrize("hears_first", [False, True])
def test_a_moved_partition_is_as_bad_as_a_change(world: World, hears_first: bool) -> None:
    key = world.key_of(1)
    client = begin(world, key)
    world.hand_over([key], 0, 2)
    if hears_first:
        world.rest()
    assert client("EXEC") is None
    assert nobody_watches(world)


@pytest.mark.parametrize("end", ["DISCARD", "RESET"])
def test_a_transaction_that_is_given_up_is_watched_by_nobody(world: World, end: str) -> None:
    begin(world, world.key_of(1))(end)
    assert nobody_watches(world)


def test_unwatch_ends_watches_elsewhere(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    client.ask(f"WATCH {key}", "UNWATCH")
    assert nobody_watches(world)
    world.client(1)("SET", key, "1")
    assert client.ask("MULTI", f"INCR {key}", "EXEC")[2] == [2]


def test_a_client_that_goes_is_watched_by_nobody(world: World) -> None:
    begin(world, world.key_of(1)).close()
    assert nobody_watches(world)


def test_an_unwatch_whose_connection_is_lost_leaves_nothing(world: World) -> None:
    client = world.client(0)
    client.send(f"WATCH {world.key_of(1)}", "UNWATCH")
    world.lose(0, 1)
    client.wait(2)
    assert nobody_watches(world)


def test_a_watch_that_is_refused_is_set_by_nobody_else(world: World) -> None:
    key = world.key_of(1)
    client = world.client(0)
    world.hand_over([key], 0, 2)
    client.send(f"WATCH {key}", "MULTI", f"INCR {key}")
    client.wait(3)
    assert client("EXEC") is None
    assert nobody_watches(world)


def test_keys_of_several_slots_are_refused(world: World) -> None:
    one, other = world.keys_of(1, 2)
    client = world.client(0)
    assert client("WATCH", one, other).code == "CROSSSLOT"
    assert client.ask("MULTI", f"INCR {one}", f"INCR {other}", "EXEC")[3].code == "CROSSSLOT"
    client.ask(f"WATCH {one}", "MULTI", f"INCR {other}")
    assert client("EXEC").code == "CROSSSLOT"
    assert client("PING") == b"PONG"
    assert nobody_watches(world)


def test_a_command_that_concerns_everybody_cannot_be_queued(world: World) -> None:
    client = world.client(0)
    replies = client.ask("MULTI", "DBSIZE", "EXEC")
    assert isinstance(replies[1], ErrorReply)
    assert replies[2].code == "EXECABORT"


def test_a_command_about_the_session_cannot_run_elsewhere(world: World) -> None:
    client = world.client(0)
    replies = client.ask("MULTI", "CLIENT SETNAME x", f"INCR {world.key_of(1)}", "EXEC")
    assert "CLIENT" in replies[3].message
    assert client("GET", world.key_of(1)) is None


@pytest.mark.parametrize(
    ("words", "index"),
    [("SELECT 3", 3), ("SELECT 99", 0), ("SELECT 03", 0), ("SELECT x", 0), ("SELECT " + "9" * 5000, 0)],
)
def test_a_select_within_is_valid_afterwards_if_it_was_there(world: World, words: str, index: int) -> None:
    client, key = world.client(0), world.key_of(1)
    client.ask("MULTI", words, f"SET {key} v", "EXEC")
    assert client.record.db_index == index
    assert client("GET", key) == b"v"
    client("SELECT", 3 - index)
    assert client("GET", key) is None


def test_a_select_that_fails_leaves_the_one_before(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    client.ask("MULTI", "SELECT 3", "SELECT 99", f"SET {key} v", "EXEC")
    assert client("GET", key) == b"v"


def test_a_select_of_a_transaction_that_runs_nothing_is_none(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    client.ask(f"WATCH {key}", "MULTI", "SELECT 3", f"SET {key} v")
    world.client(1)("SET", key, "other")
    assert client("EXEC") is None
    assert client("GET", key) == b"other"


def test_watches_know_databases(world: World) -> None:
    client, other, key = world.client(0), world.client(1), world.key_of(1)
    client.ask("SELECT 2", f"WATCH {key}", "MULTI", f"INCR {key}")
    other("SET", key, "1")
    assert client("EXEC") == [1]
    client.ask(f"WATCH {key}", "MULTI", f"INCR {key}")
    other.ask("SELECT 2", f"SET {key} 5")
    assert client("EXEC") is None


def test_what_follows_waits_without_being_looked_at_again_and_again(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    world.peers[1].stop()
    client.send("MULTI", f"INCR {key}", "EXEC", f"GET {key}", "PING")
    wakes = client.wakes
    assert not client.session.is_hungry
    assert not client.session.wants_input
    world.run(0.5)
    assert client.wakes == wakes
    world.peers[1].go_on()
    assert client.wait(5)[2:] == [[1], b"1", b"PONG"]


def test_an_exec_during_a_change_of_owners_waits_its_turn(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    world.hand_over([key], 0, 2)
    client.send(f"SET {key} 1", "MULTI", f"INCR {key}")
    world.peers[1].stop()
    world.until(lambda: world.peers[0].sends_to(key) != 1)
    client.send("EXEC")
    world.run(0.05)
    world.peers[1].go_on()
    reply = client.wait(4)[3]
    assert reply == [2]
    assert client("PING") == b"PONG"


def test_an_exec_in_time_out_frees_its_client(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    world.peers[1].stop()
    client.send("MULTI", f"INCR {key}", "EXEC", "PING")
    replies = client.wait(4)
    assert (replies[2].code, replies[3]) == ("TIMEOUT", b"PONG")
    world.peers[1].go_on()
    assert nobody_watches(world)


def test_a_client_that_goes_during_its_exec_leaves_nothing(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    client.send(f"WATCH {key}", "MULTI", f"INCR {key}", "EXEC")
    client.close()
    assert nobody_watches(world)
    assert world.client(0)("GET", key) == b"1"


def test_a_transaction_waits_for_a_busy_key(world: World) -> None:
    key = world.key_of(1)
    world.client(1).send(f"DEBUG OWNER-SLEEP {key} 2")
    world.run(0.01)
    client, began_s = world.client(0), world.now_s
    client.send("MULTI", f"INCR {key}", "EXEC", "PING")
    assert client.wait(4) == [b"OK", b"QUEUED", [1], b"PONG"]
    assert world.now_s - began_s > 1.9
    assert nobody_watches(world)


def test_watches_of_two_connections_end_where_they_were_set(world: World) -> None:
    ours, theirs = begin(world, world.key_of(1)), world.client(1)
    theirs.ask(f"WATCH {world.key_of(1)}")
    ours.close()
    world.settle()
    assert world.peers[1].watched == 1
    theirs("UNWATCH")
    assert nobody_watches(world)


def test_a_transaction_that_runs_elsewhere_may_publish() -> None:
    world = World(2)
    subscriber = world.client(0)
    subscriber("SUBSCRIBE c")
    world.run(0.5)
    replies = world.client(0).ask("MULTI", f"SET {world.key_of(1)} 1", "PUBLISH c news", "EXEC")
    assert replies[3] == [b"OK", 1]
