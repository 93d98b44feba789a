"""Comparing copies with what they are copies of."""

from respcache.cluster.replication.anti_entropy import ROUND_S
from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World


def test_a_copy_that_differs_is_found_within_a_round_and_made_anew() -> None:
    world = World(2, copies=2)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    assert world.client(0)("SET", key, "value") == b"OK"
    server, holder = (peer.hub.replication for peer in world.peers)
    holder.holdings.drop(partition)
    assert holder.holdings.content_digest(partition) != server.holdings.content_digest(partition)
    world.run(ROUND_S + 1.0)
    world.rest()
    assert holder.holdings.content_digest(partition) == server.holdings.content_digest(partition)
    assert holder.holdings.find(partition, 0, key.encode()) is not None


def test_every_partition_is_asked_about_once_in_a_round_and_no_more_than_that() -> None:
    world = World(2, copies=2)
    before = [peer.hub.replication.anti_entropy.asked for peer in world.peers]
    world.run(ROUND_S)
    asked = sum(peer.hub.replication.anti_entropy.asked for peer in world.peers) - sum(before)
    assert 1024 <= asked < 1600


def test_a_copy_is_believed_to_be_young_while_its_server_asks() -> None:
    world = World(2, copies=2)
    world.run(5.0)
    assert all(peer.hub.replication.receiving.staleness_ms(world.now_s) < 500 for peer in world.peers)
    world.split([0], [1], is_known=False)
    world.run(2.0)
    assert world.peers[0].hub.replication.receiving.staleness_ms(world.now_s) > 1500
