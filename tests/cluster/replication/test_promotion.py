"""Who serves what nobody serves."""

import pytest

from respcache.cluster.replication.epochs import CHANGE
from respcache.cluster.replication.promotion import WHOLE, Held, Promotion, StatusAnswer
from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World

ONE, OTHER = b"\1" * 20, b"\2" * 20


def held(
    id: bytes, *, is_whole: bool = True, epoch: int = 1024, latest: int = 5, is_asking: bool = False
) -> Held:
    return Held(is_whole, epoch, latest, is_asking, id, 2, 0, 0)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (held(ONE), held(OTHER, is_whole=False, latest=9)),
        (held(ONE, epoch=2048), held(OTHER, latest=9)),
        (held(ONE, latest=6), held(OTHER, is_asking=True)),
        (held(ONE, is_asking=True), held(OTHER)),
    ],
)
def test_the_best_holder_is_whole_of_the_newest_epoch_with_the_latest_write(
    better: Held, worse: Held
) -> None:
    assert max(better, worse) is better


def test_nothing_that_was_acknowledged_is_lost_with_a_node_and_a_count_goes_on() -> None:
    world = World(4, copies=2)
    client = world.client(1)
    for number in range(200):
        assert client(f"SET key:{number} {number}") == b"OK"
    for _ in range(10):
        client("INCR counter")
    world.kill(0)
    world.run(0.3)
    world.rest()
    assert all(client(f"GET key:{number}") == b"%d" % number for number in range(200))
    assert client("INCR counter") == 11
    assert sum(len(peer.hub.replication.serving.served) for peer in world.peers[1:]) == 1024


def test_an_answer_fences_the_old_server() -> None:
    world = World(3, copies=2)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    old = world.peers[0].hub
    assert world.client(0)("SET", key, "1") == b"OK"
    holder = next(peer for peer in world.peers[1:] if partition in peer.hub.replication.serving.whole)
    epoch = old.replication.epochs.epochs[partition]
    assert holder.hub.replication.epochs.promise(partition, holder.hub.replication.epochs.next(partition))
    client = world.client(0)
    client.send(f"SET {key} 2")
    world.run(0.1)
    assert [getattr(reply, "code", reply) for reply in client.replies()] == ["TIMEOUT"]
    assert partition not in old.replication.serving.served or (
        old.replication.epochs.epochs[partition] > epoch
    )
    world.rest()
    assert client("SET", key, "3") == b"OK"


def test_a_server_that_begins_amid_a_question_is_not_replaced() -> None:
    world = World(3, copies=3)
    partition = key_partition(world.key_of(0).encode())
    epoch = world.peers[0].hub.replication.epochs.epochs[partition]
    promotion = world.peers[1].hub.replication.promotion
    promotion.ask([partition], world.now_s, is_fencing=False)
    # It has answered before it was told to serve; and who has told it to, when it had said that it does.
    for number, known in ((0, epoch - CHANGE), (2, epoch)):
        answer = StatusAnswer(promotion._last_token, [(partition, known, WHOLE, 0, 0, 0, 0)])
        promotion.answered(world.peers[number].id, answer, world.now_s)
    world.run(1.0)
    assert partition in world.peers[0].hub.replication.serving.served
    assert [peer.hub.replication.epochs.least(partition) for peer in world.peers] == [epoch] * 3


def test_that_members_know_of_different_servers_does_not_leave_a_partition_unserved() -> None:
    world = World(3, copies=2)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    assert world.client(0)("SET", key, "1") == b"OK"
    for number, peer in enumerate(world.peers):
        serving, epochs = peer.hub.replication.serving, peer.hub.replication.epochs
        if partition in serving.served:
            serving.stop(partition, is_handed=False)
        epochs.servers[partition] = b""
        epochs.epochs[partition] += number * CHANGE
        serving.flush()
    world.run(1.0)
    world.rest()
    assert world.client(1)("GET", key) == b"1"


def test_who_should_serve_and_does_not_finds_out_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(3, copies=2)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    assert world.client(0)("SET", key, "1") == b"OK"
    replication = world.peers[0].hub.replication
    replication.serving.stop(partition, is_handed=False)
    replication.epochs.servers[partition] = b""
    replication.serving.flush()
    with monkeypatch.context() as without:
        without.setattr(Promotion, "look", lambda self, now_s: None)
        world.run(2.0)
        assert not any(partition in peer.hub.replication.serving.served for peer in world.peers)
    world.run(1.0)
    world.rest()
    assert world.client(1)("GET", key) == b"1"


def test_a_node_that_stood_still_acknowledges_nothing_that_it_serves_no_more() -> None:
    world = World(3, copies=2)
    key = world.key_of(0)
    client, other = world.client(0), world.client(1)
    assert client("SET", key, "old") == b"OK"
    world.peers[0].stop()
    world.run(3.0)
    for peer in world.peers[1:]:
        peer.bury(world.peers[0])
    world.run(1.0)
    assert other("SET", key, "new") == b"OK"
    client.send(f"GET {key}")
    world.peers[0].hub.replication.doubt(was_dead=False)  # as a server does before it looks at its clients
    world.peers[0].go_on()
    for peer in world.peers[1:]:
        peer.unbury(world.peers[0])
        world.peers[0].unbury(peer)
    world.run(2.0)
    assert client.replies() in ([b"new"], [])
    world.rest(20.0)
    assert client("GET", key) == b"new"


def test_two_who_ask_at_once_never_serve_the_same_partition() -> None:
    world = World(3, copies=2)
    partition = key_partition(world.key_of(0).encode())
    for peer in world.peers[1:]:
        peer.hub.replication.promotion.ask([partition], world.now_s, is_fencing=True)
    world.run(5.0)
    world.rest()
    assert sum(partition in peer.hub.replication.serving.served for peer in world.peers) == 1
