"""Whole groups in the simulator: what membership promises whoever builds on it."""

from functools import partial

import pytest

from respcache.cluster.membership.member import ID_BYTES, Phase, State
from respcache.cluster.membership.messages import Alive, encode, pack
from respcache.cluster.membership.outputs import Kind
from respcache.cluster.membership.profiles import LAN, PROFILES, Profile
from tests.cluster.membership.simulator import Node, Simulator, address_of, meta_of, view_of
from tests.thoroughness import seeds


def blamed(simulator: Simulator) -> set[int]:
    """Return the numbers of nodes that anybody declared dead."""
    by_id = {node.swim.me.id: node.number for node in simulator.nodes}
    return {by_id[event.member.id] for _, _, event in simulator.events(Kind.DIED)}


# Joining


@pytest.mark.parametrize("seed", seeds(10, 50))
def test_ten_nodes_become_one_group_through_one_seed_in_any_order(seed: int) -> None:
    simulator = Simulator(seed)
    order = simulator.chance.sample(range(10), 10)
    for turn, number in enumerate(order):
        begin = partial(start_and_join, simulator, number)
        simulator.at(simulator.chance.random() * 2 * (turn > 0), begin)
    took_s = simulator.run_until(lambda: len(simulator.nodes) == 10 and simulator.have_equal_views(), 8)
    assert took_s is not None
    assert took_s <= 5


def start_and_join(simulator: Simulator, number: int, seed: int = 0) -> Node:
    node = simulator.start(number, Phase.JOINING)
    simulator.keep_joining(node, [address_of(seed)])
    return node


def test_a_hundred_nodes_become_one_group() -> None:
    simulator = Simulator(1)
    for number in range(100):
        simulator.at(simulator.chance.random(), partial(start_and_join, simulator, number))
    simulator.run_for(5)
    assert simulator.have_equal_views()
    assert not simulator.events(Kind.SUSPECTED)


def test_nodes_that_know_only_their_neighbour_find_each_other() -> None:
    simulator = Simulator(1)
    for number in range(10):
        start_and_join(simulator, number, seed=(number + 1) % 10)
    simulator.run_for(5)
    assert simulator.have_equal_views()


def test_groups_that_formed_apart_become_one() -> None:
    simulator = Simulator(1)
    halves = [simulator.start(number) for number in range(3)], [simulator.start(9 + n) for n in range(3)]
    simulator.split(*halves)
    for half in halves:
        for node in half:
            simulator.keep_joining(node, [address_of(0), address_of(9)])
    simulator.run_for(10)
    assert len(view_of(halves[0][0])) == 3
    simulator.heal()
    assert simulator.run_until(simulator.have_equal_views, 10) is not None


def test_a_node_given_its_own_address_by_another_name_dials_it_once() -> None:
    simulator = Simulator(1)
    node = simulator.start(1)
    simulator._at[("192.168.0.1", 16379)] = node  # a second interface
    simulator.keep_joining(node, [("192.168.0.1", 16379)])
    simulator.run_for(20)
    assert node.swim.statistics()["exchanges"] == 1
    assert len(node.swim.members) == 1


def test_a_phase_reaches_everyone() -> None:
    simulator = Simulator(1)
    nodes = simulator.start_all(10)
    simulator.call(nodes[3], nodes[3].swim.update_meta, meta_of(3, Phase.LEAVING))
    simulator.run_for(1)
    changed = nodes[3].swim.me.id
    assert {node.swim.members[changed].meta.phase for node in nodes} == {Phase.LEAVING}
    assert {node.swim.members[changed].incarnation for node in nodes} == {2}


# No false deaths


@pytest.mark.parametrize("count", [3, 10, 32])
def test_five_per_cent_loss_kills_nobody(count: int) -> None:
    simulator = Simulator(count)
    simulator.start_all(count)
    simulator.network.loss = 0.05
    simulator.run_for(120)
    assert not simulator.events(Kind.DIED)


def test_duplicates_and_jitter_kill_nobody() -> None:
    simulator = Simulator(7)
    nodes = simulator.start_all(10)
    simulator.network.duplication = 0.5
    simulator.network.jitter_s = 0.08
    simulator.network.loss = 0.02
    simulator.run_for(120)
    assert not simulator.events(Kind.DIED)
    assert all(len(view_of(node)) == 10 for node in nodes)


@pytest.mark.parametrize("lag_s", [0.3, 1.0, 2.5])
def test_a_node_that_is_always_late_blames_nobody(lag_s: float) -> None:
    simulator = Simulator(3)
    nodes = simulator.start_all(10)
    nodes[4].lag_s = lag_s
    simulator.run_for(180)
    assert blamed(simulator) <= {4}
    accusers = {event.by for _, _, event in simulator.events(Kind.SUSPECTED)}
    assert nodes[4].swim.me.id not in accusers


