"""What is told and answered between whole nodes about their copies."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.cluster.bus.frames import PLACE_BITS, BrokenFrameError
from respcache.cluster.replication import records
from respcache.cluster.replication.records import encoded
from respcache.cluster.replication.replication import Replication
from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World, world_of
from tests.thoroughness import examples


def server_and_follower(world: World, key: str) -> tuple[Replication, Replication, int]:
    """Let the first node, which serves a key, set it; return what it has, what its follower has, and the partition."""
    assert world.client(0)(f"SET {key} 1") == b"OK"
    partition = key_partition(key.encode())
    server = world.peers[0].hub.replication
    [peer_id] = server.serving.served[partition].followers
    return server, world.peers[peer_id[0] - 1].hub.replication, partition


def tell(receiver: Replication, sender: bytes, *told: list[Any]) -> list[tuple[int, int, int]]:
    return receiver.receiving.take(sender, encoded(told))


def test_a_holder_that_lacks_only_a_deletion_is_not_in_step() -> None:
    world = World(3, copies=2)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    client = world.client(0)
    client("SET", key, "1")
    client("DEL", key)
    server = world.peers[0].hub.replication
    follower = next(
        peer for peer in world.peers[1:] if partition in peer.hub.replication.serving.whole
    ).hub.replication
    follower.holdings.drop(partition)  # as after a copy was let go: nothing lies there, as at the server
    assert follower.holdings.summary(partition)[:2] == server.holdings.summary(partition)[:2]
    server.serving.recheck(follower.serving.ground.id)
    server.serving.flush()
    world.run(0.5)
    world.rest()
    assert follower.holdings.summary(partition) == server.holdings.summary(partition)
    assert follower.recorder.parts[partition].table(0).tombstones


def test_an_order_to_serve_is_refused_where_the_copy_is_not_whole() -> None:
    world = World(2, copies=2)
    _, follower, partition = server_and_follower(world, world.key_of(0))
    follower.serving.whole.pop(partition)
    epoch = follower.epochs.next(partition)
    order = [records.HAND, partition | epoch << PLACE_BITS, []]
    assert tell(follower, world.peers[0].id, order) == [(records.STALE, partition, epoch)]
    assert partition not in follower.serving.served


def test_whose_order_is_refused_looks_for_a_server_again() -> None:
    world = World(2, copies=2)
    key = world.key_of(0)
    server, follower, partition = server_and_follower(world, key)
    follower.serving.whole.pop(partition)
    epoch = server.epochs.next(partition)
    server.serving.stop(partition, is_handed=True)
    server.serving.hand(partition, epoch, world.peers[1].id, [])
    server.serving.flush()
    world.run(2.0)
    assert world.is_at_rest
    assert world.client(1)(f"GET {key}") == b"1"


def test_who_is_appointed_inherits_and_who_is_given_a_partition_does_not() -> None:
    world = World(2, copies=2)
    _, follower, partition = server_and_follower(world, world.key_of(0))
    inherited: list[int] = []
    follower.serving.on_inherited = inherited.append
    epoch = follower.epochs.next(partition)
    given = [records.HAND, partition | epoch << PLACE_BITS, []]
    assert tell(follower, world.peers[0].id, given) == [(records.TOOK, partition, epoch)]
    assert inherited == []
    follower.serving.stop(partition, is_handed=False)
    epoch = follower.epochs.next(partition)
    assert follower.epochs.promise(partition, epoch), "somebody has asked who shall serve"
    appointed = [records.HAND, partition | epoch << PLACE_BITS, []]
    assert tell(follower, world.peers[0].id, appointed) == [(records.TOOK, partition, epoch)]
    assert inherited == [partition]


def test_a_copy_that_is_told_what_it_takes_for_old_asks_for_a_new_one() -> None:
    world = World(2, copies=2)
    key = world.key_of(0)
    server, follower, partition = server_and_follower(world, key)
    entry = follower.holdings.find(partition, 0, key.encode())
    assert entry is not None
    entry.version += 1 << 60
    world.client(0)(f"SET {key} 2")
    world.run(0.5)
    assert world.is_at_rest
    assert follower.holdings.content_digest(partition) == server.holdings.content_digest(partition)


def test_a_full_copy_that_has_all_but_its_end_is_one() -> None:
    world = World(2, copies=2)
    server, follower, partition = server_and_follower(world, world.key_of(0))
    follower.serving.whole.pop(partition)
    follower.holdings.begin(partition)
    for record in server.holdings.records(partition):
        follower.holdings.apply(partition, record)
    server.serving.recheck(world.peers[1].id)
    world.run(0.5)
    assert world.is_at_rest
    assert partition in follower.serving.whole
    assert not follower.recorder.parts[partition].is_filling


WORDS = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(max_size=5),
    lambda words: st.lists(words, max_size=3),
    max_leaves=8,
)
KINDS = st.integers(-1, 70)


@given(st.lists(st.tuples(KINDS, WORDS, st.lists(WORDS, max_size=9)), min_size=1, max_size=3))
@settings(max_examples=examples(60, 500), deadline=None)
def test_records_that_mean_nothing_end_the_connection_and_nothing_else(
    told: list[tuple[int, Any, list[Any]]],
) -> None:
    follower = world_of(2).peers[1].hub.replication
    broken = [[kind, 7 if kind % 2 else place, *words] for kind, place, words in told]
    try:
        tell(follower, b"x" * 20, *broken)
    except BrokenFrameError:
        return


def test_an_empty_record_ends_the_connection() -> None:
    with pytest.raises(BrokenFrameError):
        tell(world_of(2).peers[1].hub.replication, b"x" * 20, [])
