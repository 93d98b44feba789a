"""What CLUSTER commands see of a hub."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from respcache.cluster.replication.serving import Following
from respcache.cluster.view import View
from respcache.commands.cluster_view import DEGRADED, MOVING, SAFE
from tests.cluster.bus.pair import World


@pytest.fixture
def world() -> World:
    return World(3)


@pytest.fixture
def view(world: World) -> View:
    return View(world.peers[0].hub, "shop")


def test_every_member_is_shown_with_its_share(world: World, view: View) -> None:
    peers = view.peers()
    assert [peer.id for peer in peers] == sorted(peer.id.hex() for peer in world.peers)
    assert [peer.is_self for peer in peers] == [True, False, False]
    assert sum(peer.partitions for peer in peers) == 1024
    assert {peer.state for peer in peers} == {"alive"}


def test_ranges_cover_every_slot_once_and_agree_with_the_owners(view: View) -> None:
    expected = 0
    for first, last, owners in view.ranges():
        assert first == expected
        assert owners == tuple(view.owners_of(first >> 4))
        assert owners == tuple(view.owners_of(last >> 4))
        expected = last + 1
    assert expected == 16384


def test_neighbours_with_equal_owners_are_one_range(view: View) -> None:
    owners = [owners for _, _, owners in view.ranges()]
    assert all(one != other for one, other in pairwise(owners))


@pytest.mark.parametrize("dead", [[], [2]])
def test_shares_are_those_of_the_ranges(world: World, view: View, dead: list[int]) -> None:
    for number in dead:
        world.kill(number)
    slots: Counter[str] = Counter()
    for first, last, owners in view.ranges():
        slots[owners[0].id] += last - first + 1
    assert {owner.id: count for owner, count in view.shares()} == slots
    assert sum(slots.values()) == 16384


def test_slots_that_nobody_serves_are_told_to_be_with_who_should(world: World, view: View) -> None:
    hub = world.peers[0].hub
    before = [(first, last, peers[0].id) for first, last, peers in view.ranges()]
    hub.directory.set_owners([() if p % 3 else one for p, one in enumerate(hub.directory.owners)], set())
    assert not all(hub.owners)
    assert [(first, last, peers[0].id) for first, last, peers in view.ranges()] == before


@pytest.mark.parametrize("seed", range(8))
def test_partitions_are_counted_as_each_of_them_says_that_it_stands(seed: int) -> None:
    chance = random.Random(seed)
    world = World(4, copies=3)
    world.rest()
    hub = world.peers[0].hub
    serving, peers = hub.replication.serving, [peer.id for peer in world.peers[1:]]
    for partition, served in serving.served.items():
        for peer in chance.sample(peers, chance.choice([0, 0, 0, 1])):
            served.followers.pop(peer, None)
        if chance.random() < 0.2:
            served.followers[chance.choice(peers)] = chance.choice(list(Following))
        if chance.random() < 0.1:
            serving.suspended.add(partition)
        if chance.random() < 0.1:
            hub.ownership.owners[partition] = tuple(chance.sample([hub.id, *peers], chance.randrange(4)))
    hub.stream(chance.choice(peers)).is_lagging = bool(seed % 2)
    view = View(hub, "shop")
    counted = Counter(one.state for one in view.partitions())
    assert view.standing() == {SAFE: 0, DEGRADED: 0, MOVING: 0, **counted}
    assert len(counted) == 3
    figures = view.figures()
    assert figures["cluster_partitions_served"] == sum(counted.values())
    assert figures["cluster_partitions_degraded"] == counted[DEGRADED]
    assert figures["cluster_partitions_moving"] == counted[MOVING]


def test_without_agreement_on_who_counts_nothing_is_safe() -> None:
    world = World(3, copies=2, is_strict=True)
    world.run(3.0)
    world.rest()
    view = View(world.peers[0].hub, "shop")
    assert set(view.standing().values()) == {0, len(list(view.partitions()))}
    assert view.standing()[SAFE]
    hub = world.peers[0].hub
    hub.mandating.mandate.observe(world.now_s, frozenset({hub.id}))
    assert view.standing() == {SAFE: 0, MOVING: 0, DEGRADED: len(list(view.partitions()))}
    assert {one.state for one in view.partitions()} == {DEGRADED}


def test_a_dead_member_is_shown_as_dead_and_owns_nothing(world: World, view: View) -> None:
    world.kill(2)
    [dead] = [peer for peer in view.peers() if peer.state == "dead"]
    assert dead.id == world.peers[2].id.hex()
    assert dead.partitions == 0
    assert view.figures()["cluster_live_members"] == 2


def test_before_anybody_is_active_the_cluster_is_not_ok() -> None:
    world = World(2, active=[])
    view = View(world.peers[0].hub, "shop")
    assert not view.is_ok
    assert view.ranges() == []


def test_connections_both_ways_are_shown(view: View) -> None:
    links = view.links()
    assert sorted(link.is_outgoing for link in links) == [False, False, True, True]


def test_figures_count_what_was_forwarded(world: World, view: View) -> None:
    client = world.client(0)
    assert client(f"SET {world.key_of(1)} 1") == b"OK"
    figures = view.figures()
    assert figures["cluster_commands_forwarded"] == 1
    assert figures["cluster_commands_waiting"] == 0
