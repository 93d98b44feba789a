"""What may be missing where it belongs is kept until it is there: shown on whole nodes."""

from respcache.cluster.replication import records
from respcache.cluster.replication.offers import PERIOD_S, Offers
from respcache.cluster.replication.records import encoded
from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World
from tests.cluster.bus.wires import Caller


def offers_of(world: World, number: int) -> Offers:
    return world.peers[number].hub.replication.offers


def split_and_write(world: World) -> tuple[Caller, Caller]:
    """Let one node write alone, and the others, too."""
    alone, others = world.client(0), world.client(1)
    world.split([0], [peer.number for peer in world.peers[1:]])
    world.rest()
    for number in range(50):
        assert alone(f"SET alone:{number} 1") == b"OK"
        assert others(f"SET others:{number} 1") == b"OK"
    return alone, others


def test_nothing_is_let_go_before_the_server_has_said_that_it_has_it() -> None:
    world = World(3)
    split_and_write(world)
    offers = offers_of(world, 0)
    offers.merged = lambda partition: None  # type: ignore[method-assign]  # the word is lost on its way
    world.heal()
    world.move(1, 2)
    world.run(3.0)
    held = world.peers[0].hub.replication.holdings
    assert offers.waiting
    assert held.copied_entries
    del offers.merged
    world.run(3 * PERIOD_S)
    world.rest()
    assert not offers.waiting
    assert not held.copied_entries
    assert world.is_at_rest


def test_offers_survive_connections_that_are_lost_all_the_time() -> None:
    world = World(3, copies=2, seed=5)
    split_and_write(world)
    world.heal()
    for _ in range(30):
        world.run(0.1)
        world.lose(*world.chance.sample(range(3), 2))
    world.rest(20.0)
    assert world.is_at_rest
    client = world.client(2)
    assert [client(f"GET {side}:{n}") for side in ("alone", "others") for n in range(50)] == [b"1"] * 100


def test_a_copy_that_turns_out_to_be_the_same_is_not_let_go_by_an_offer_that_is_under_way() -> None:
    world = World(2, copies=2)
    client, key = world.client(0), world.key_of(0)
    client(f"SET {key} 1")
    partition = key_partition(key.encode())
    follower = world.peers[1].hub.replication
    follower.serving.set_aside.add(partition)
    follower.offers.drop_when_merged(partition)
    assert follower.offers._offer(partition)
    world.peers[0].hub.replication.serving.recheck(world.peers[1].id)
    world.run(0.5)
    assert follower.holdings.summary(partition)[0] == 1
    assert follower.offers.waiting == 0


def test_what_is_taken_away_unheard_stays_here_and_is_set_aside() -> None:
    world = World(2)
    key = world.key_of(0)
    world.client(0)(f"SET {key} 1")
    partition, replication = key_partition(key.encode()), world.peers[0].hub.replication
    replication.serving.hear(partition, 1 << 20, world.peers[1].id)
    assert partition in replication.serving.set_aside
    assert replication.holdings.summary(partition)[0] == 1
    assert replication.serving.holds.required[partition] == ()
    assert replication.recorder.routes[partition] == ()


def test_nobody_is_told_that_his_offer_is_merged_before_the_copies_have_it() -> None:
    world = World(3, copies=2)
    key = world.key_of(0)
    partition, server = key_partition(key.encode()), world.peers[0].hub.replication
    [follower] = [peer for peer in world.peers if peer.id in server.serving.served[partition].followers]
    offerer = next(peer for peer in world.peers[1:] if peer is not follower)
    version = server.clock.next() >> 32, 7
    record = (records.OFFER + records.STRING, partition, 0, key.encode(), *version, 0, b"offered", False)
    offer = encoded([list(record), [records.OFFERED, partition]])
    follower.stop()
    assert server.receiving.take(offerer.id, offer) == []
    world.run(0.1)
    assert server.receiving.take(offerer.id, offer) == []
    follower.go_on()
    world.run(0.1)
    assert server.receiving.take(offerer.id, offer) == [(records.MERGED, partition, 0)]
    assert follower.hub.replication.holdings.find(partition, 0, key.encode()) is not None
