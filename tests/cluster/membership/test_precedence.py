"""Which news overrides which, one rule after the other, as memberlist's tests go through them."""

import pytest

from respcache.cluster.membership.member import Phase, State
from respcache.cluster.membership.messages import Ack, Alive, Dead, Ping, Suspect
from respcache.cluster.membership.outputs import Kind
from respcache.cluster.membership.precedence import MOST_CLAIMS
from respcache.cluster.membership.roster import MOST_MEMBERS
from tests.cluster.membership.lone_node import LoneNode, alive, id_of
from tests.cluster.membership.simulator import address_of, meta_of


def suspect(number: int, by: int, incarnation: int = 1, *, refused: bool = False) -> Suspect:
    return Suspect(incarnation, id_of(number), id_of(by), refused)


def dead(number: int, by: int, incarnation: int = 1) -> Dead:
    return Dead(incarnation, id_of(number), id_of(by))


# ALIVE


def test_a_stranger_joins_and_is_talked_of() -> None:
    node = LoneNode()
    node.receive(alive(1), alive(2, phase=Phase.JOINING))
    assert node.kinds(1) == [Kind.JOINED, Kind.ACTIVE]
    assert node.kinds(2) == [Kind.JOINED]
    node.run_for(0.1)
    assert {message.id for message in node.sent(Alive)} >= {id_of(1), id_of(2)}


def test_old_and_equal_incarnations_of_alive_change_nothing() -> None:
    node = LoneNode(1)
    node.receive(alive(1, 3, Phase.LEAVING))
    node.outputs.clear()
    node.receive(alive(1, 3), alive(1, 2))
    assert node.events() == []
    assert node.member(1).meta.phase is Phase.LEAVING


def test_a_higher_incarnation_brings_a_new_phase() -> None:
    node = LoneNode()
    node.receive(alive(1, 1, Phase.JOINING))
    node.receive(alive(1, 2, Phase.ACTIVE), alive(1, 3, Phase.LEAVING))
    assert node.kinds(1) == [Kind.JOINED, Kind.ACTIVE, Kind.UPDATED]


def test_alive_refutes_suspicion_only_with_a_higher_incarnation() -> None:
    node = LoneNode(1, 2)
    node.receive(suspect(1, by=2), alive(1, 1))
    assert node.state(1) is State.SUSPECT
    node.receive(alive(1, 2))
    assert node.state(1) is State.ALIVE
    assert node.kinds(1) == [Kind.SUSPECTED, Kind.REFUTED]
    changed_at = node.member(1).changed_at
    node.run_for(0.01)
    assert node.member(1).changed_at == changed_at


def test_alive_revives_the_dead_only_with_a_higher_incarnation() -> None:
    node = LoneNode(1, 2)
    node.receive(dead(1, by=2), alive(1, 1))
    assert node.state(1) is State.DEAD
    node.receive(alive(1, 2))
    assert node.kinds(1) == [Kind.DIED, Kind.JOINED, Kind.ACTIVE]


def test_an_echo_of_oneself_is_no_accusation_but_a_forgery_is_refuted() -> None:
    node = LoneNode()
    node.receive(alive(0, 1))
    assert node.swim.me.incarnation == 1
    node.receive(alive(0, 1, Phase.LEAVING))
    assert node.swim.me.incarnation == 2
    node.receive(alive(0, 9))
    assert node.swim.me.incarnation == 10
    assert node.swim.me.meta.phase is Phase.ACTIVE


def test_an_id_does_not_move_to_another_address() -> None:
    node = LoneNode(1)
    moved = Alive(5, id_of(1), *address_of(8), alive(1).meta)
    node.receive(moved)
    assert node.member(1).address == address_of(1)
    assert node.swim.statistics()["address_conflicts"] == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "224.0.0.1", "example.org"])
def test_nobody_is_believed_to_live_at_a_nonsense_address(host: str) -> None:
    node = LoneNode()
    node.receive(Alive(1, id_of(1), host, 1, alive(1).meta), Alive(1, id_of(2), "10.0.0.2", 1, b"\xc1"))
    assert len(node.swim.members) == 1
    assert node.swim.statistics()["malformed"] == 2


