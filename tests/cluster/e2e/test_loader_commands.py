"""Loaders of a whole cluster are looked after from any of its nodes."""

import json

import pytest

from respcache.app import cli
from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.processes import Cluster

KEYS = [f"row:{number}" for number in range(400)]
"""Most of them have values; see the loader."""


@pytest.fixture
def loading_cluster(start_cluster: StartCluster) -> Cluster:
    return start_cluster(3, "--loader", "tests.app.loaders:Rows", profile="lan")


def run(cluster: Cluster, number: int, *words: str) -> int:
    return cli.main(["loading", *words, "-p", str(cluster[number].port)])


def total_loaded(cluster: Cluster, number: int, capsys: pytest.CaptureFixture[str]) -> int:
    """Return how many keys a node has loaded itself."""
    assert run(cluster, number, "stats", "--json") == 0
    total = json.loads(capsys.readouterr().out)["rows"]["total"]["loaded"]
    assert isinstance(total, int)
    return total


def test_keys_are_preloaded_at_their_owners_and_loaders_paused_at_all(
    loading_cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [key for key in KEYS if not key.endswith("8")]
    assert run(loading_cluster, 0, "preload", *wanted) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("loaded 320, absent 40, failed 0 in ")
    loaded = [total_loaded(loading_cluster, number, capsys) for number in range(3)]
    assert sum(loaded) == 320
    assert all(loaded)
    states = loading_cluster[1].call("LOADER", "STATE", "row:0", "row:1008", "row:10", "none")
    assert [child.text for child in states.children][:3] == [b"loaded", b"unknown", b"loaded"]
    assert loading_cluster[2].call("LOADER", "PEEK", "row:1").text == b"value of row:1"
    assert run(loading_cluster, 2, "pause", "rows") == 0
    for node in loading_cluster:
        assert b"is paused" in node.call("GET", "row:1001").text
        assert b"is paused" in node.call("GET", "row:1002").text
        assert b"is paused" in node.call("GET", "row:1003").text
    assert run(loading_cluster, 1, "resume", "rows") == 0
    assert [node.call("GET", "row:1001").text for node in loading_cluster] == [b"value of row:1001"] * 3
    assert int(loading_cluster[0].call("LOADER", "FORGET", *KEYS).text) >= 320
    assert loading_cluster[1].call("DBSIZE").text == b"1"
