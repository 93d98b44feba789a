"""redis-py, with its default settings: today's, and the line before, which many still run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.clients.python_client import EXERCISES, run
from tests.servers import REPOSITORY, Server, missing

# `make` puts redis-py 5 here, beside the redis-py that this process has imported.
REDIS_PY_5 = Path(os.environ.get("RESPCACHE_REDIS_PY_5", Path(sys.prefix) / "redis-py-5"))

protocols = pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])


@protocols
@pytest.mark.parametrize("name", EXERCISES)
def test_redis_py(name: str, protocol: int, respcache_server: Server) -> None:
    assert int(redis.__version__.split(".")[0]) >= 8
    run(name, respcache_server.port, protocol)


@protocols
def test_redis_py_5(protocol: int, respcache_server: Server) -> None:
    # All in one process: to import redis-py takes ten times as long as an exercise.
    if not REDIS_PY_5.is_dir():
        missing(f"redis-py 5 is not in {REDIS_PY_5}")
    finished = subprocess.run(
        [sys.executable, "-m", "tests.clients.python_client", str(respcache_server.port), str(protocol)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REDIS_PY_5), str(REPOSITORY)])},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    version, failures = json.loads(finished.stdout)
    assert version.startswith("5.")
    assert not failures, "\n".join(f"{name}: {told}" for name, told in failures.items())
