"""What is told and answered between whole nodes about their copies."""

from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World


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
