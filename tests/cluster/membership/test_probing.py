import msgspec
import pytest

from respcache.cluster.membership.member import State
from respcache.cluster.membership.messages import (
    Ack,
    Alive,
    Dead,
    Nack,
    Ping,
    PingRequest,
    Suspect,
    decode_exchange,
    encode,
)
from respcache.cluster.membership.outputs import Kind
from respcache.cluster.membership.profiles import LAN
from tests.cluster.membership.lone_node import LoneNode, alive, id_of


def until_probe(node: LoneNode) -> Ping:
    """Run until the node probes somebody, and return the question."""
    node.outputs.clear()
    while not node.sent(Ping):
        node.now = node.swim.next_deadline()
        node.outputs += node.swim.tick(node.now)
    return node.sent(Ping)[0]


def number_of(ping: Ping) -> int:
    return ping.target[0]


def test_one_member_is_probed_per_period_each_in_its_turn() -> None:
    node = LoneNode(1, 2, 3)
    targets = []
    for _ in range(6):
        ping = until_probe(node)
        node.receive(Ack(ping.sequence, ping.target), source=number_of(ping))
        targets.append(number_of(ping))
    assert sorted(targets[:3]) == sorted(targets[3:]) == [1, 2, 3]
    assert node.now == pytest.approx(100 + 2.75, abs=0.25)
    assert node.swim.statistics()["failed_probes"] == 0


def test_a_ping_is_answered_to_where_it_came_from() -> None:
    node = LoneNode(1)
    node.receive(Ping(7, id_of(0), id_of(1)), source=9)
    assert node.sent(Ack, to=9) == [Ack(7, id_of(0))]


def test_who_asks_for_a_predecessor_learns_who_is_here() -> None:
    node = LoneNode(1)
    node.receive(Ping(7, id_of(50), id_of(1)), source=1)
    assert node.sent(Ack, to=1) == [Ack(7, id_of(0))]
    assert alive(0) in node.sent(Alive, to=1)


def test_who_asks_and_counts_as_gone_or_suspect_learns_that() -> None:
    node = LoneNode(1, 2, 3)
    node.receive(Dead(1, id_of(1), id_of(3)), Suspect(1, id_of(2), id_of(3)))
    node.receive(Ping(7, id_of(0), id_of(1)), source=1)
    node.receive(Ping(8, id_of(0), id_of(2)), source=2)
    assert Dead(1, id_of(1), id_of(0)) in node.sent(Dead, to=1)
    assert Suspect(1, id_of(2), id_of(0)) in node.sent(Suspect, to=2)


def test_a_refutation_goes_along_with_the_answer() -> None:
    node = LoneNode(1)
    node.receive(Ping(7, id_of(0), id_of(1)), Suspect(1, id_of(0), id_of(1)), source=1)
    assert node.sent(Ack, to=1) == [Ack(7, id_of(0))]
    assert alive(0, 2) in node.sent(Alive, to=1)


def test_the_suspicion_travels_with_the_probe_of_a_suspect() -> None:
    node = LoneNode(1)
    node.receive(Suspect(1, id_of(1), id_of(9)))
    until_probe(node)
    assert Suspect(1, id_of(1), id_of(0)) in node.sent(Suspect, to=1)


def test_without_an_answer_others_are_asked_and_tcp_is_tried() -> None:
    node = LoneNode(1, 2, 3, 4, 5, 6)
    ping = until_probe(node)
    node.run_for(0.2)
    assert node.sent(PingRequest) == []
    node.run_for(0.06)
    requests = node.sent(PingRequest)
    assert len(requests) == 3
    assert {request.target for request in requests} == {ping.target}
    assert node.sent(PingRequest, to=number_of(ping)) == []
    exchange = node.exchanges()[0]
    assert decode_exchange(exchange.payload) == ping


def fail_all_but(node: LoneNode, *, nacks: int) -> int:
    """Let one probe fail, with so many helpers who say that they are there; return the target's number."""
    ping = until_probe(node)
    node.run_for(0.3)
    for _ in range(nacks):
        node.receive(Nack(ping.sequence), source=5)
    node.run_for(0.199)
    return number_of(ping)


def test_a_failed_probe_accuses_and_tells_the_accused() -> None:
    node = LoneNode(1, 2, 3, 4, 5, 6)
    target = fail_all_but(node, nacks=3)
    node.run_for(0.01)
    assert node.state(target) is State.SUSPECT
    assert node.sent(Suspect, to=target) != []
    assert [event.by for event in node.events()] == [id_of(0)]


@pytest.mark.parametrize(("nacks", "health"), [(3, 0), (2, 1), (0, 3), (9, 0)])
def test_helpers_that_say_nothing_make_one_doubt_ones_own_health(nacks: int, health: int) -> None:
    node = LoneNode(1, 2, 3, 4, 5, 6)
    fail_all_but(node, nacks=nacks)
    node.run_for(0.01)
    assert node.swim.health == health


def test_without_helpers_a_failed_probe_makes_one_doubt_oneself_a_little() -> None:
    node = LoneNode(1)
    fail_all_but(node, nacks=0)
    node.run_for(0.01)
    assert node.swim.health == 1


def test_in_doubt_one_waits_longer_and_an_answer_heals() -> None:
    node = LoneNode(1, 2, 3, 4, 5, 6)
    node.swim._core.awareness.add(3)
    ping = until_probe(node)
    node.run_for(1.9)
    assert node.state(number_of(ping)) is State.ALIVE
    node.receive(Ack(ping.sequence, ping.target), source=number_of(ping))
    assert node.swim.health == 2
    assert Kind.SUSPECTED not in {event.kind for event in node.events()}