def test_a_node_that_is_late_without_measuring_it_is_noticed_by_its_ticks() -> None:
    simulator = Simulator(3)
    nodes = simulator.start_all(5)
    simulator.pause(nodes[2], 1.0)
    simulator.run_for(2)
    assert nodes[2].swim.statistics()["late_ticks"] == 1
    assert nodes[2].swim.statistics()["suspicions"] == 0


@pytest.mark.parametrize("count", [2, 3, 5, 10])
@pytest.mark.parametrize("seed", seeds(4, 10))
def test_a_pause_of_one_second_kills_nobody(count: int, seed: int) -> None:
    simulator = Simulator(seed)
    nodes = simulator.start_all(count)
    for _ in range(10):
        simulator.pause(simulator.chance.choice(nodes), 1.0)
        simulator.run_for(5)
    assert not simulator.events(Kind.DIED)
    assert simulator.have_equal_views()


def test_a_pause_of_thirty_seconds_ends_in_equal_views() -> None:
    simulator = Simulator(5)
    nodes = simulator.start_all(5)
    simulator.pause(nodes[1], 30.0)
    simulator.run_for(30)
    assert blamed(simulator) == {1}
    assert simulator.run_until(simulator.have_equal_views, 5) is not None
    # It learns that it was declared dead: whoever owns data must not go on as if nothing had been.
    refuted = [event for _, event in nodes[1].events if event.kind is Kind.REFUTED]
    assert State.DEAD in {event.was for event in refuted}


# Partitions


@pytest.mark.parametrize("minority", [1, 2, 5])
@pytest.mark.parametrize("seed", seeds(2, 5))
def test_views_are_equal_soon_after_a_split_of_ten_seconds(minority: int, seed: int) -> None:
    simulator = Simulator(seed)
    nodes = simulator.start_all(10)
    simulator.split(nodes[:minority], nodes[minority:])
    simulator.run_for(10)
    simulator.heal()
    assert simulator.run_until(simulator.have_equal_views, 5) is not None


@pytest.mark.parametrize("seed", seeds(2, 5))
def test_the_halves_of_a_long_split_find_each_other_again(seed: int) -> None:
    simulator = Simulator(seed)
    nodes = simulator.start_all(6)
    simulator.split(nodes[:3], nodes[3:])
    simulator.run_for(LAN.knock_for_s + 60)
    assert all(len(view_of(node)) == 3 for node in nodes)
    simulator.heal()
    assert simulator.run_until(simulator.have_equal_views, LAN.redial_period_s + 5) is not None


def test_a_link_that_is_cut_in_one_direction_kills_nobody() -> None:
    simulator = Simulator(2)
    nodes = simulator.start_all(10)
    simulator.cut([nodes[0]], [nodes[1]])
    simulator.run_for(120)
    assert not simulator.events(Kind.DIED)


def test_a_node_that_hears_nobody_dies_and_comes_back() -> None:
    simulator = Simulator(2)
    nodes = simulator.start_all(10)
    simulator.cut(nodes[1:], nodes[:1])
    simulator.run_for(60)
    assert all(len(view_of(node)) == 9 for node in nodes[1:])
    simulator.heal()
    assert simulator.run_until(simulator.have_equal_views, 20) is not None


# Deaths


@pytest.mark.parametrize("count", [2, 3, 10])
@pytest.mark.parametrize("seed", seeds(6, 20))
def test_a_killed_process_is_known_dead_by_all_within_a_second(count: int, seed: int) -> None:
    simulator = Simulator(seed)
    nodes = simulator.start_all(count)
    simulator.kill(nodes[0], connections_end=True)
    took_s = simulator.run_until(simulator.have_equal_views, 5)
    assert took_s is not None
    assert took_s <= 1.0
    assert blamed(simulator) == {0}


@pytest.mark.parametrize("seed", seeds(6, 20))
def test_a_vanished_machine_is_known_dead_by_all_within_five_seconds(seed: int) -> None:
    simulator = Simulator(seed, fast_path=False)
    nodes = simulator.start_all(3)
    simulator.kill(nodes[0], connections_end=True)
    took_s = simulator.run_until(simulator.have_equal_views, 10)
    assert took_s is not None
    assert 2.0 <= took_s <= 5.0


