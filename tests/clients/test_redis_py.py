"""redis-py, with its default settings: today's, and the line before, which many still run."""

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
@pytest.mark.parametrize("name", EXERCISES)
def test_redis_py_5(name: str, protocol: int, respcache_server: Server) -> None:
    if not REDIS_PY_5.is_dir():
        missing(f"redis-py 5 is not in {REDIS_PY_5}")
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.clients.python_client",
            str(respcache_server.port),
            str(protocol),
            name,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REDIS_PY_5), str(REPOSITORY)])},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("5.")
