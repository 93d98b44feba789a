"""A cluster answers as one server does, whatever is asked of whichever node."""

from collections.abc import Sequence

import pytest

from respcache.cluster.replication.copy_reads import CopyReads
from respcache.commands.cluster_partitions import rows
from respcache.commands.cluster_view import PartitionState
from respcache.keyspace.slots import PARTITIONS
from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.pair import World, world_of
from tests.cluster.bus.wires import wire_of
from tests.cluster.e2e.pipelines import random_pipeline
from tests.commands.cluster import FakeCluster, cluster_of_two
from tests.commands.harness import Harness
from tests.commands.loaders import FakeControls
from tests.thoroughness import seeds


@pytest.fixture
def world() -> World:
    return world_of(3)


ALONE = Harness()


def answers_of_one(commands: Sequence[Sequence[bytes]], protocol: int) -> bytes:
    """Return what a server that is alone answers, byte for byte."""
    client = ALONE.client(protocol)
    client("FLUSHALL")
    client.session.receive(b"".join(map(wire_of, commands)))
    while client.session.is_hungry:
        client.session.resume()
    return b"".join(client.session.take_output())


@pytest.mark.parametrize("lanes", [1, 3])
def test_a_pipeline_of_anything_is_answered_as_by_one_server(lanes: int) -> None:
    world = World(3, cuts=True, lanes=lanes)
    for seed in (25 * lanes + number for number in seeds(10, 25)):
        commands, protocol = random_pipeline(seed, 100), 2 + seed % 2
        client = world.client(seed % 3, protocol)
        client("FLUSHALL")
        client.send(*commands)
        world.settle()
        assert client.take_output() == answers_of_one(commands, protocol), seed
        client.close()
    assert [peer.leftovers() for peer in world.peers] == [[], [], []]


@pytest.mark.parametrize("seed", seeds(3, 12))
def test_a_pipeline_is_answered_so_although_connections_are_lost(seed: int) -> None:
    commands = [words for words in random_pipeline(seed, 150) if words[0] not in {b"MULTI", b"EXEC"}]
    world = World(3, seed=seed, cuts=True)

    def lose_some(number: int) -> None:
        if number % 7 == seed % 7:
            world.lose(0, world.chance.randrange(1, 3))

    world.before_delivery = lose_some
    client = world.client(0)
    for start in range(0, len(commands), 10):
        client.send(*commands[start : start + 10])
        world.run(0.002)
    world.run(0.1)
    world.before_delivery = lambda number: None
    world.settle()
    assert client.take_output() == answers_of_one(commands, 3)


