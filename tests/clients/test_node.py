"""ioredis and node-redis, with their default settings, in both protocols."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server, missing, require_tool

pytestmark = pytest.mark.node

SCRIPTS = Path(__file__).parent / "node"
PROTOCOLS = pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])

# What both clients see, each by its own script.
COMMON = {
    "set": "OK",
    "get": "v",
    "missing": None,
    "ttl": 100,
    "incr": 42,
    "hgetall": {"a": "1", "b": "two"},
    "hmget": ["1", None],
    "pipeline": True,
    "name": "other",
    "scanned": 200,
    "error": "WRONGTYPE Operation against a key holding the wrong kind of value",
    "unknown": "ERR unknown command 'NOSUCH', with args beginning with: 'x' ",
    "loading": True,
}


def run(script: str, server: Server, protocol: int) -> Any:  # Any: the script's JSON
    node = require_tool("node")
    if not (SCRIPTS / "node_modules").is_dir():
        missing(f"the packages of {SCRIPTS.name}/package.json are not installed (npm ci)")
    finished = subprocess.run(
        [node, script, str(server.port), str(protocol)],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert not finished.stderr
    return json.loads(finished.stdout)


@PROTOCOLS
def test_ioredis(protocol: int, respcache_server: Server) -> None:
    assert run("ioredis.mjs", respcache_server, protocol) == COMMON | {
        "buffer": "76",
        "multi": [[None, "OK"], [None, 2], [None, "2"]],
        "watched": None,
        "messages": [["news", "hello"], ["w*", "weather", "rain"]],
    }


@PROTOCOLS
def test_node_redis(protocol: int, respcache_server: Server) -> None:
    assert run("node-redis.mjs", respcache_server, protocol) == COMMON | {
        "multi": ["OK", 2, "2"],
        "watched": "WatchError",
        "messages": [["news", "hello"], ["weather", "rain"]],
    }
