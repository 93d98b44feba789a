"""What may be missing where it belongs."""

import pytest

from respcache.cluster.replication.offers import PERIOD_S, Offers
from respcache.cluster.replication.records import MERGED, OFFER, OFFERED, STRING, encoded
from respcache.cluster.replication.versions import TAG_BITS
from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World
from tests.cluster.bus.peer import Peer


def keys_of_both_sides(world: World, count: int) -> None:
    """Let both sides of a split write the same and different keys."""
    for number in range(count):
        assert world.client(0)("SET", f"left:{number}", "1") == b"OK"
        assert world.client(1)("SET", f"right:{number}", "1") == b"OK"
        assert world.client(0)("SET", f"both:{number}", "earlier") == b"OK"
    world.run(0.1)
    for number in range(count):
        assert world.client(1)("SET", f"both:{number}", "later") == b"OK"


def heal_and_merge(world: World) -> None:
    """End a split, and wait until what either side has is where it belongs."""
    world.heal()
    world.run(1.0)
    world.rest(30.0)
    world.run(6.0)
    world.rest(30.0)


def test_after_a_split_everything_is_there_and_the_later_write_of_a_key_wins() -> None:
    world = World(4, copies=2)
    world.split([0, 2], [1, 3])
    world.rest()
    keys_of_both_sides(world, 50)
    heal_and_merge(world)
    for node in range(4):
        client = world.client(node)
        for number in range(50):
            assert client("GET", f"left:{number}") == b"1"
            assert client("GET", f"right:{number}") == b"1"
            assert client("GET", f"both:{number}") == b"later"
    assert sum(peer.hub.replication.witness.merged for peer in world.peers) > 0


def test_what_is_deleted_on_one_side_of_a_split_stays_deleted() -> None:
    world = World(4, copies=2)
    for number in range(50):
        world.client(0)("SET", f"key:{number}", "1")
    world.split([0], [1, 2, 3])
    world.rest()
    for number in range(50):
        world.client(1)("DEL", f"key:{number}")
    heal_and_merge(world)
    for node in range(4):
        assert [world.client(node)("EXISTS", f"key:{number}") for number in range(50)] == [0] * 50


def test_an_offer_is_repeated_until_its_server_has_merged_it() -> None:
    world = World(2, copies=1)
    key = world.key_of(0)
    partition = key_partition(key.encode())
    assert world.client(0)("SET", key, "mine") == b"OK"
    mine, other = (peer.hub.replication for peer in world.peers)
    epoch = mine.epochs.next(partition)
    other.serving.serve(partition, epoch, ())  # it has been told to, and hears nothing from us
    other.serving.flush()
    world.lose(0, 1)  # the first offer, if it was on its way, is lost
    world.run(3 * PERIOD_S)
    world.rest()
    assert world.client(1)("GET", key) == b"mine"
    assert not mine.offers.waiting


@pytest.mark.parametrize("life_ms", [-1, 500])
def test_what_expires_before_it_is_merged_is_not_offered_for_ever(life_ms: int) -> None:
    world = World(3, copies=2, active=(1, 2))
    key = world.key_of(1).encode()
    partition, replication = key_partition(key), world.peers[0].hub.replication
    version = replication.clock.next() >> TAG_BITS, 7
    deadline_ms = world.peers[0].harness.clock.now_ms + life_ms
    replication.holdings.apply(partition, [STRING, partition, 0, key, *version, deadline_ms, b"1", False])
    replication.serving.set_aside.add(partition)
    world.run(PERIOD_S / 2)
    assert replication.offers.waiting == (life_ms > 0)
    world.run(PERIOD_S)
    assert replication.offers.waiting == 0
    assert not replication.holdings.holds(partition)
    assert world.client(1)("EXISTS", key.decode()) == 0


def test_what_is_evicted_each_time_that_it_is_merged_is_let_go_of_all_the_same() -> None:
    world = World(3, copies=2)
    key, offered = offer_of_a_key(world)
    server, offerer = world.peers[0], world.peers[1]
    replication = server.hub.replication
    assert replication.receiving.take(offerer.id, encoded(offered)) == []
    evict(server, key)
    world.run(0.1)
    assert replication.receiving.take(offerer.id, encoded(offered)) == [(MERGED, key_partition(key), 0)]
    assert_nothing_is_remembered(replication.offers)


def test_an_offer_that_says_more_than_the_last_waits_for_the_copies_anew() -> None:
    world = World(3, copies=2)
    key, offered = offer_of_a_key(world)
    server, offerer = world.peers[0], world.peers[1]
    receiving, partition = server.hub.replication.receiving, key_partition(key)
    assert receiving.take(offerer.id, encoded(offered)) == []
    world.run(0.1)
    more = b"more{%b}" % key
    version = server.hub.replication.clock.next() >> TAG_BITS, 7
    state = [OFFER + STRING, partition, 0, more, *version, 0, b"offered", False]
    second = encoded([offered[0], state, offered[1]])
    assert receiving.take(offerer.id, second) == []
    world.run(0.1)
    assert receiving.take(offerer.id, second) == [(MERGED, partition, 0)]


def test_who_is_gone_leaves_nothing_of_an_offer_behind() -> None:
    world = World(3, copies=2)
    _, offered = offer_of_a_key(world)
    replication, offerer = world.peers[0].hub.replication, world.peers[1]
    replication.receiving.take(offerer.id, encoded(offered))
    replication.receiving.take(offerer.id, encoded(offered[:1]))
    replication.receiving.forget(offerer.id)
    assert_nothing_is_remembered(replication.offers)


def offer_of_a_key(world: World) -> tuple[bytes, list[list[object]]]:
    """Return a key that node 0 serves, and what it is told where another offers a state of it."""
    key = world.key_of(0).encode()
    partition = key_partition(key)
    version = world.peers[0].hub.replication.clock.next() >> TAG_BITS, 7
    state = [OFFER + STRING, partition, 0, key, *version, 0, b"offered", False]
    return key, [state, [OFFERED, partition]]


def evict(peer: Peer, key: bytes) -> None:
    database = peer.node.keyspace.databases[0]
    database.evict(database.entries[key])


def assert_nothing_is_remembered(offers: Offers) -> None:
    assert [offers._fresh, offers._contents, offers._marks] == [set(), {}, {}]
