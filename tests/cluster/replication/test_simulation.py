"""Clusters in trouble come to rest, with everything that was acknowledged: see ``simulation.py``."""

import pytest

from tests.cluster.replication.simulation import Simulation

SEEDS = (3, 7, 16, 38, 65, 77, 157, 206, 228, 256, 258, 305)
"""Most of these have found something once."""


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_left_behind_in_whatever_trouble(seed: int) -> None:
    assert not Simulation(seed).run()
