import pytest

from respcache.cluster.membership.exchanges import MOST_IN_FLIGHT
from respcache.cluster.membership.member import Address, State, encode_meta
from respcache.cluster.membership.messages import (
    Ack,
    Dead,
    MemberState,
    Ping,
    PushPull,
    Suspect,
    decode_exchange,
    encode,
)
from respcache.cluster.membership.outputs import Exchange
from tests.cluster.membership.lone_node import LoneNode, id_of
from tests.cluster.membership.simulator import address_of, meta_of


def line(number: int, state: State = State.ALIVE, incarnation: int = 1) -> MemberState:
    return MemberState(incarnation, id_of(number), *address_of(number), encode_meta(meta_of(number)), state)


def view_from(number: int, *lines: MemberState) -> bytes:
    return encode(PushPull(id_of(number), [line(number), *lines]))


def answer(node: LoneNode, payload: bytes) -> dict[int, MemberState]:
    """Return the view that the node answers with, by number."""
    reply, outputs = node.swim.answer_exchange(node.now, payload, address_of(99))
    node.outputs += outputs
    view = decode_exchange(reply)
    assert isinstance(view, PushPull)
    return {state.id[0]: state for state in view.states}


def join(node: LoneNode, *addresses: Address) -> list[Exchange]:
    node.outputs += node.swim.join(node.now, addresses)
    return node.exchanges()


def test_joining_dials_only_where_nobody_is_known() -> None:
    node = LoneNode(1)
    dialled = join(node, address_of(0), address_of(1), address_of(2), ("example.org", 1), ("0.0.0.0", 1))
    assert [exchange.address for exchange in dialled] == [address_of(2)]
    assert len(join(node, address_of(2))) == 1


def test_joining_many_dials_some_at_a_time() -> None:
    node = LoneNode()
    assert len(join(node, *(address_of(number) for number in range(1, 60)))) == MOST_IN_FLIGHT
    for exchange in node.exchanges():
        node.outputs += node.swim.exchange_done(node.now, exchange.token, None)
    node.outputs.clear()
    assert len(join(node, *(address_of(number) for number in range(1, 60)))) == MOST_IN_FLIGHT


def test_exchanges_that_nobody_reports_on_are_given_up() -> None:
    node = LoneNode()
    join(node, address_of(2))
    node.run_for(40)
    node.outputs.clear()
    assert len(join(node, address_of(2))) == 1


def test_both_sides_know_each_other_after_one_exchange() -> None:
    node = LoneNode(1)
    reply = answer(node, view_from(2, line(3)))
    assert {number for number in range(9) if node.state(number) is State.ALIVE} == {0, 1, 2, 3}
    assert reply.keys() == {0, 1, 2, 3}


def test_the_reply_to_ones_own_exchange_is_merged() -> None:
    node = LoneNode()
    token = join(node, address_of(2))[0].token
    node.outputs += node.swim.exchange_done(node.now, token, view_from(2, line(3)))
    assert node.state(3) is State.ALIVE
    node.outputs += node.swim.exchange_done(node.now, token, view_from(4))
    assert node.state(4) is None


def test_whom_a_peer_believes_dead_is_only_suspected() -> None:
    node = LoneNode(1)
    answer(node, view_from(2, line(1, State.DEAD), line(3, State.DEAD)))
    assert node.state(1) is State.SUSPECT
    assert node.state(3) is None


def test_suspects_of_a_peer_are_known_and_suspected() -> None:
    node = LoneNode(1)
    answer(node, view_from(2, line(1, State.SUSPECT), line(3, State.SUSPECT)))
    assert (node.state(1), node.state(3)) == (State.SUSPECT, State.SUSPECT)


def test_who_left_according_to_a_peer_has_left() -> None:
    node = LoneNode(1)
    answer(node, view_from(2, line(1, State.LEFT)))
    assert node.state(1) is State.LEFT


def test_a_late_node_takes_over_no_suspicions() -> None:
    node = LoneNode(1)
    node.lag_s = 1.0
    answer(node, view_from(2, line(1, State.DEAD)))
    assert node.state(1) is State.ALIVE


@pytest.mark.parametrize("state", [State.SUSPECT, State.DEAD])
def test_the_reply_brings_ones_own_refutation(state: State) -> None:
    node = LoneNode()
    assert answer(node, view_from(2, line(0, state, incarnation=4)))[0].incarnation == 5


def test_a_dispute_over_the_long_dead_is_told_to_the_peer() -> None:
    node = LoneNode(1, 3)
    node.receive(Dead(1, id_of(3), id_of(1)))
    node.run_for(600)
    assert 3 not in answer(node, view_from(2))
    assert answer(node, view_from(2, line(3)))[3].state is State.DEAD
    node.outputs.clear()
    token = next(
        exchange.token for exchange in join(node, address_of(8)) if exchange.address == address_of(8)
    )
    node.outputs += node.swim.exchange_done(node.now, token, view_from(8, line(3)))
    assert Suspect(1, id_of(3), id_of(0)) in node.sent(Suspect, to=8)


def test_a_peer_that_speaks_for_its_address_supersedes_its_predecessor() -> None:
    node = LoneNode(1)
    successor = MemberState(1, id_of(50), *address_of(1), encode_meta(meta_of(1)), State.ALIVE)
    answer(node, encode(PushPull(id_of(50), [successor])))
    assert (node.state(1), node.state(50)) == (State.DEAD, State.ALIVE)


def test_a_ping_over_tcp_is_answered() -> None:
    node = LoneNode()
    reply, _ = node.swim.answer_exchange(node.now, encode(Ping(9, id_of(0), id_of(1))), address_of(1))
    assert decode_exchange(reply) == Ack(9, id_of(0))


@pytest.mark.parametrize(
    "garbage", [b"", b"\xc1", b"\x91" * 10_000, encode(Ack(1, id_of(1))), b"\x93\x08\x00\x00"]
)
def test_garbage_gets_no_reply_and_is_counted(garbage: bytes) -> None:
    node = LoneNode()
    assert node.swim.answer_exchange(node.now, garbage, address_of(1)) == (b"", [])
    assert node.swim.statistics()["malformed"] == 1


def test_views_are_compared_from_time_to_time() -> None:
    node = LoneNode(1)
    node.lag_s = 1.0  # so that nobody dies of not answering
    node.run_for(60)
    views = [e for e in node.exchanges() if isinstance(decode_exchange(e.payload), PushPull)]
    assert 2 <= len(views) <= 5  # every 15 s, but never two at once


def test_the_dead_and_absent_seeds_are_dialled_again_for_a_day() -> None:
    node = LoneNode(1)
    node.receive(Dead(1, id_of(1), id_of(9)))
    join(node, address_of(5))
    node.outputs.clear()
    node.run_for(600)
    assert {exchange.address for exchange in node.exchanges()} == {address_of(1), address_of(5)}
    node.run_for(25 * 3600)
    assert node.state(1) is None
    node.outputs.clear()
    node.run_for(600)
    assert {exchange.address for exchange in node.exchanges()} == {address_of(5)}
