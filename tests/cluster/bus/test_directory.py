"""Commands keep their order and get an answer while partitions change hands, nodes refuse, die, or say nothing."""

import pytest

from respcache.cluster.bus import rooms
from respcache.cluster.bus.channel import COMMANDS
from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.histories import History
from tests.cluster.bus.pair import World


def move(world: World, *active: int, besides: tuple[int, ...] = ()) -> None:
    """Let every node, besides some that have not heard of it, believe that these may own."""
    for peer in world.peers:
        if peer.number not in besides and not peer.is_dead:
            peer.see(active)


def nothing_is_left(world: World) -> bool:
    world.settle()
    return not any(peer.leftovers() for peer in world.peers if not peer.is_dead)


def test_what_follows_waits_until_the_old_owner_has_answered() -> None:
    world = World(3)
    key = world.key_of(1)
    client = world.client(0)
    client.send(f"SET {key} 1")
    move(world, 0, 2)  # node 1 refuses, while the next is there already
    client.send(f"APPEND {key} 2", f"GET {key}")
    assert client.wait(3) == [b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_what_follows_waits_when_the_partition_becomes_ours() -> None:
    world = World(2, active=[1])
    key = "k"
    client = world.client(0)
    client.send(f"SET {key} 1")
    move(world, 0)
    client.send(f"APPEND {key} 2", f"GET {key}")
    assert client.replies() == []
    assert client.wait(3) == [b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_others_are_served_although_our_own_commands_wait() -> None:
    world = World(3, active=[1])
    ours, theirs = world.client(0), world.client(2)
    world.peers[1].stop()
    ours.send("SET k 1")
    move(world, 0, besides=(1,))
    assert theirs("SET k 2") == b"OK"
    assert ours.replies() == []


@pytest.mark.parametrize("is_lost_first", [True, False])
def test_a_connection_lost_amid_a_change_does_not_close_the_partition(is_lost_first: bool) -> None:
    world = World(3)
    key = world.key_of(1)
    client = world.client(0)
    client.send(f"SET {key} 1")
    if is_lost_first:
        world.lose(0, 1)
    move(world, 0, 2)
    world.lose(0, 1)
    client.send(f"GET {key}")
    assert client.wait(2) == [b"OK", b"1"]
    assert nothing_is_left(world)


def test_an_old_owner_that_dies_amid_a_change_does_not_close_the_partition() -> None:
    world = World(3)
    key = world.key_of(1)
    client = world.client(0)
    client.send(f"SET {key} 1")
    move(world, 0, 2, besides=(1,))
    client.send(f"GET {key}")
    world.kill(1)
    assert client.wait(2) == [b"OK", b"1"]
    assert nothing_is_left(world)


def test_what_waits_for_a_dead_node_goes_to_the_new_owner_in_order() -> None:
    world = World(3)
    keys = world.keys_of(1, 20)
    client = world.client(0)
    world.peers[1].stop()
    client.send(*(f"APPEND {key} {turn}" for turn in "abc" for key in keys))
    world.kill(1)
    client.send(*(f"GET {key}" for key in keys))
    assert client.wait(80)[60:] == [b"abc"] * 20
    assert nothing_is_left(world)


def test_a_refused_command_goes_to_the_owner_that_was_named() -> None:
    world = World(3)
    key = world.key_of(1)
    world.peers[0].see([2])  # an old view
    client = world.client(0)
    assert client("SET", key, "1") == b"OK"
    assert world.client(1)("GET", key) == b"1"
    assert nothing_is_left(world)


def test_nobody_who_sees_itself_as_the_owner_is_no_reason_to_hang() -> None:
    world = World(3)
    world.peers[0].see([1])
    world.peers[1].see([2])
    world.peers[2].see([1])
    began_s = world.now_s
    reply = world.client(0)("SET", "k", "1")
    assert isinstance(reply, ErrorReply)
    assert reply.code in {"TRYAGAIN", "TIMEOUT"}
    assert 1.0 <= world.now_s - began_s < 1.1
    assert nothing_is_left(world)


def test_a_command_that_is_passed_round_is_sent_three_times_and_then_rests() -> None:
    world = World(3, delay_s=(0.001, 0.001))
    world.peers[0].see([1])
    world.peers[1].see([2])
    world.peers[2].see([1])
    world._next_tick_s += 100  # no time passes for those who rest
    world.client(0).send("SET k 1")
    world.settle(1.0)
    sent = [world.peers[0].channel(number).forwarded for number in (1, 2)]
    assert sent == [2, 1]


def test_what_follows_a_refused_command_does_not_overtake_it() -> None:
    world = World(3)
    world.peers[0].see([1])
    world.peers[1].see([2])
    world.peers[2].see([1])
    client = world.client(0)
    client.send("SET k 1")
    world.run(0.1)
    client.send("APPEND k 2")
    world.run(0.05)
    world.peers[1].see([1])
    client.send("GET k")
    assert client.wait(3) == [b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_a_node_that_knows_no_owner_waits_for_one() -> None:
    world = World(2, active=[])
    client = world.client(0)
    client.send("SET k 1", "MSET {k}a 1 b 2", "APPEND k 2")
    world.run(0.1)
    client.send("GET k")
    move(world, 1)
    assert client.wait(4) == [b"OK", b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_a_part_that_is_refused_is_sent_again() -> None:
    world = World(4, active=[0, 1])
    keys = world.keys_of(1, 30)
    client = world.client(0)
    client.send("MSET " + " ".join(f"{key} {key}" for key in keys))
    move(world, 0, 1, 2, 3, besides=(2,))
    world.run(0.2)
    assert client.replies() == []
    world.peers[2].see([0, 1, 2, 3])
    client.send("MGET " + " ".join(keys))
    assert client.wait(2) == [b"OK", [key.encode() for key in keys]]
    assert nothing_is_left(world)


def test_where_nobody_owns_anything_the_cluster_is_down() -> None:
    world = World(2, active=[])
    replies = world.client(0).ask("SET k 1", "GET k", "MSET a 1 b 2", "MGET a b")
    assert [reply.code for reply in replies] == ["CLUSTERDOWN"] * 4
    assert len(world.peers[0].node.keyspace.databases[0]) == 0
    assert nothing_is_left(world)


def test_a_command_that_was_sent_and_not_answered_may_have_run() -> None:
    world = World(2)
    world.peers[1].stop()
    reply = world.client(0)("INCR", world.key_of(1))
    assert reply.code == "TIMEOUT"
    world.peers[1].go_on()
    assert nothing_is_left(world)


def test_a_command_that_could_not_be_sent_has_not_run() -> None:
    world = World(2)
    world.reconnects = False
    world.lose(0, 1)
    key = world.key_of(1)
    assert world.client(0)("INCR", key).code == "TRYAGAIN"
    world.connect(world.peers[0], world.peers[1], 0)
    assert world.client(0)("INCR", key) == 1
    assert nothing_is_left(world)


def test_a_room_that_is_full_says_so() -> None:
    world = World(3)
    key = world.key_of(1)
    clients = [world.client(0) for _ in range(COMMANDS // 1000 + 1)]
    world.peers[1].stop()
    clients[0].send(f"SET {key} 1")
    move(world, 0, 2, besides=(1,))
    for client in clients:
        client.send(*[f"INCR {key}"] * 1000)
    assert [reply.code for reply in world.client(0).ask(f"INCR {key}")] == ["TRYAGAIN"]
    world.peers[1].go_on()
    assert nothing_is_left(world)
    assert world.peers[0].hub.directory.rooms.size_bytes == 0


def test_all_rooms_together_hold_a_bounded_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "ROOMS_BYTES", 1000)
    world = World(3)
    keys = world.keys_of(1, 8)
    client = world.client(0)
    world.peers[1].stop()
    client.send(*(f"SET {key} 1" for key in keys))
    move(world, 0, 2, besides=(1,))
    client.send(*([b"SET", key.encode(), b"x" * 200] for key in keys))
    assert 1000 < world.peers[0].hub.directory.rooms.size_bytes < 1300
    world.kill(1)
    replies = client.wait(16)
    assert replies[:13] == [b"OK"] * 13
    assert {reply.code for reply in replies[13:]} == {"TRYAGAIN"}
    assert nothing_is_left(world)


def test_a_part_of_a_command_holds_back_all_of_its_keys() -> None:
    world = World(3)
    one, other = world.keys_of(1, 2)
    client = world.client(0)
    client.ask(f"MSET {one} a {other} b")
    client.send(f"MGET {one} {other}")
    move(world, 0, 2)
    client.send(f"SET {other} new")
    reply, _ = client.wait(2)
    assert b"new" not in reply
    assert nothing_is_left(world)


def test_a_command_is_cut_anew_when_its_keys_part() -> None:
    world = World(4, active=[0, 1])
    keys = world.keys_of(1, 30)
    client = world.client(0)
    client.send("MSET " + " ".join(f"{key} {key}" for key in keys))
    move(world, 0, 1, 2, 3)
    client.send("MGET " + " ".join(keys))
    assert client.wait(2) == [b"OK", [key.encode() for key in keys]]
    assert nothing_is_left(world)


def tell_one_after_the_other(world: World, active: list[int]) -> None:
    for peer in world.peers:
        world.after(world.chance.uniform(0, 0.005), lambda peer=peer: peer.see(active))  # type: ignore[misc]


@pytest.mark.parametrize("lost", [0, 60], ids=["well", "lossy"])
@pytest.mark.parametrize("seed", [0, 5, 9, 26])
def test_the_order_of_commands_survives_changes_of_owners(seed: int, lost: int) -> None:
    world = World(4, seed=seed, cuts=True, active=[0, 1, 2])

    def lose_some(number: int) -> None:
        if lost and not world.chance.randrange(lost):
            world.lose(*world.chance.sample(range(4), 2))

    world.before_delivery = lose_some
    histories = [History(world, world.client(node), f"c{at}") for at, node in enumerate((0, 0, 1))]
    for turn in range(1, 50):
        for history in histories:
            history.go_on(turn)
        world.run(world.chance.uniform(0, 0.002))
        if turn % 12 == 6:
            world.run(0.005)  # all have heard of the last change
            tell_one_after_the_other(world, [0, 1, 2, 3] if turn % 24 == 6 else [0, 1, 2])
    world.run(0.2)
    world.before_delivery = lambda number: None
    assert [fault for history in histories for fault in history.faults()] == []
    assert nothing_is_left(world)