def test_a_connection_refused_in_error_is_refuted() -> None:
    simulator = Simulator(2)
    nodes = simulator.start_all(5)
    for accuser in nodes[1:]:
        simulator.call(accuser, accuser.swim.connection_refused, nodes[0].swim.me.id)
    simulator.run_for(5)
    assert simulator.have_equal_views()
    assert simulator.events(Kind.SUSPECTED)
    assert not simulator.events(Kind.DIED)


def test_half_of_the_nodes_may_die_at_once() -> None:
    simulator = Simulator(4)
    nodes = simulator.start_all(10)
    for node in nodes[5:]:
        simulator.kill(node)
    assert simulator.run_until(simulator.have_equal_views, 30) is not None


@pytest.mark.parametrize("seed", seeds(4, 10))
def test_a_restarted_node_supersedes_its_predecessor_at_once(seed: int) -> None:
    simulator = Simulator(seed)
    nodes = simulator.start_all(5)
    simulator.kill(nodes[2])
    simulator.keep_joining(simulator.start(2), [address_of(0)])
    took_s = simulator.run_until(simulator.have_equal_views, 5)
    assert took_s is not None
    assert took_s <= 1.0


def test_old_gossip_about_a_predecessor_displaces_nobody() -> None:
    simulator = Simulator(1)
    nodes = simulator.start_all(3)
    gossip = pack([encode(Alive(1, b"g" * ID_BYTES, *nodes[1].address, nodes[1].swim.me.meta_bytes))])
    simulator.call(nodes[0], nodes[0].swim.receive, gossip, nodes[2].address)
    simulator.run_for(3)
    assert simulator.have_equal_views()
    assert not simulator.events(Kind.DIED)


# Leaving


@pytest.mark.parametrize("count", [1, 2, 3, 10, 50])
def test_a_leaver_is_known_to_have_left_and_may_go_soon(count: int) -> None:
    simulator = Simulator(count)
    nodes = simulator.start_all(count)
    leaver = nodes[0]
    simulator.call(leaver, leaver.swim.leave)
    took_s = 0.0 if leaver.swim.has_left else simulator.run_until(lambda: leaver.swim.has_left, 5)
    assert took_s is not None
    assert took_s <= 0.5
    simulator.kill(leaver)
    simulator.run_for(2)
    assert not simulator.events(Kind.DIED)
    assert {node.swim.members[leaver.swim.me.id].state for node in nodes} == {State.LEFT}


def test_who_has_left_is_not_dialled_again() -> None:
    simulator = Simulator(1)
    nodes = simulator.start_all(3)
    for node in nodes:
        simulator.call(node, node.swim.join, [])  # no seeds: those are dialled for ever
    simulator.call(nodes[0], nodes[0].swim.leave)
    simulator.run_for(1)
    simulator.kill(nodes[0])
    simulator.run_for(600)
    assert sum(node.swim.statistics()["failed_exchanges"] for node in nodes[1:]) == 0


# Costs and bounds


def test_packets_per_node_do_not_grow_with_the_group() -> None:
    rates = {}
    for count in (3, 10, 50):
        simulator = Simulator(count)
        simulator.start_all(count)
        before = sum(node.packets_sent for node in simulator.nodes)
        simulator.run_for(30)
        rates[count] = (sum(node.packets_sent for node in simulator.nodes) - before) / 30 / count
    assert max(rates.values()) <= 4.5
    assert max(rates.values()) <= 1.1 * min(rates.values())


def test_nothing_is_kept_of_probes_and_exchanges_that_are_over() -> None:
    simulator = Simulator(1)
    nodes = simulator.start_all(10)
    simulator.network.loss = 0.3
    simulator.run_for(300)
    simulator.network.loss = 0.0
    simulator.run_for(60)
    assert max(node.swim.statistics()["timers"] for node in nodes) < 20
    assert max(node.swim.statistics()["news"] for node in nodes) <= 10


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_every_profile_finds_the_dead_and_only_them(profile: Profile) -> None:
    simulator = Simulator(1, profile)
    nodes = simulator.start_all(5)
    simulator.network.loss = 0.02
    simulator.run_for(100 * profile.probe_period_s)
    assert not simulator.events(Kind.DIED)
    simulator.kill(nodes[0])
    simulator.run_for(40 * profile.probe_period_s)
    assert blamed(simulator) == {0}


def test_the_same_seed_gives_the_same_run() -> None:
    def run(seed: int) -> list[tuple[float, int, Kind]]:
        simulator = Simulator(seed)
        nodes = simulator.start_all(5)
        simulator.network.loss = 0.2
        simulator.run_for(60)
        simulator.kill(nodes[1])
        simulator.run_for(20)
        return [
            (when, node.number, event.kind) for kind in Kind for when, node, event in simulator.events(kind)
        ]

    assert run(5) == run(5)
    assert run(5) != run(6)
