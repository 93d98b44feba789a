"""Membership, ownership and forwarding, joined."""

from respcache.cluster.hub import ANSWERS_KEPT_S
from respcache.cluster.membership.member import Phase, State
from respcache.cluster.membership.outputs import Happened, Kind
from tests.cluster.bus.pair import World


def test_a_suspect_still_owns() -> None:
    world = World(2)
    hub = world.peers[0].hub
    before = list(hub.ownership.owners)
    suspect = hub.swim.members[world.peers[1].id]
    suspect.state = State.SUSPECT
    hub.happened(Happened(Kind.SUSPECTED, suspect, None))
    assert hub.ownership.owners == before


def test_the_dead_own_nothing_and_the_next_in_rank_takes_over() -> None:
    world = World(3)
    hub = world.peers[0].hub
    ranks = [hub.ownership.preference(partition, 2) for partition in range(1024)]
    gone = world.peers[1].id
    world.kill(1)
    for (first, second), owners in zip(ranks, hub.ownership.owners, strict=True):
        assert owners[0] == (second if first == gone else first)
    assert set(hub.first_here()) == {
        p for p, rank in enumerate(ranks) if hub.id in rank and rank[0] in (hub.id, gone)
    }


def test_a_node_that_leaves_owns_nothing_any_more() -> None:
    world = World(2)
    hub = world.peers[0].hub
    hub.set_phase(Phase.LEAVING)
    assert {owners[0] for owners in hub.ownership.owners} == {world.peers[1].id}
    assert any(hub.directory.mine)  # until the other has everything
    world.peers[1].see([1])
    world.rest()
    assert not any(hub.directory.mine)
    assert {owners[0] for owners in hub.owners} == {world.peers[1].id}


def test_followers_hear_of_members_and_of_changed_owners() -> None:
    world = World(2)
    hub = world.peers[0].hub
    heard: list[Kind] = []
    moved: list[int] = []
    lost = [partition for partition, owners in enumerate(hub.owners) if owners[0] == world.peers[1].id]
    hub.followers.append(lambda happened: heard.append(happened.kind))
    hub.on_view.append(moved.extend)
    world.kill(1)
    assert heard == [Kind.DIED]
    assert moved == 2 * lost  # nobody serves them, and then this node does


def test_clients_are_sent_to_the_cluster_port_where_there_is_one() -> None:
    world = World(2)
    hub = world.peers[0].hub
    meta = hub.swim.members[world.peers[1].id].meta
    host, port = hub.client_address(world.peers[1].id)
    assert host == meta.host
    assert port == (meta.cluster_port or meta.client_port)
    assert hub.client_address(b"?" * 20) == ("", 0)


def test_a_late_loop_is_news_in_steps_only() -> None:
    world = World(2)
    hub = world.peers[0].hub
    incarnation = hub.swim.me.incarnation
    hub.tell_lag(30)
    assert (hub.swim.me.meta.loop_lag_ms, hub.swim.me.incarnation) == (0, incarnation)
    hub.tell_lag(250)
    assert hub.swim.me.meta.loop_lag_ms == 100
    hub.tell_lag(600)
    assert hub.swim.me.incarnation == incarnation + 1
    hub.tell_lag(0)
    assert hub.swim.me.meta.loop_lag_ms == 0


def test_a_lost_connection_makes_membership_look_at_once() -> None:
    world = World(3)
    hub = world.peers[0].hub
    probes = hub.swim.statistics()["probes"]
    world.lose(0, 1)
    assert hub.swim.statistics()["probes"] == probes + 1


def test_answers_to_a_node_are_forgotten_when_it_is_gone_and_not_while_it_may_ask_again() -> None:
    world = World(2)
    hub, asker = world.peers[0].hub, world.peers[1].id
    assert world.client(1)(f"SET {world.key_of(0)} 1") == b"OK"
    memory = hub.memories.of(asker)
    world.lose(1, 0)
    assert hub.memories.of(asker) is memory
    world.run(0.1)
    world.kill(1)
    world.run(ANSWERS_KEPT_S)
    assert hub.memories.of(asker) is memory
    world.run(2.0)
    assert hub.memories.of(asker) is not memory


def test_whole_copies_are_read_by_who_has_said_readonly_unless_this_node_may_serve_nothing() -> None:
    world = World(2, copies=2)
    world.rest()
    key = world.key_of(1)
    assert world.client(1)(f"SET {key} 1") == b"OK"
    hub = world.peers[0].hub
    client = world.client(0, is_redirected=True)
    client.record.reads_copies = True
    assert client(f"GET {key}") == b"1"
    hub.directory.close(b"-CLUSTERDOWN\r\n")
    assert client(f"GET {key}").code == "MOVED"
