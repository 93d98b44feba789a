"""The dashboard in a real browser: headless Chromium, steered by playwright-core.

``RESPCACHE_PICTURES=docs/images`` has the pictures of the documentation taken anew.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.processes import Cluster, running_cluster
from tests.conftest import StartServer
from tests.servers import free_ports, missing, require_tool

pytestmark = pytest.mark.browser

SCRIPTS = Path(__file__).parent
PICTURES = os.environ.get("RESPCACHE_PICTURES", "")


def visit(script: str, *words: object) -> Any:  # Any: the script's JSON
    """Let a browser do what a script says, and return what it has seen."""
    node, chromium = require_tool("node"), require_tool("chromium")
    if not (SCRIPTS / "node_modules").is_dir():
        missing(f"the packages of {SCRIPTS.name}/package.json are not installed (npm ci)")
    environment = {**os.environ, "CHROMIUM": chromium}
    if PICTURES:
        environment["RESPCACHE_PICTURES"] = str(Path(PICTURES).resolve())
    finished = subprocess.run(
        [node, script, *map(str, words)],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        timeout=170 if PICTURES else 100,
        check=False,
        env=environment,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def with_http(start: StartServer, *flags: str) -> str:
    """Start a server with an HTTP port, and return its address."""
    [port] = free_ports(1)
    start("--http", str(port), *flags)
    return f"http://127.0.0.1:{port}/"


@pytest.mark.timeout(120)
def test_one_server(start_respcache: StartServer) -> None:
    seen = visit("alone.mjs", with_http(start_respcache))
    assert seen["troubles"] == []
    assert seen["charts"]["moved"]
    assert seen["charts"]["operations"][0] in "123456789"
    assert seen["events"] == {"filtered": 1, "whilePaused": 0, "readersWhilePaused": 0}
    strings = seen["strings"]
    assert strings.pop("found") == ["user:42", "user:421"]
    assert strings == {
        "saved": "Ada Lovelace",
        "kept_its_life": True,
        "forEver": -1,
        "kept": 1,
        "left": 0,
        "serious": [],
    }
    assert seen["hashes"]["fields"] == {"name": "Ada Lovelace"}
    assert (seen["light"], seen["dark"], seen["theme"]) == ([], [], "dark")
    assert seen["withoutMouse"] == {
        "first": "Skip to the content",
        "skipped": "content",
        "searched": True,
        "returned": "typed",
    }
    assert seen["phone"] == {"width": 360}
    assert seen["twenty"] == {
        "told": "twenty: 16 members · 4 members are dead · 204 unserved · 205 moving · 205 with copies missing",
        "gone": 4,
        "labels": 20,
        "moving": 4,
        "unserved": 204,
        "width": 360,
        "serious": [],
    }
    read_only = seen["readOnly"]
    assert read_only["offered"] == ["✕"]
    assert not read_only["editable"]
    assert read_only["refused"].startswith("READONLY")


def is_safe(cluster: Cluster) -> bool:
    return not cluster[0].call("CLUSTER", "SAFE", "MEMBERS", "3").is_error


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[tuple[Cluster, str]]:
    """A cluster whose third node has an HTTP port, and its address."""
    [port] = free_ports(1)
    with running_cluster(tmp_path, 2) as cluster:
        cluster.add("--http", str(port))
        cluster.wait_until_together()
        cluster.wait_until(lambda: is_safe(cluster), "any of them may be killed", within_s=30)
        yield cluster, f"http://127.0.0.1:{port}/"


@pytest.mark.timeout(180)
def test_three_nodes_of_which_one_is_killed(three_nodes: tuple[Cluster, str]) -> None:
    cluster, url = three_nodes
    victim = cluster[1]
    name = f"127.0.0.1:{victim.port}"
    seen = visit("together.mjs", url, name, victim.pid, PICTURES)
    assert seen["troubles"] == []
    assert seen["serious"] == []
    before = {address: (state, served) for address, state, served in seen["before"]}
    after = {address: (state, served) for address, state, served in seen["after"]}
    assert "dead" not in {state for state, _ in before.values()}
    assert sum(served for _, served in before.values()) == 1024
    assert before[name][1] > 200
    assert after.pop(name) == ("dead", 0)
    assert all(served > before[address][1] for address, (_, served) in after.items())
    assert sum(served for _, served in after.values()) == 1024
    assert (seen["unserved"], seen["arcs"]) == (0, 1)
    assert seen["colour"] == "rgb(192, 57, 47)"
    assert re.match(r"Partition 64: [a-z]+, served by 127\.0\.0\.1:\d+; copies: ", seen["chosen"])
    assert seen["width"] == 360


@pytest.mark.timeout(120)
def test_a_server_with_a_password(start_respcache: StartServer) -> None:
    url = with_http(start_respcache, "--requirepass", "open sesame")
    seen = visit("locked.mjs", url, "open sesame")
    assert (seen["refused"], seen["admitted"]) == (401, 200)
    assert all("401" in trouble for trouble in seen["troubles"])