def test_an_answer_through_a_helper_counts() -> None:
    node = LoneNode(1, 2, 3)
    ping = until_probe(node)
    node.run_for(0.3)
    node.receive(Ack(ping.sequence, ping.target), source=99)
    node.run_for(0.19)
    assert node.swim.statistics()["failed_probes"] == 0
    assert node.events() == []


def test_an_answer_over_tcp_counts_and_a_failure_does_not() -> None:
    node = LoneNode(1)
    ping = until_probe(node)
    node.run_for(0.3)
    token = node.exchanges()[0].token
    node.outputs += node.swim.exchange_done(node.now, token, None)
    node.outputs += node.swim.exchange_done(node.now, token, encode(Ack(ping.sequence, ping.target)))
    node.run_for(0.15)
    assert node.swim.statistics()["answered_over_tcp_only"] == 1
    assert node.swim.statistics()["failed_probes"] == 0


def test_another_id_that_answers_supersedes_the_target() -> None:
    node = LoneNode(1)
    ping = until_probe(node)
    node.receive(Ack(ping.sequence, id_of(50)), source=7)
    assert node.state(1) is State.ALIVE
    node.receive(Ack(ping.sequence, id_of(50)), source=1)
    assert node.kinds(1) == [Kind.DIED]


def test_answers_to_questions_never_asked_change_nothing() -> None:
    node = LoneNode(1)
    node.receive(Ack(12345, id_of(1)), Nack(12345), source=1)
    node.outputs += node.swim.exchange_done(node.now, 12345, b"rubbish")
    node.outputs += node.swim.exchange_done(node.now, 12345, None)
    assert node.outputs == []
    assert node.swim.statistics()["malformed"] == 1


def test_while_the_loop_is_late_a_failed_probe_accuses_nobody() -> None:
    node = LoneNode(1, 2, 3)
    node.lag_s = 0.3
    node.run_for(20)
    assert node.swim.statistics()["failed_probes"] > 0
    assert node.swim.statistics()["suspicions"] == 0
    assert node.swim.health == 7


def test_the_recently_dead_are_told_of_their_death_with_each_period() -> None:
    node = LoneNode(1)
    node.receive(Dead(1, id_of(1), id_of(9)))
    node.run_for(1.0)
    node.outputs.clear()
    node.run_for(5.0)
    assert len(node.sent(Dead, to=1)) == 10
    node.run_for(LAN.knock_for_s - 10)
    node.outputs.clear()
    node.run_for(2.0)
    assert len(node.sent(Ping, to=1)) == 4
    node.run_for(10)
    node.outputs.clear()
    node.run_for(5.0)
    assert node.sent(Dead) == []


def test_who_has_a_successor_is_not_asked_whether_it_lives_after_all() -> None:
    node = LoneNode(1)
    node.receive(Dead(1, id_of(1), id_of(9)))
    node.receive(msgspec.structs.replace(alive(2), host=alive(1).host))
    node.outputs.clear()
    node.run_for(1.5)
    assert {ping.target for ping in node.sent(Ping)} == {id_of(2)}


def test_who_is_suspected_for_long_is_told_each_period_beside_its_probe() -> None:
    node = LoneNode(*range(1, 9))
    node.receive(Suspect(1, id_of(1), id_of(2)))
    node.lag_s = 1.0  # so that nobody else is suspected, and it does not die
    node.run_for(2.5)
    node.outputs.clear()
    node.run_for(5)
    assert len(node.sent(Ping, to=1)) >= 10


# The fast path


def test_the_end_of_a_connection_triggers_one_probe_at_once() -> None:
    node = LoneNode(1, 2)
    for _ in range(3):
        node.outputs += node.swim.connection_lost(node.now, id_of(1))
    assert len(node.sent(Ping, to=1)) == 1
    node.run_for(0.51)
    assert node.state(1) is State.SUSPECT


def test_a_refused_connection_accuses_at_once_and_two_shorten_to_a_period() -> None:
    node = LoneNode(1, 2, 3, 4, 5)
    node.outputs += node.swim.connection_refused(node.now, id_of(1))
    assert node.sent(Suspect, to=1)[0].refused
    node.run_for(0.6)
    assert node.state(1) is State.SUSPECT
    node.receive(Suspect(1, id_of(1), id_of(2), True))
    node.run_for(0.01)
    assert node.state(1) is State.DEAD


def test_of_two_members_one_refused_connection_shortens_to_a_period() -> None:
    node = LoneNode(1)
    node.outputs += node.swim.connection_refused(node.now, id_of(1))
    node.run_for(0.45)
    assert node.state(1) is State.SUSPECT
    node.run_for(0.1)
    assert node.state(1) is State.DEAD


def test_the_fast_path_can_be_off_and_knows_only_live_others() -> None:
    off, node = LoneNode(1, fast_path=False), LoneNode(1)
    off.outputs += off.swim.connection_lost(off.now, id_of(1))
    off.outputs += off.swim.connection_refused(off.now, id_of(1))
    for number in (0, 9):
        node.outputs += node.swim.connection_lost(node.now, id_of(number))
        node.outputs += node.swim.connection_refused(node.now, id_of(number))
    assert off.outputs == node.outputs == []


def test_a_late_node_accuses_nobody_whose_connection_is_refused() -> None:
    node = LoneNode(1)
    node.lag_s = 1.0
    node.outputs += node.swim.connection_refused(node.now, id_of(1))
    assert node.state(1) is State.ALIVE
