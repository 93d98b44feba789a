from respcache.cluster.membership.core import dead_of, state_of
from respcache.cluster.membership.member import State
from respcache.cluster.membership.messages import Ping
from tests.cluster.membership.lone_node import LoneNode, id_of


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
