"""Which partitions a node serves, and who follows each."""

from respcache.cluster.replication.serving import Following
from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World


def test_a_write_waits_for_followers_that_are_in_step_and_for_nobody_else() -> None:
    world = World(3, copies=2)
    hub = world.peers[0].hub
    serving = hub.replication.serving
    for partition, served in serving.served.items():
        [(peer, following)] = served.followers.items()
        assert following is Following.IN_STEP
        assert serving.holds.required[partition] == (hub.stream(peer),)
        serving.set_following(partition, peer, Following.COPYING)
        assert serving.holds.required[partition] == ()
        assert serving.recorder.routes[partition] == (hub.stream(peer),)
        serving.set_following(partition, peer, Following.WAITING)
        assert serving.recorder.routes[partition] == ()
        break


def test_a_follower_that_is_silent_is_not_waited_for_until_it_has_caught_up() -> None:
    world = World(2, copies=2)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    client = world.client(0)
    serving = world.peers[0].hub.replication.serving
    world.peers[1].stop()
    client.send(f"SET {key} 1")
    world.run(0.2)
    assert client.replies() == []
    world.run(0.3)
    assert client.replies() == [b"OK"]
    assert serving.holds.required[partition] == ()
    assert not serving.is_safe(partition)
    world.peers[1].go_on()
    world.run(0.5)
    world.rest()
    assert len(serving.holds.required[partition]) == 1
    assert serving.is_safe(partition)


def test_a_server_that_hears_of_a_newer_one_serves_no_more_and_keeps_what_it_has() -> None:
    world = World(2, copies=1)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    assert world.client(0)("SET", key, "1") == b"OK"
    replication = world.peers[0].hub.replication
    epoch = replication.epochs.epochs[partition]
    assert not replication.serving.hear(partition, epoch - 1, world.peers[1].id)
    assert partition in replication.serving.served
    assert replication.serving.hear(partition, epoch + 1, world.peers[1].id)
    assert partition not in replication.serving.served
    assert partition in replication.serving.set_aside
    assert replication.holdings.find(partition, 0, key.encode()) is not None


def test_nothing_is_run_while_it_is_in_doubt_who_serves() -> None:
    world = World(2, copies=1)
    key = world.key_of(0)
    client = world.client(0)
    assert client("SET", key, "1") == b"OK"
    world.peers[0].hub.replication.doubt(was_dead=False)
    client.send(f"GET {key}")
    assert client.replies() == []
    world.run(0.2)
    assert client.replies() == [b"1"]


def test_who_was_taken_for_dead_serves_in_a_new_epoch_only() -> None:
    world = World(3, copies=2)
    serving = world.peers[0].hub.replication.serving
    before = {partition: serving.epochs.epochs[partition] for partition in serving.served}
    world.peers[0].hub.replication.doubt(was_dead=True)
    assert serving.suspended == set(before)
    world.run(1.0)
    world.rest()
    assert all(serving.epochs.epochs[partition] > epoch for partition, epoch in before.items())
    assert not serving.suspended
