"""A failing seed fails again: the same seed is the same run, in every process and wherever its objects lie."""

import os
import subprocess
import sys

from respcache.cluster.replication import syncing
from tests.cluster.bus.histories import live
from tests.cluster.bus.pair import World


def tell() -> str:
    """Go through changes of owners; return the digest of all that was said between nodes, and how often."""
    syncing.COALESCE_S = 0.0  # type: ignore[misc]  # as in the other tests of this, in a process of its own
    ballast = [bytes(number % 997) for number in range(int(sys.argv[1]))]  # what comes now lies elsewhere
    world = World(4, seed=5, cuts=True, active=[0, 1, 2], copies=3, lanes=2)
    faults = [fault for history in live(world, turns=15, lost=100) for fault in history.faults()]
    return repr((world.digest, world.delivered, faults, bool(ballast)))


def told(hash_seed: int, ballast: int) -> str:
    return subprocess.run(
        [sys.executable, "-c", f"from {__name__} import tell; print(tell())", str(ballast)],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_a_seed_says_all_that_happens() -> None:
    assert told(1, 1000) == told(2, 30_000)
