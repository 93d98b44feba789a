"""What operators and readers of copies are told is true of real nodes."""

from typing import Any

import pytest
from redis.cluster import LoadBalancingStrategy, RedisCluster

from respcache.app import cli
from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.processes import Cluster, ClusterNode, slot_of

KEYS = [b"key:%d" % number for number in range(200)]
SAFE_SECONDS = "20"


def command(node: ClusterNode, *words: str) -> int:
    return cli.main(["cluster", *words, "-p", str(node.port)])


def wait_until_safe(cluster: Cluster, members: int) -> None:
    words = ("safe", "--members", str(members), "--wait", SAFE_SECONDS)
    assert command(cluster.running[0], *words) == 0


def write(node: ClusterNode) -> None:
    with node.client() as client:
        assert client.pipeline([[b"SET", key, key] for key in KEYS]) == [b"+OK\r\n"] * len(KEYS)


def digests(node: ClusterNode) -> dict[int, tuple[object, ...]]:
    """Return epoch, keys and digest of each partition that a node has."""
    rows: Any = node.call("CLUSTER", "DIGEST").plain()  # Any: numbers and texts
    return {row[0]: tuple(row[2:]) for row in rows}


def test_a_cluster_is_safe_again_after_a_loss_but_not_to_who_counts(
    start_cluster: StartCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = start_cluster(3)
    wait_until_safe(cluster, 3)
    write(cluster[0])
    cluster[2].kill()
    wait_until_safe(cluster, 2)
    capsys.readouterr()
    assert command(cluster[0], "safe", "--members", "3") == 1
    assert "2 of 3 members" in capsys.readouterr().out
    assert [cluster[1].call("GET", key).plain() for key in KEYS] == KEYS


def test_whoever_holds_a_partition_has_the_same(cluster: Cluster) -> None:
    wait_until_safe(cluster, 3)
    write(cluster[0])
    cluster.wait_until(lambda: _are_alike(cluster), "all copies are equal", within_s=15)


def _are_alike(cluster: Cluster) -> bool:
    held = [digests(node) for node in cluster]
    pairs = [[one[partition] for one in held if partition in one] for partition in range(1024)]
    return all(len(same) == 2 and same[0] == same[1] for same in pairs)


def test_readers_of_copies_are_answered_by_both_holders_and_know_every_owner(cluster: Cluster) -> None:
    wait_until_safe(cluster, 3)
    write(cluster[0])
    before = [node.info()["cluster_commands_forwarded"] for node in cluster]
    port, in_turn = cluster[0].cluster_port, LoadBalancingStrategy.ROUND_ROBIN
    with RedisCluster(host="127.0.0.1", port=port, load_balancing_strategy=in_turn) as client:
        assert len(client.get_primaries()) == 3
        assert client.dbsize(target_nodes=RedisCluster.PRIMARIES) == len(KEYS)
        for _ in range(2):  # it turns to the holders one after the other
            assert [client.get(key) for key in KEYS] == KEYS
    assert [node.info()["cluster_commands_forwarded"] for node in cluster] == before


def test_a_copy_answers_who_has_said_readonly(cluster: Cluster) -> None:
    wait_until_safe(cluster, 3)
    write(cluster[0])
    rows: Any = cluster[0].call("CLUSTER", "PARTITIONS").plain()  # Any: numbers and texts
    first, _, _, _, _, _, _, (holder, _) = rows[0]
    [node] = [one for one in cluster if one.call("CLUSTER", "MYID").text == holder]
    key = next(key for key in (b"in:%d" % number for number in range(100_000)) if slot_of(key) >> 4 == first)
    assert node.call("SET", key, "value").text == b"OK"
    with node.client(port=node.cluster_port) as client:
        assert client.call("GET", key).startswith(b"-MOVED ")
        assert client.call("READONLY") == b"+OK\r\n"
        assert client.call("GET", key) == b"$5\r\nvalue\r\n"
