"""A walk meets every key of every node, and ends."""

import pytest

from respcache.cluster.bus.walking import TAG_MASK, order_id, tags, with_cursor
from tests.cluster.bus.pair import World, world_of
from tests.cluster.bus.wires import Caller


@pytest.fixture
def world() -> World:
    return world_of(3)


def walk(client: Caller, *options: str | int) -> list[bytes]:
    cursor, found = b"0", []
    for _ in range(1000):
        cursor, keys = client("SCAN", cursor, *options)
        found += keys
        if cursor == b"0":
            return found
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("asked", [0, 1, 2])
def test_a_walk_meets_each_key_once(world: World, asked: int, protocol: int) -> None:
    keys = [f"key:{number}" for number in range(100)]
    client = world.client(asked, protocol)
    client("MSET", *(word for key in keys for word in (key, "x")))
    assert sorted(walk(client, "COUNT", 7)) == sorted(key.encode() for key in keys)
    assert sorted(walk(client, "MATCH", "key:1*", "COUNT", 50)) == sorted(
        key.encode() for key in keys if key.startswith("key:1")
    )


def test_a_walk_may_go_on_at_another_node(world: World) -> None:
    clients = [world.client(number) for number in range(3)]
    clients[0]("MSET", *(word for number in range(60) for word in (f"k{number}", "x")))
    cursor, found = b"0", []
    for turn in range(1000):
        cursor, keys = clients[turn % 3]("SCAN", cursor, "COUNT", 5)
        found += keys
        if cursor == b"0":
            break
    assert sorted(found) == sorted(b"k%d" % number for number in range(60))


def test_a_walk_goes_on_after_a_node_that_has_gone(world: World) -> None:
    client = world.client(0)
    client("MSET", *(word for number in range(90) for word in (f"k{number}", "x")))
    cursor, found = client("SCAN", 0, "COUNT", 1000)  # the first node's keys
    _, second = divmod(int(cursor), TAG_MASK + 1)
    gone = next(peer for peer in world.peers if tags([peer.id]) == [second])
    assert gone.number
    world.kill(gone.number)
    while cursor != b"0":
        cursor, keys = client("SCAN", cursor, "COUNT", 1000)
        found += keys
    assert {key for key in found if world.peers[0].owns(key)} >= set(
        world.peers[0].node.keyspace.databases[0].keys()
    )


@pytest.mark.parametrize("cursor", ["1", str(TAG_MASK), str(2**64 - 1), str(5 << 24)])
def test_a_cursor_that_nobody_gave_leads_to_an_end(world: World, cursor: str) -> None:
    client = world.client(0)
    client("MSET", *(word for number in range(20) for word in (f"k{number}", "x")))
    position: object = cursor
    for _ in range(100):
        position, _keys = client("SCAN", position)  # type: ignore[arg-type]
        if position == b"0":
            return
    raise AssertionError("no end")


def test_what_is_no_cursor_is_refused(world: World) -> None:
    client = world.client(0)
    assert client("SCAN", "x").message == "invalid cursor"
    assert client("SCAN", 0, "COUNT", "x").code == "ERR"


def test_a_random_key_is_found_wherever_it_is(world: World) -> None:
    client = world.client(0)
    assert client("RANDOMKEY") is None
    for number in range(3):
        key = world.key_of(number)
        client("SET", key, "1")
        assert client("RANDOMKEY") == key.encode()
        client("DEL", key)


def test_a_random_key_is_anybodys(world: World) -> None:
    client = world.client(0)
    keys = [world.key_of(number) for number in range(3)]
    client("MSET", *(word for key in keys for word in (key, "1")))
    assert {client("RANDOMKEY") for _ in range(40)} == {key.encode() for key in keys}


def test_two_nodes_with_one_tag_are_told_apart() -> None:
    ids = [b"\xff\xff\xff" + bytes(16) + bytes([number]) for number in range(3)]
    found = tags(ids)
    assert len(set(found)) == 3
    assert {order_id(ids, tag) for tag in found} == set(ids)
    assert 0 not in tags([bytes(20), *ids])


def test_a_refusal_has_no_cursor() -> None:
    assert with_cursor(b"-ERR no\r\n", 5, 6) == b"-ERR no\r\n"


def test_the_cursor_tells_node_and_place() -> None:
    wire = b"*2\r\n$1\r\n3\r\n*1\r\n$1\r\na\r\n"
    assert with_cursor(wire, 5, 6) == b"*2\r\n$8\r\n50331653\r\n*1\r\n$1\r\na\r\n"
    assert with_cursor(wire.replace(b"3", b"0"), 5, 6).startswith(b"*2\r\n$1\r\n6\r\n")
