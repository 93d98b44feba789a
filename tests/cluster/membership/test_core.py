from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.cluster.membership.core import dead_of, state_of
from respcache.cluster.membership.member import Address, Phase, State, encode_meta
from respcache.cluster.membership.messages import (
    Ack,
    Alive,
    Dead,
    MemberState,
    Message,
    Nack,
    Ping,
    PingRequest,
    PushPull,
    Suspect,
    encode,
)
from tests.cluster.membership.lone_node import LoneNode, id_of
from tests.cluster.membership.simulator import address_of, meta_of
from tests.thoroughness import examples


def test_a_late_tick_excuses_everybody_for_a_period() -> None:
    node = LoneNode(1)
    node.now = node.swim.next_deadline() + 0.3
    node.outputs += node.swim.tick(node.now)
    assert node.swim._core.is_lagging(node.now + 0.4)
    assert not node.swim._core.is_lagging(node.now + 0.5)
    assert node.swim.statistics()["late_ticks"] == 1


def test_a_tick_in_time_excuses_nobody() -> None:
    node = LoneNode(1)
    node.run_for(30)
    assert node.swim.statistics()["late_ticks"] == 0


def test_lag_above_the_ceiling_counts() -> None:
    node = LoneNode(1)
    node.lag_s = 0.25
    assert not node.swim._core.is_lagging(node.now)
    node.lag_s = 0.26
    assert node.swim._core.is_lagging(node.now)


def test_outputs_are_taken_once() -> None:
    node = LoneNode(1)
    core = node.swim._core
    core.send(("10.0.0.1", 1), Ping(1, id_of(1), id_of(0)))
    assert len(core.take_outputs()) == 1
    assert core.take_outputs() == []


def test_death_is_told_in_the_name_of_whoever_left() -> None:
    node = LoneNode(1)
    member = node.member(1)
    member.state = State.DEAD
    assert dead_of(member, id_of(0)).by == id_of(0)
    member.state = State.LEFT
    assert dead_of(member, id_of(0)).by == id_of(1)
    assert state_of(member).state is State.LEFT


# Anything in any order: few ids, addresses and incarnations, so that they meet in every combination

Step = Callable[[LoneNode], None]

IDS = st.integers(0, 5).map(id_of)
NUMBERS = st.integers(0, 4)
ADDRESSES = NUMBERS.map(address_of)
METAS = st.sampled_from([encode_meta(meta_of(1)), encode_meta(meta_of(2, Phase.JOINING)), b"\xc1"])


def alive_at(incarnation: int, id_: bytes, address: Address, meta: bytes) -> Alive:
    return Alive(incarnation, id_, address[0], address[1], meta)


def line_of(news: Alive, state: State) -> MemberState:
    return MemberState(news.incarnation, news.id, news.host, news.port, news.meta, state)


ALIVE = st.builds(alive_at, NUMBERS, IDS, ADDRESSES, METAS)
MESSAGES = st.one_of(
    ALIVE,
    st.builds(Suspect, NUMBERS, IDS, IDS, st.booleans()),
    st.builds(Dead, NUMBERS, IDS, IDS),
    st.builds(Ping, NUMBERS, IDS, IDS),
    st.builds(PingRequest, NUMBERS, IDS, IDS),
    st.builds(Nack, NUMBERS),
)
VIEWS = st.builds(PushPull, IDS, st.lists(st.builds(line_of, ALIVE, st.sampled_from(State)), max_size=5))


def receive(messages: list[Message], source: int) -> Step:
    return lambda node: node.receive(*messages, source=source)


def pass_time(seconds: float, is_awake: bool) -> Step:
    def step(node: LoneNode) -> None:
        if is_awake:
            node.run_for(seconds)
        else:
            node.now += seconds

    return step


def acknowledge(sender: bytes, source: int) -> Step:
    def step(node: LoneNode) -> None:
        for ping in node.sent(Ping)[-3:]:
            node.receive(Ack(ping.sequence, sender), source=source)

    return step


def be_asked(view: PushPull) -> Step:
    return lambda node: node.outputs.extend(
        node.swim.answer_exchange(node.now, encode(view), address_of(1))[1]
    )


def be_answered(view: PushPull | None) -> Step:
    def step(node: LoneNode) -> None:
        for exchange in node.exchanges()[-3:]:
            payload = None if view is None else encode(view)
            node.outputs += node.swim.exchange_done(node.now, exchange.token, payload)

    return step


def lose(member: bytes) -> Step:
    return lambda node: node.outputs.extend(node.swim.connection_lost(node.now, member))


def be_refused(member: bytes) -> Step:
    return lambda node: node.outputs.extend(node.swim.connection_refused(node.now, member))


def join(addresses: list[Address]) -> Step:
    return lambda node: node.outputs.extend(node.swim.join(node.now, addresses))


def lag(seconds: float) -> Step:
    return lambda node: setattr(node, "lag_s", seconds)


def enter(phase: Phase) -> Step:
    return lambda node: node.outputs.extend(node.swim.update_meta(node.now, meta_of(0, phase)))


def leave(node: LoneNode) -> None:
    node.outputs += node.swim.leave(node.now)


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(receive, st.lists(MESSAGES, max_size=5), NUMBERS),
    st.builds(pass_time, st.floats(0, 5), st.booleans()),
    st.builds(acknowledge, IDS, NUMBERS),
    st.builds(be_asked, VIEWS),
    st.builds(be_answered, VIEWS | st.none()),
    st.builds(lose, IDS),
    st.builds(be_refused, IDS),
    st.builds(join, st.lists(ADDRESSES, max_size=5)),
    st.builds(lag, st.sampled_from([0.0, 1.0])),
    st.builds(enter, st.sampled_from(Phase)),
    st.just(leave),
)


@given(st.lists(STEPS, max_size=40))
@settings(max_examples=examples(100, 1000))
def test_nothing_that_happens_in_any_order_breaks_a_node(steps: list[Step]) -> None:
    node = LoneNode()
    for step in steps:
        step(node)
    roster, me = node.swim._core.roster, node.swim.me
    others = [member for member in node.swim.members.values() if member is not me]
    assert {m.id for m in roster.live} == {m.id for m in others if m.is_live}
    assert roster.gone.keys() == {m.id for m in others if not m.is_live}
    assert len({m.address for m in [*roster.live, me]}) == len(roster.live) + 1
    assert node.swim._precedence._suspicions.keys() == {m.id for m in others if m.state is State.SUSPECT}
    assert me.state in {State.ALIVE, State.LEFT}
    assert node.swim.statistics()["timers"] < 200
    node.lag_s = 0.0
    node.run_for(60)
    assert node.swim.statistics()["suspects"] == 0
