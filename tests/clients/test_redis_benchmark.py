"""redis-benchmark runs its tests of what we have, in every manner of sending."""

import csv
import io
import subprocess

import pytest

from tests.servers import Server, require_tool

pytestmark = pytest.mark.redis

TESTS = "ping,set,get,incr,hset,mset"
TITLES = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "HSET", "MSET (10 keys)"]


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["-P", "16"],
        ["--threads", "2"],
        ["-3"],
        ["-P", "16", "-3", "--dbnum", "2"],
        ["-r", "1000"],
        ["-k", "0"],
    ],
    ids=" ".join,
)
def test_redis_benchmark(flags: list[str], respcache_server: Server) -> None:
    command = [
        require_tool("redis-benchmark"),
        "-p",
        str(respcache_server.port),
        "-t",
        TESTS,
        "-n",
        "500",  # more than a pipeline for each client
        "-c",
        "20",
    ]
    finished = subprocess.run(
        [*command, *flags, "--csv"], capture_output=True, text=True, timeout=50, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert (
        "fetch server CONFIG" not in finished.stderr
    )  # it asks CONFIG GET first, and complains if that fails
    rows = list(csv.DictReader(io.StringIO(finished.stdout)))
    assert [row["test"] for row in rows] == TITLES
    assert all(float(row["rps"]) > 0 for row in rows)