def test_a_flood_of_invented_members_is_bounded() -> None:
    node = LoneNode()
    for number in range(1, MOST_MEMBERS + 500):
        invented = number.to_bytes(20, "big")
        node.receive(Alive(1, invented, "10.9.0.1", 1000 + number, alive(1).meta))
    statistics = node.swim.statistics()
    assert len(node.swim.members) == MOST_MEMBERS
    assert statistics["members_refused"] == 500
    assert statistics["news"] <= MOST_MEMBERS


# Addresses


def test_a_new_id_that_speaks_for_its_address_supersedes_the_old_at_once() -> None:
    node = LoneNode(1)
    successor = Alive(1, id_of(50), *address_of(1), alive(1).meta)
    node.receive(successor, source=1)
    assert node.kinds(1) == [Kind.DIED]
    assert node.state(50) is State.ALIVE


def test_hearsay_of_a_new_id_at_an_address_is_asked_for_proof() -> None:
    node = LoneNode(1)
    node.receive(Alive(1, id_of(50), *address_of(1), alive(1).meta), source=7)
    assert (node.state(1), node.state(50)) == (State.ALIVE, None)
    assert [ping.target for ping in node.sent(Ping, to=1)] == [id_of(50)]
    node.receive(Ack(0, id_of(50)), source=7)
    assert node.state(50) is None
    node.receive(Ack(0, id_of(50)), source=1)
    assert (node.state(1), node.state(50)) == (State.DEAD, State.ALIVE)


def test_proof_is_asked_for_once_per_period_and_of_few() -> None:
    node = LoneNode(1)
    claims = [Alive(1, bytes([50, n]) + b"c" * 18, *address_of(1), alive(1).meta) for n in range(100)]
    for _ in range(3):
        node.receive(claims[0])
    assert len(node.sent(Ping, to=1)) == 1
    node.receive(*claims[:50])
    node.receive(*claims[50:])
    assert len(node.swim._precedence._claims) == MOST_CLAIMS


def test_a_predecessor_at_ones_own_address_is_declared_dead() -> None:
    node = LoneNode(1)
    node.receive(Alive(4, id_of(50), *address_of(0), alive(0).meta))
    node.run_for(0.1)
    assert Dead(4, id_of(50), id_of(0)) in node.sent(Dead, to=1)
    assert node.state(50) is None


# SUSPECT


def test_suspicion_of_strangers_and_old_incarnations_is_ignored() -> None:
    node = LoneNode(1)
    node.receive(alive(1, 5))
    node.receive(suspect(1, by=2, incarnation=4), suspect(9, by=2))
    assert node.state(1) is State.ALIVE
    assert node.state(9) is None


def test_an_accusation_that_was_refuted_is_answered_with_the_refutation() -> None:
    node = LoneNode(1, 2)
    node.receive(alive(1, 5))
    node.receive(suspect(1, by=2, incarnation=4), dead(1, by=2, incarnation=1), source=2)
    assert alive(1, 5) in node.sent(Alive, to=2)
    assert node.swim.statistics()["corrections"] == 2


def test_a_suspect_that_does_not_refute_dies_at_the_deadline() -> None:
    node = LoneNode(1, 2)
    node.receive(suspect(1, by=2))
    node.run_for(1.9)
    assert node.state(1) is State.SUSPECT
    node.run_for(0.2)
    assert node.state(1) is State.DEAD
    assert [event.by for event in node.events() if event.kind is Kind.DIED] == [id_of(0)]


def test_a_suspect_that_refutes_does_not_die() -> None:
    node = LoneNode(1, 2)
    node.receive(suspect(1, by=2))
    node.run_for(1)
    node.receive(alive(1, 2))
    node.run_for(1.5)
    assert Kind.DIED not in node.kinds(1)


