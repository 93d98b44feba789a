"""A short trial of real processes, so that neither the cluster nor the harness can break unnoticed.

The long ones are run by hand: ``make faults``. A failure here prints the command that repeats it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import REPOSITORY

TRIAL = ["mix", "--nodes", "3", "--rate", "200", "--seconds", "8", "--profile", "local"]
SEED = "232"
"""A split, a kill and a restart; without namespaces a restart, a stop and a kill."""

LIMIT_S = 110


def faults(*words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *words],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.mark.cluster
@pytest.mark.timeout(LIMIT_S + 10)
def test_a_cluster_keeps_its_promises_through_a_short_mix_of_faults(tmp_path: Path) -> None:
    # Where namespaces cannot be made, it says so, and the faults are those that need none.
    seed = os.environ.get("FAULTS_SEED", SEED)
    done = faults(*TRIAL, "--seed", seed, "--json", str(tmp_path / "figures"))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
