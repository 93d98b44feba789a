from respcache.cluster.membership.messages import Ack, Nack, Ping, PingRequest
from respcache.cluster.membership.relaying import MOST_RELAYS
from tests.cluster.membership.lone_node import LoneNode, id_of


def asked(node: LoneNode, target: int = 2, sequence: int = 77) -> None:
    node.receive(PingRequest(sequence, id_of(target), id_of(1)), source=1)


def test_a_helper_passes_the_answer_on_under_the_askers_number() -> None:
    node = LoneNode(1, 2)
    asked(node)
    ping = node.sent(Ping, to=2)[0]
    node.receive(Ack(ping.sequence, id_of(2)), source=2)
    assert node.sent(Ack, to=1) == [Ack(77, id_of(2))]
    node.run_for(0.45)
    assert node.sent(Nack, to=1) == []


def test_a_helper_without_an_answer_says_so_before_the_askers_period_ends() -> None:
    node = LoneNode(1, 2)
    asked(node)
    node.run_for(0.19)
    assert node.sent(Nack, to=1) == []
    node.run_for(0.02)
    assert node.sent(Nack, to=1) == [Nack(77)]


def test_a_late_answer_is_passed_on_still_and_then_forgotten() -> None:
    node = LoneNode(1, 2)
    asked(node)
    ping = node.sent(Ping, to=2)[0]
    node.run_for(0.4)
    node.receive(Ack(ping.sequence, id_of(2)), source=2)
    node.receive(Ack(ping.sequence, id_of(2)), source=2)
    assert node.sent(Ack, to=1) == [Ack(77, id_of(2))]


def test_another_id_at_the_address_is_no_answer() -> None:
    node = LoneNode(1, 2)
    asked(node)
    ping = node.sent(Ping, to=2)[0]
    node.receive(Ack(ping.sequence, id_of(50)), source=2)
    assert node.sent(Ack, to=1) == []


def test_nobody_is_made_to_probe_strangers_or_itself() -> None:
    node = LoneNode(1)
    asked(node, target=9)
    asked(node, target=0)
    assert node.sent(Ping) == []
    assert node.sent(Nack, to=1) == [Nack(77), Nack(77)]


def test_a_flood_of_requests_is_bounded_and_passes() -> None:
    node = LoneNode(1, 2)
    for sequence in range(2 * MOST_RELAYS):
        asked(node, sequence=sequence)
    assert len(node.sent(Ping, to=2)) == MOST_RELAYS
    node.run_for(1.0)
    node.outputs.clear()
    asked(node)
    assert len(node.sent(Ping, to=2)) == 1