def test_independent_confirmations_are_passed_on_and_shorten() -> None:
    node = LoneNode(1, 2, 3, 4, 5)
    node.receive(suspect(1, by=2))
    node.run_for(0.3)
    node.outputs.clear()
    node.receive(suspect(1, by=2), suspect(1, by=3))
    node.run_for(0.1)
    assert {news.by for news in node.sent(Suspect)} == {id_of(3)}
    node.receive(suspect(1, by=4))
    node.run_for(1.7)
    assert node.state(1) is State.DEAD


def test_who_is_accused_refutes_with_a_higher_incarnation_and_doubts_its_health() -> None:
    node = LoneNode(1)
    node.receive(suspect(0, by=1, incarnation=6))
    assert node.swim.me.incarnation == 7
    assert node.swim.health == 1
    event = node.events()[0]
    assert (event.kind, event.was, event.by) == (Kind.REFUTED, State.SUSPECT, id_of(1))
    node.run_for(0.1)
    assert alive(0, 7) in node.sent(Alive, to=1)
    node.receive(suspect(0, by=1, incarnation=6))
    assert node.swim.me.incarnation == 7


def test_nobody_dies_while_this_node_is_late() -> None:
    node = LoneNode(1, 2)
    node.receive(suspect(1, by=2))
    node.lag_s = 1.0
    node.run_for(30)
    assert node.state(1) is State.SUSPECT
    assert node.kinds(2) == []
    node.lag_s = 0.0
    node.run_for(0.6)
    assert node.state(1) is State.DEAD


# DEAD and LEFT


def test_death_of_strangers_of_the_dead_and_of_old_incarnations_is_ignored() -> None:
    node = LoneNode(1, 2)
    node.receive(alive(1, 5))
    node.outputs.clear()
    node.receive(dead(1, by=2, incarnation=4), dead(9, by=2))
    assert node.events() == []
    node.receive(dead(1, by=2, incarnation=5), dead(1, by=2, incarnation=5))
    assert node.kinds(1) == [Kind.DIED]


def test_a_members_own_dead_means_that_it_left() -> None:
    node = LoneNode(1)
    node.receive(dead(1, by=1))
    assert node.state(1) is State.LEFT
    assert node.kinds(1) == [Kind.LEFT]


def test_one_believed_dead_may_turn_out_to_have_left() -> None:
    node = LoneNode(1, 2)
    node.receive(dead(1, by=2), dead(1, by=1))
    assert node.state(1) is State.LEFT
    assert node.kinds(1) == [Kind.DIED]


def test_one_declared_dead_refutes_and_learns_what_was_believed() -> None:
    node = LoneNode(1)
    node.receive(dead(0, by=1))
    assert node.swim.me.incarnation == 2
    assert [(event.kind, event.was) for event in node.events()] == [(Kind.REFUTED, State.DEAD)]
    assert len(node.exchanges()) == 1


def test_one_declared_dead_learns_it_even_after_refuting_a_suspicion_once() -> None:
    node = LoneNode(1)
    node.receive(suspect(0, by=1), dead(0, by=1), dead(0, by=1))
    assert [event.was for event in node.events()] == [State.SUSPECT, State.DEAD]
    assert node.swim.me.incarnation == 2


def test_one_that_was_cut_off_begins_its_suspicions_anew() -> None:
    node = LoneNode(1, 2, 3, 4)
    node.receive(suspect(1, by=0))
    node.run_for(1.0)
    node.receive(dead(0, by=2), suspect(1, by=2), suspect(1, by=3), suspect(1, by=4))
    node.run_for(1.8)
    assert node.state(1) is State.SUSPECT
    node.run_for(0.4)
    assert node.state(1) is State.DEAD


def test_one_that_has_left_does_not_object() -> None:
    node = LoneNode(1)
    node.outputs += node.swim.leave(node.now)
    node.receive(dead(0, by=1), suspect(0, by=1), alive(0, 9))
    assert node.swim.me.state is State.LEFT
    assert node.swim.me.incarnation == 1
    assert node.kinds(0) == [Kind.LEFT]


def test_events_carry_copies() -> None:
    node = LoneNode()
    node.receive(alive(1))
    event = node.events()[0]
    node.receive(dead(1, by=1))
    assert event.member.state is State.ALIVE
    assert event.member.meta == meta_of(1)