def test_replies_come_in_the_order_of_the_commands(world: World) -> None:
    far, near = world.key_of(1), world.key_of(0)
    client = world.client(0)
    client.send(f"SET {far} far", f"SET {near} near", "PING", f"GET {far}", "ECHO x", f"GET {near}")
    assert client.replies() == []
    assert client.wait(6) == [b"OK", b"OK", b"PONG", b"far", b"x", b"near"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_commands_on_many_keys_are_cut_and_joined(world: World, protocol: int) -> None:
    keys = [key for number in (2, 0, 1) for key in world.keys_of(number, 2)]
    client = world.client(0, protocol)
    values = [b"v:" + key.encode() for key in keys]
    assert client("MSET", *(word for pair in zip(keys, values, strict=True) for word in pair)) == b"OK"
    assert client("MGET", *keys, "none", *keys[::-1]) == [*values, None, *values[::-1]]
    assert client("EXISTS", *keys, *keys, "none") == 12
    assert client("TOUCH", *keys, "none") == 6
    assert client("DEL", *keys[:3], "none") == 3
    assert client("UNLINK", *keys) == 3


def with_loaders(world: World) -> list[FakeControls]:
    """Let each node have loaders that know its own keys only."""
    every = []
    for number, peer in enumerate(world.peers):
        controls = peer.node.loads = FakeControls()
        controls.states = {key.encode(): f"at{number}" for key in world.keys_of(number, 2)}
        every.append(controls)
    return every


def test_subcommands_on_many_keys_are_cut_behind_their_two_words(world: World) -> None:
    loaders = with_loaders(world)
    keys = [key for number in (2, 0, 1) for key in world.keys_of(number, 2)]
    client = world.client(0)
    expected = [b"at2", b"at2", b"at0", b"at0", b"at1", b"at1"]
    assert client("LOADER", "STATE", *keys, "none", *keys[::-1]) == [*expected, None, *expected[::-1]]
    assert client("LOADER", "REQUEST", *keys, "none") == 6
    assert client("LOADER", "FORGET", *keys[:3], "none") == 3
    asked = [[key for _, _, key in controls.calls if key != b"none"] for controls in loaders]
    assert [len(calls) for calls in asked] == [3, 2, 4]
    assert all(set(calls) == set(controls.states) for calls, controls in zip(asked, loaders, strict=True))
    one = world.key_of(1)
    assert client("LOADER", "STATE", one) == [b"at1"]
    assert client("SET", one, "value") == b"OK"
    assert client("LOADER", "PEEK", one) == b"value"
    assert client("LOADER", "STATE").code == "ERR"


def test_a_loader_is_paused_at_all_members(world: World) -> None:
    loaders = with_loaders(world)
    client = world.client(1)
    assert client("LOADER", "PAUSE", "users") == b"OK"
    assert [controls.paused for controls in loaders] == [["users"]] * 3
    assert client("LOADER", "RESUME", "users") == b"OK"
    assert [controls.paused for controls in loaders] == [[]] * 3
    assert "no loader is called 'nobody'" in client("LOADER", "PAUSE", "nobody").message


def test_an_error_in_a_part_is_the_answer(world: World) -> None:
    client = world.client(0)
    busy = world.key_of(1)
    world.peers[1].stop()
    reply = client("MGET", world.key_of(0), busy, world.key_of(2))
    assert reply.code == "TIMEOUT"


def test_words_that_do_not_pair_change_nothing(world: World) -> None:
    keys = [world.key_of(number) for number in range(3)]
    client = world.client(0)
    reply = client("MSET", keys[0], "1", keys[1], "2", keys[2])
    assert "wrong number of arguments" in reply.message
    assert client("EXISTS", *keys) == 0


def test_commands_whose_keys_must_live_together_are_refused_elsewhere(world: World) -> None:
    client = world.client(0)
    one, other = world.keys_of(1, 2)
    assert client("RENAME", one, other).code == "CROSSSLOT"
    assert client("SET", "{t}a", "1") == b"OK"
    assert client("RENAME", "{t}a", "{t}b") == b"OK"


def test_databases_are_forwarded(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    client.ask(f"SET {key} zero", "SELECT 5", f"SET {key} five")
    assert client("GET", key) == b"five"
    client("SELECT", 0)
    assert client("GET", key) == b"zero"


def test_a_client_may_change_its_protocol_amid_a_pipeline(world: World) -> None:
    client, key = world.client(0, 2), world.key_of(1)
    client.send(f"GET {key}", "HELLO 3", f"GET {key}", f"HGETALL {key}")
    world.settle()
    output = client.take_output()
    assert output.startswith(b"$-1\r\n%")
    assert output.endswith(b"_\r\n%0\r\n")


def test_questions_about_everything_reach_everybody(world: World) -> None:
    keys = [key for number in range(3) for key in world.keys_of(number, 4)]
    client = world.client(1)
    client.ask(*(f"SET {key} x" for key in keys), "SELECT 1", "SET other x", "SELECT 0")
    assert client("DBSIZE") == 12
    assert sorted(client("KEYS", "*")) == sorted(key.encode() for key in keys)
    assert client("FLUSHDB") == b"OK"
    assert client.ask("DBSIZE", "SELECT 1", "DBSIZE") == [0, b"OK", 1]
    assert client("FLUSHALL") == b"OK"
    assert client("DBSIZE") == 0


def test_a_question_about_everything_fails_with_one_node(world: World) -> None:
    world.peers[2].stop()
    client = world.client(0)
    client.send("DBSIZE", "PING")
    size, pong = client.wait(2)
    assert (size.code, pong) == ("TIMEOUT", b"PONG")


def with_views(world: World) -> list[FakeCluster]:
    """Let each node show that it serves its third of the partitions, with no copies to be had."""
    shared: list[FakeCluster] = []
    for peer in world.peers:
        view = cluster_of_two()
        me = peer.id.hex()
        served = [p for p in range(PARTITIONS) if peer.hub.directory.owned[p]]
        view.states = [PartitionState(partition, 1, 0, me, (me,), ()) for partition in served]
        peer.node.cluster = view
        shared.append(view)
    return shared


@pytest.mark.parametrize("is_redirected", [False, True])
def test_all_members_are_asked_on_either_port_before_a_cluster_is_called_safe(is_redirected: bool) -> None:
    world = World(3)
    views = with_views(world)
    client = world.client(1, is_redirected=is_redirected)
    assert client("CLUSTER SAFE") == b"OK"
    assert len(client("CLUSTER PARTITIONS")) == sum(len(rows(view.states)) for view in views)
    views[2].states.pop()
    assert client("CLUSTER SAFE").message == "degraded 0, moving 0, unserved 1"


def test_a_cluster_with_a_member_that_does_not_answer_is_not_safe() -> None:
    world = World(3)
    with_views(world)
    world.peers[2].stop()
    client = world.client(0)
    client.send("CLUSTER SAFE", "PING")
    unsafe, pong = client.wait(2)
    assert (unsafe.code, pong) == ("UNSAFE", b"PONG")
    assert "no answer from a member: TIMEOUT" in unsafe.message


def test_who_owns_nothing_is_asked_too() -> None:
    world = World(3, active=[0, 1])
    views = with_views(world)
    views[2].set_aside = 3
    assert "3 to be merged" in world.client(0)("CLUSTER SAFE").message


def test_a_node_that_dies_while_it_is_asked_is_told_of(world: World) -> None:
    client = world.client(0)
    client.send("DBSIZE")
    world.kill(2)
    assert client.wait(1)[0].code == "TRYAGAIN"
    assert client("DBSIZE") == 0


def test_a_silenced_client_gets_no_replies_from_elsewhere(world: World) -> None:
    client, key = world.client(0), world.key_of(1)
    client.send("CLIENT REPLY OFF", f"SET {key} 1", f"INCR {key}")
    world.settle()
    assert client.take_output() == b""
    assert client.ask("CLIENT REPLY ON", f"GET {key}") == [b"OK", b"2"]
    client.send("CLIENT REPLY SKIP", f"INCR {key}", "PING")
    assert client.wait(1) == [b"PONG"]


def test_a_jammed_client_goes_on_when_half_is_answered(world: World) -> None:
    key = world.key_of(1)
    world.peers[1].stop()
    clients = [world.client(0) for _ in range(5)]
    for client in clients:
        client.send(*[f"INCR {key}"] * 1000)
    channel = world.peers[0].channel(1)
    assert 4096 < channel.count < 4096 + 1024 + 64
    assert not clients[-1].session.wants_input
    assert clients[0].session.jams == 0
    world.peers[1].go_on()
    assert [len(client.wait(1000)) for client in clients] == [1000] * 5
    assert [peer.leftovers() for peer in world.peers] == [[], [], []]
    assert clients[-1].session.wants_input


def test_big_values_jam_their_client(world: World) -> None:
    key = world.key_of(1).encode()
    world.peers[1].stop()
    client = world.client(0)
    client.send(*[[b"SET", key, b"x" * (1 << 20)]] * 12, "PING")
    assert 8 << 20 < world.peers[0].channel(1).size_bytes < 10 << 20
    assert client.session.jams == 1
    world.peers[1].go_on()
    assert client.wait(13) == [*[b"OK"] * 12, b"PONG"]
    assert [peer.leftovers() for peer in world.peers] == [[], [], []]


def test_a_jam_ends_with_the_node_that_caused_it(world: World) -> None:
    key = world.key_of(1).encode()
    world.peers[1].stop()
    client = world.client(0)
    client.send(*[[b"SET", key, b"x" * (1 << 20)]] * 12, "PING")
    world.kill(1)
    assert client.wait(13) == [*[b"OK"] * 12, b"PONG"]
    assert client.session.jams == 0


def test_a_client_that_goes_while_it_is_jammed_leaves_nothing(world: World) -> None:
    key = world.key_of(1).encode()
    world.peers[1].stop()
    client = world.client(0)
    client.send(*[[b"SET", key, b"x" * (1 << 20)]] * 12)
    client.close()
    world.peers[1].go_on()
    world.settle()
    assert [peer.leftovers() for peer in world.peers] == [[], [], []]


# -- the cluster port ------------------------------------------------------------


def test_a_redirected_client_is_told_where_keys_live(world: World) -> None:
    client = world.client(0, is_redirected=True)
    for words in (
        ("GET", world.key_of(1)),
        ("MGET", world.key_of(1)),
        ("WATCH", world.key_of(1)),
        ("HGETALL", world.key_of(1)),
    ):
        reply = client(*words)
        assert (reply.code, reply.message.split()[1]) == ("MOVED", "127.0.0.1:8002")
    assert client("GET", world.key_of(0)) is None


def test_a_redirected_client_is_refused_keys_of_several_slots(world: World) -> None:
    client = world.client(0, is_redirected=True)
    one, other = world.keys_of(0, 2)
    assert client("MGET", one, other).code == "CROSSSLOT"
    assert client("MSET", one, "1", other, "2").code == "CROSSSLOT"


def test_a_redirected_client_asks_one_node_only(world: World) -> None:
    keys = [key for number in range(3) for key in world.keys_of(number, 2)]
    world.client(0)("MSET", *(word for key in keys for word in (key, "1")))
    client = world.client(0, is_redirected=True)
    assert client("DBSIZE") == 2
    assert sorted(client("KEYS", "*")) == sorted(key.encode() for key in world.keys_of(0, 2))
    assert client("SCAN", 0, "COUNT", 100)[0] == b"0"


def test_a_client_that_reads_copies_is_answered_here_where_one_is_and_sent_on_for_all_else() -> None:
    world = World(2)
    node, key = world.peers[0].node, world.key_of(1)
    node.cluster = cluster_of_two()
    world.client(1)(f"SET {key} 1")
    database = world.peers[1].node.keyspace.databases[0]
    world.peers[0].hub.router.copies = CopyReads(node, lambda p, db, key: database.find(key), lambda p: True)
    client = world.client(0, is_redirected=True)
    assert client(f"GET {key}").code == "MOVED"
    assert client("READONLY") == b"OK"
    assert client.ask(f"GET {key}", f"MGET {key}", f"HGET {key} f", f"SET {key} 2")[:2] == [b"1", [b"1"]]
    assert client(f"HGET {key} f").code == "WRONGTYPE"
    assert client(f"SET {key} 2").code == "MOVED"
    assert client("READWRITE") == b"OK"
    assert client(f"GET {key}").code == "MOVED"


def test_on_the_port_that_forwards_readonly_changes_nothing() -> None:
    world = World(2)
    node = world.peers[0].node
    node.cluster = cluster_of_two()
    world.peers[0].hub.router.copies = CopyReads(node, lambda p, db, key: None, lambda p: True)
    client, key = world.client(0), world.key_of(1)
    assert client.ask(f"SET {key} 1", "READONLY", f"GET {key}") == [b"OK", b"OK", b"1"]


def test_a_redirected_client_is_moved_with_its_transaction(world: World) -> None:
    client, key = world.client(0, is_redirected=True), world.key_of(1)
    replies = client.ask("MULTI", f"INCR {key}", "EXEC")
    assert [reply.code for reply in replies[1:]] == ["MOVED", "EXECABORT"]


def test_a_redirected_client_hears_when_nobody_owns_a_key() -> None:
    world = World(2, active=[])
    reply = world.client(0, is_redirected=True)("GET", "k")
    assert isinstance(reply, ErrorReply)
    assert reply.code == "CLUSTERDOWN"


@pytest.mark.parametrize("owner", [0, 1])
def test_what_takes_the_long_way_is_forwarded_too(world: World, owner: int) -> None:
    client, key = world.client(0), world.key_of(owner)
    client("CLIENT", "NO-TOUCH", "on")
    assert client.ask(f"set {key} 1", f"InCr {key}", f"GET {key} x", f"object encoding {key}")[1] == 2
