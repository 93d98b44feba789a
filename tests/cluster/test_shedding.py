"""What a node owns no more is cleared away, and never seen again when it comes back."""

import pytest

from respcache.cluster.shedding import SLICE, Shedder
from respcache.keyspace.slots import PARTITIONS, key_slot, partition_of
from tests.cluster.bus.pair import World
from tests.commands.harness import Harness

EVERYTHING = range(PARTITIONS)


def place_of(key: str) -> int:
    return partition_of(key_slot(key.encode()))


@pytest.fixture
def harness() -> Harness:
    return Harness()


def sweep_all(shedder: Shedder) -> int:
    """Sweep until nothing changes; return how many turns that took."""
    turns = 0
    while shedder._unseen:
        shedder.sweep()
        turns += 1
    shedder.sweep()
    return turns


def test_lost_partitions_are_cleared_in_all_databases_and_others_are_not(harness: Harness) -> None:
    client, shedder = harness.client(), Shedder(harness.node.keyspace)
    client("MSET", "lost", "1", "kept", "2")
    client.send("SELECT 3")
    client("MSET", "lost", "1", "{lost}2", "1", "kept", "2")
    shedder.lose([place_of("lost")])
    sweep_all(shedder)
    assert shedder.removed == 3
    assert client("KEYS", "*") == [b"kept"]
    client.send("SELECT 0")
    assert client("KEYS", "*") == [b"kept"]


def test_it_is_done_in_slices(harness: Harness) -> None:
    client, shedder = harness.client(), Shedder(harness.node.keyspace)
    for number in range(2 * SLICE + 1):
        harness.node.keyspace.databases[0]._add(b"%d" % number, b"", 0)
    shedder.lose(EVERYTHING)
    shedder.sweep()
    assert client("DBSIZE") == SLICE + 1
    assert sweep_all(shedder) == 2
    assert client("DBSIZE") == 0


def test_what_comes_back_amid_the_clearing_is_cleared_at_once(harness: Harness) -> None:
    client, shedder = harness.client(), Shedder(harness.node.keyspace)
    client("MSET", "a", "1", "b", "2")
    shedder.lose([place_of("a"), place_of("b")])
    shedder.gain([place_of("a")])
    assert client("EXISTS", "a") == 0
    client("SET", "a", "new")
    sweep_all(shedder)
    assert client("KEYS", "*") == [b"a"]


def test_what_is_gained_otherwise_costs_nothing(harness: Harness) -> None:
    client, shedder = harness.client(), Shedder(harness.node.keyspace)
    client("SET", "a", "1")
    shedder.lose([place_of("b")])
    shedder.gain([place_of("a")])
    assert client("EXISTS", "a") == 1
    assert shedder._unseen


def test_keys_that_are_swapped_to_another_database_are_found(harness: Harness) -> None:
    client, shedder = harness.client(), Shedder(harness.node.keyspace)
    client("SET", "a", "1")
    shedder.lose([place_of("a")])
    client("SWAPDB", 0, 1)
    sweep_all(shedder)
    client.send("SELECT 1")
    assert client("DBSIZE") == 0


def test_losing_more_begins_anew(harness: Harness) -> None:
    client, shedder = harness.client(), Shedder(harness.node.keyspace)
    client("MSET", "a", "1", "b", "2")
    shedder.lose([place_of("a")])
    shedder._look()
    shedder.lose([place_of("b")])
    sweep_all(shedder)
    assert client("DBSIZE") == 0


def test_there_is_another_look_after_late_writes(harness: Harness) -> None:
    late = [True]
    client, shedder = harness.client(), Shedder(harness.node.keyspace, lambda: late[0])
    shedder.lose([place_of("a")])
    sweep_all(shedder)
    client("SET", "a", "late")
    late[0] = False
    shedder.sweep()
    sweep_all(shedder)
    assert client("EXISTS", "a") == 0
    assert not shedder._lost


@pytest.mark.parametrize("returns_after_s", [0.0, 0.01, 0.5])
def test_a_partition_that_comes_back_is_never_stale(returns_after_s: float) -> None:
    world = World(2, active=[1])
    world.client(0)("SET", "k", "old")
    for active in ([0], [1]):
        for peer in world.peers:
            peer.see(active)
        world.run(returns_after_s)
    assert world.client(0)("GET", "k") is None


def test_a_write_that_waited_when_its_partition_left_is_not_found_when_it_comes_back() -> None:
    world = World(2, active=[1])
    world.client(1).send("DEBUG OWNER-SLEEP k 0.5")
    world.run(0.01)
    world.client(1).send("SET k late")
    for peer in world.peers:
        peer.see([0])
    world.client(0).send("SET k new")
    world.run(1.0)
    assert world.client(1)("GET", "k") == b"new"
    world.peers[1].see([1])
    assert len(world.peers[1].node.keyspace.databases[0]) == 0
