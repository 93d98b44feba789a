"""Commands keep their order and get an answer while partitions change hands, nodes refuse, die, or say nothing."""

import pytest

from respcache.cluster.bus import rooms
from respcache.cluster.bus.channel import COMMANDS
from respcache.cluster.replication import syncing
from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.histories import live
from tests.cluster.bus.pair import World
from tests.thoroughness import IS_THOROUGH


def give_away(world: World, *active: int, count: int = 1) -> list[str]:
    """Let node 1 give its keys to others; return some that it has just given away, of which nobody has heard."""
    return world.hand_over(world.keys_of(1, 150), *active, count=count)


def let_hear(world: World, number: int, *keys: str) -> None:
    """Let time pass until a node knows that node 1 serves these keys no more."""
    world.until(lambda: all(world.peers[number].sends_to(key) != 1 for key in keys))


def nothing_is_left(world: World) -> bool:
    world.settle()
    return not any(peer.leftovers() for peer in world.peers if not peer.is_dead)


def test_what_follows_waits_until_the_old_owner_has_answered() -> None:
    world = World(3)
    key = give_away(world, 0, 2)[0]
    client = world.client(0)
    client.send(f"SET {key} 1")
    world.peers[1].stop()  # it will refuse, while the next is known already
    let_hear(world, 0, key)
    client.send(f"APPEND {key} 2", f"GET {key}")
    world.run(0.05)
    assert client.replies() == []
    world.peers[1].go_on()
    assert client.wait(3) == [b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_what_follows_waits_when_the_partition_becomes_ours() -> None:
    world = World(2, active=[1])
    key = give_away(world, 0)[0]
    client = world.client(0)
    client.send(f"SET {key} 1")
    world.until(lambda: world.peers[0].owns(key))
    client.send(f"APPEND {key} 2", f"GET {key}")
    assert client.replies() == []
    assert client.wait(3) == [b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_what_was_written_before_a_partition_moves_is_there_afterwards() -> None:
    world = World(3)
    keys = world.keys_of(1, 50)
    client = world.client(0)
    client.ask(*(f"SET {key} {key}" for key in keys))
    world.move(0, 2)
    world.rest()
    assert not any(world.peers[1].owns(key) for key in keys)
    assert client.ask(*(f"GET {key}" for key in keys)) == [key.encode() for key in keys]
    assert nothing_is_left(world)


@pytest.mark.parametrize("returns_after_s", [0.0, 0.2, 0.25, 1.0])
def test_a_partition_that_comes_back_has_what_was_written_meanwhile(returns_after_s: float) -> None:
    world = World(2, active=[1])
    client = world.client(0)
    client("SET", "k", "old")
    world.move(0)
    world.run(returns_after_s)
    client("SET", "k", "new")
    world.move(1)
    world.rest()
    assert world.peers[1].owns("k")
    assert not world.peers[0].node.keyspace.databases[0].entries
    assert client("GET", "k") == b"new"


def test_a_partition_stays_until_the_commands_have_run_that_wait_for_a_busy_key() -> None:
    world = World(2, active=[1])
    world.client(1).send("DEBUG OWNER-SLEEP k 2")
    world.run(0.01)
    client = world.client(0)
    client.send("SET k late", "GET k")
    world.move(0)
    world.run(1.5)
    assert world.peers[1].owns("k")
    world.rest()
    assert world.peers[0].owns("k")
    assert client.wait(2) == [b"OK", b"late"]
    assert world.client(1)("GET", "k") == b"late"
    assert nothing_is_left(world)


def test_others_are_served_although_our_own_commands_wait() -> None:
    world = World(3, active=[1])
    key = give_away(world, 0)[0]
    ours, theirs = world.client(0), world.client(2)
    ours.send(f"SET {key} 1")
    world.peers[1].stop()
    let_hear(world, 2, key)
    assert theirs(f"SET {key} 2") == b"OK"
    assert ours.replies() == []


def test_what_is_answered_already_holds_nothing_back_though_the_rest_of_its_frame_is_not() -> None:
    world = World(3)
    busy = world.key_of(1, "busy")
    world.client(1).send(f"DEBUG OWNER-SLEEP {busy} 2")
    world.run(0.01)
    keys = world.keys_of(1, 150)
    world.client(0).send(f"GET {busy}", *(f"SET {key} 1" for key in keys))
    world.run(0.1)
    key = world.hand_over(keys, 0, 2)[0]
    let_hear(world, 0, key)
    client = world.client(0)
    client.send(f"GET {key}")
    world.run(0.05)
    assert client.replies() == [b"1"]


@pytest.mark.parametrize("is_lost_first", [True, False])
def test_a_connection_lost_amid_a_change_does_not_close_the_partition(is_lost_first: bool) -> None:
    world = World(3)
    key = give_away(world, 0, 2)[0]
    client = world.client(0)
    client.send(f"SET {key} 1")
    if is_lost_first:
        world.lose(0, 1)
    let_hear(world, 0, key)
    world.lose(0, 1)
    client.send(f"GET {key}")
    assert client.wait(2) == [b"OK", b"1"]
    assert nothing_is_left(world)


@pytest.mark.parametrize("is_handed_over", [True, False])
def test_an_old_owner_that_dies_amid_a_change_does_not_close_the_partition(is_handed_over: bool) -> None:
    world = World(3)
    key = give_away(world, 0, 2)[0]
    client = world.client(0)
    client.send(f"SET {key} 1")
    if is_handed_over:
        world.peers[1].stop()
        let_hear(world, 0, key)
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
    world.peers[0].remember(2)
    client = world.client(0)
    assert client("SET", key, "1") == b"OK"
    assert [world.peers[0].channel(number).forwarded for number in (1, 2)] == [1, 1]
    assert world.client(1)("GET", key) == b"1"
    assert nothing_is_left(world)


def believe_each_other(world: World) -> None:
    """Let nobody serve anything, and everybody name another who does."""
    for number, server in ((0, 1), (1, 2), (2, 1)):
        world.peers[number].remember(server)


def test_nobody_who_sees_itself_as_the_owner_is_no_reason_to_hang() -> None:
    world = World(3, active=[])
    believe_each_other(world)
    began_s = world.now_s
    reply = world.client(0)("SET", "k", "1")
    assert isinstance(reply, ErrorReply)
    assert reply.code in {"TRYAGAIN", "TIMEOUT"}
    assert 1.0 <= world.now_s - began_s < 1.1
    assert nothing_is_left(world)


def test_a_command_that_is_passed_round_is_sent_three_times_and_then_rests() -> None:
    world = World(3, active=[], delay_s=(0.001, 0.001))
    believe_each_other(world)
    world._next_tick_s += 100  # no time passes for those who rest
    world.client(0).send("SET k 1")
    world.settle(1.0)
    sent = [world.peers[0].channel(number).forwarded for number in (1, 2)]
    assert sent == [2, 1]


def test_what_follows_a_refused_command_does_not_overtake_it() -> None:
    world = World(3, active=[])
    believe_each_other(world)
    client = world.client(0)
    client.send("SET k 1")
    world.run(0.1)
    client.send("APPEND k 2")
    world.run(0.05)
    assert client.replies() == []
    world.peers[1].serve("k")
    client.send("GET k")
    assert client.wait(3) == [b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_a_node_that_knows_no_owner_waits_for_one() -> None:
    world = World(2, active=[])
    client = world.client(0)
    client.send("SET k 1", "MSET {k}a 1 b 2", "APPEND k 2")
    world.run(0.1)
    client.send("GET k")
    world.move(1)
    assert client.wait(4) == [b"OK", b"OK", 2, b"12"]
    assert nothing_is_left(world)


def test_a_part_that_is_refused_is_sent_again() -> None:
    world = World(4, active=[0, 1])
    keys = give_away(world, 0, 1, 2, 3, count=30)
    world.lose(1, 2)  # what is meant for node 2 is served by nobody: it has not heard of it
    client = world.client(0)
    client.send("MSET " + " ".join(f"{key} {key}" for key in keys))
    refusing = world.wire(0, 1).inlet
    world.until(lambda: refusing._refusals >= 2)  # the whole, and then a part
    assert client.replies() == []
    assert any(world.peers[3].owns(key) for key in keys)
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
    key = give_away(world, 0, 2)[0]
    clients = [world.client(0) for _ in range(COMMANDS // 1000 + 1)]
    clients[0].send(f"SET {key} 1")
    world.peers[1].stop()
    let_hear(world, 0, key)
    for client in clients:
        client.send(*[f"INCR {key}"] * 1000)
    assert [reply.code for reply in world.client(0).ask(f"INCR {key}")] == ["TRYAGAIN"]
    world.peers[1].go_on()
    assert nothing_is_left(world)
    assert world.peers[0].hub.directory.rooms.size_bytes == 0


def test_all_rooms_together_hold_a_bounded_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "ROOMS_BYTES", 1000)
    world = World(3)
    keys = give_away(world, 0, 2, count=8)[:8]
    client = world.client(0)
    client.send(*(f"SET {key} 1" for key in keys))
    world.peers[1].stop()
    let_hear(world, 0, *keys)
    client.send(*([b"SET", key.encode(), b"x" * 200] for key in keys))
    assert 1000 < world.peers[0].hub.directory.rooms.size_bytes < 1300
    world.kill(1)
    replies = client.wait(16)
    assert replies[:13] == [b"OK"] * 13
    assert {reply.code for reply in replies[13:]} == {"TRYAGAIN"}
    assert nothing_is_left(world)


def test_a_part_of_a_command_holds_back_all_of_its_keys() -> None:
    world = World(3)
    client = world.client(0)
    client.ask(*(f"SET {key} old" for key in world.keys_of(1, 150)))
    one, other = give_away(world, 0, 2, count=2)[:2]
    client.send(f"MGET {one} {other}")
    world.peers[1].stop()
    let_hear(world, 0, one, other)
    client.send(f"SET {other} new")
    world.run(0.05)
    world.peers[1].go_on()
    assert client.wait(2) == [[b"old", b"old"], b"OK"]
    assert nothing_is_left(world)


def test_a_command_is_cut_anew_when_its_keys_part() -> None:
    world = World(4, active=[0, 1])
    keys = give_away(world, 0, 1, 2, 3, count=30)
    client = world.client(0)
    client.send("MSET " + " ".join(f"{key} {key}" for key in keys))
    world.run(0.01)
    assert {world.server_of(key).number for key in keys} == {2, 3}
    client.send("MGET " + " ".join(keys))
    assert client.wait(2) == [b"OK", [key.encode() for key in keys]]
    assert nothing_is_left(world)


@pytest.mark.parametrize(
    ("seed", "lost", "copies", "lanes"),
    [
        # Each of these fails where what follows a refused command does not wait for it; the first and the fourth also
        # where what is on its way to an old owner holds nothing back.
        (0, 60, 1, 1),
        (26, 0, 1, 1),
        (1, 0, 2, 2),
        (5, 200, 3, 2),
        (49, 200, 2, 2),  # what had run was sent to the next server, which ran it again
        *(((seed, lost, 1, 1) for seed in range(12) for lost in (0, 60)) if IS_THOROUGH else ()),
    ],
)
def test_the_order_of_commands_and_their_effects_survive_changes_of_owners(
    seed: int, lost: int, copies: int, lanes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "COALESCE_S", 0.0)
    monkeypatch.setattr(syncing, "HANDED", 64)  # in little time
    world = World(4, seed=seed, cuts=True, active=[0, 1, 2], copies=copies, lanes=lanes)
    moved: list[int] = []
    world.peers[3].hub.on_view.append(moved.extend)
    histories = live(world, turns=69, lost=lost)
    assert [fault for history in histories for fault in history.faults()] == []
    assert len(moved) > (200 if lost else 800)
    assert nothing_is_left(world)
