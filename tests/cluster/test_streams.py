"""Streams between whole nodes: who is waited for, and who is told."""

from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World
from tests.cluster.bus.wires import Caller


def strict_world() -> tuple[World, str, Caller]:
    """Return three nodes in strict mode, a key of the first that is written, and a client of it."""
    world = World(3, copies=2, is_strict=True)
    world.run(3.0)
    world.rest()
    key = world.key_of(0)
    client = world.client(0)
    assert client("SET", key, "1") == b"OK"
    return world, key, client


def test_a_node_that_does_not_know_whether_it_serves_still_drops_nobody() -> None:
    world = World(3, copies=2)
    peer = world.peers[0]
    stream = peer.hub.stream(world.peers[1].id)
    assert stream.may_drop(world.now_s)
    peer.hub.replication.serving.suspend(was_dead=False)
    assert not stream.may_drop(world.now_s)


def test_in_strict_mode_a_silent_follower_is_waited_for_until_a_majority_knows_of_it() -> None:
    world, key, client = strict_world()
    world.split([0], [1, 2], is_known=False)
    client.send(f"SET {key} 2")
    world.run(0.8)
    assert client.replies() == []
    world.run(4.0)
    assert [reply.code for reply in client.replies()] in ([], ["TIMEOUT"])
    assert world.peers[0].hub.directory.is_closed


def test_where_a_majority_confirms_a_write_is_acknowledged_without_the_follower_that_was_stopped() -> None:
    world, key, client = strict_world()
    partition = next(iter(world.peers[0].hub.replication.recorder.written), None)
    assert partition is None
    for peer in world.peers[1:]:
        if any(stream is world.peers[0].hub.stream(peer.id) for stream in required_of(world, key)):
            peer.stop()
    assert client("SET", key, "2") == b"OK"


def required_of(world: World, key: str) -> list[object]:
    return list(world.peers[0].hub.replication.holds.required[key_partition(key.encode())])


def test_a_stream_that_is_made_again_is_never_taken_for_an_earlier_one() -> None:
    world = World(2, copies=2)
    hub, other = world.peers[0].hub, world.peers[1].id
    before = hub.stream(other).generation
    hub.streams.close(other)
    world.run(0.1)
    assert hub.stream(other).generation > before


def test_who_waits_for_a_copy_hears_at_once_that_the_node_may_serve_no_more() -> None:
    world, key, client = strict_world()
    world.split([0], [1, 2], is_known=False)
    client.send(f"SET {key} 2", f"GET {key}")
    world.run(1.5)
    assert [reply.code for reply in client.replies()] == ["TIMEOUT", "TIMEOUT"]
    assert not world.peers[0].hub.replication.holds.waiting


def test_those_who_lag_are_told_until_they_have_caught_up() -> None:
    world = World(3, copies=2)
    hub, other = world.peers[0].hub, world.peers[1]
    assert hub.streams.lagging == frozenset()
    other.stop()
    hub.replication.serving.introduce(other.id)
    world.run(1.0)
    assert hub.streams.lagging == {other.id}
    other.go_on()
    world.run(1.0)
    assert hub.streams.lagging == frozenset()
