"""How soon all agree again after the network was apart in every way that a ring of five can be."""

from collections.abc import Callable

import pytest

from tests.cluster.membership.simulator import Node, Simulator
from tests.thoroughness import seeds


def cut_off_one(simulator: Simulator, nodes: list[Node]) -> None:
    simulator.split(nodes[:1], nodes[1:])


def cut_off_two(simulator: Simulator, nodes: list[Node]) -> None:
    simulator.split(nodes[:2], nodes[2:])


def cut_in_three(simulator: Simulator, nodes: list[Node]) -> None:
    simulator.split(nodes[:2], nodes[2:])
    simulator.split(nodes[2:4], nodes[4:])


def cut_off_everybody(simulator: Simulator, nodes: list[Node]) -> None:
    for number, node in enumerate(nodes):
        simulator.split([node], nodes[number + 1 :])


def leave_only_a_ring(simulator: Simulator, nodes: list[Node]) -> None:
    for number, node in enumerate(nodes):
        simulator.split([node], [nodes[number - 2], nodes[(number + 2) % len(nodes)]])


SPLITS = [cut_off_one, cut_off_two, cut_in_three, cut_off_everybody, leave_only_a_ring]


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.__name__)
@pytest.mark.parametrize("lasts_s", [10, 60])
@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_views_are_equal_within_five_seconds_of_healing(
    split: Callable[[Simulator, list[Node]], None], lasts_s: float, loss: float
) -> None:
    for seed in seeds(4, 20):
        simulator = Simulator(seed)
        nodes = simulator.start_all(5)
        simulator.network.loss = loss
        split(simulator, nodes)
        simulator.run_for(lasts_s)
        simulator.heal()
        assert simulator.run_until(simulator.have_equal_views, 5) is not None, seed


def test_a_split_does_not_multiply_packets() -> None:
    simulator = Simulator(1)
    nodes = simulator.start_all(10)
    cut_off_two(simulator, nodes)
    simulator.run_for(60)
    before = sum(node.packets_sent for node in nodes)
    simulator.run_for(60)
    # Two a second to be asked by probes and two to answer, as ever, and two to the dead.
    assert (sum(node.packets_sent for node in nodes) - before) / 60 / 10 <= 6.5
