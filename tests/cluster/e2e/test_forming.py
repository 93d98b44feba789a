"""Nodes become one cluster, and stop being one, each in the way that it should."""

import time

import pytest

from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.e2e.conversation import values, write
from tests.cluster.processes import Cluster, ClusterNode
from tests.wire import parse

# In profile local; a crash is known sooner, by its closed connections.
SUSPICION_SECONDS = 5.0
ERROR_SECONDS = 5.0


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
def test_what_one_node_is_told_the_others_know(protocol: int, cluster: Cluster) -> None:
    keys = [b"key:%d" % number for number in range(100)]
    for place, writer in enumerate(cluster):
        value = b"value %d" % place
        with writer.client(protocol=protocol) as client:
            client.pipeline([[b"SET", key, value] for key in keys])
        for reader in cluster:
            with reader.client(protocol=protocol) as client:
                assert client.pipeline([[b"GET", key] for key in keys]) == [b"$7\r\n%b\r\n" % value] * 100


def test_every_node_owns_a_fair_share(cluster: Cluster) -> None:
    owners = cluster.owners()
    shares = [owners.count(node) for node in cluster]
    assert min(shares) > len(owners) / 4, shares


def test_a_seed_that_is_not_there_yet_is_found_later(start_cluster: StartCluster) -> None:
    # Cold, with interpreters that nobody has prepared, and seeds of hashes that differ.
    cluster = start_cluster(1, "--cluster-discovery-period", "1", is_cold=True)
    late = cluster.add(seeds="127.0.0.1:1")  # nobody is there
    cluster.wait_until(lambda: late.active_members() == 1, "it serves alone", within_s=15)
    early = cluster.add(seeds=late.bus)
    cluster.wait_until(lambda: early.active_members() == 2, "two nodes found each other", within_s=15)
    late.kill()
    cluster.restart(late)  # with the first node as its seed: now all three know of each other
    cluster.wait_until_together()


def test_a_killed_node_is_missed_at_once_and_costs_no_key(start_cluster: StartCluster) -> None:
    cluster = start_cluster(3)
    first, second, victim = cluster
    kept, lost = cluster.keys_of(first, 100), cluster.keys_of(victim, 100)
    write(first, kept + lost, b"v")
    victim.kill()
    assert errors_last_for(first, lost, b"v") < ERROR_SECONDS
    assert cluster.wait_until_together(within_s=SUSPICION_SECONDS) < SUSPICION_SECONDS
    assert values(first, kept) == [b"$1\r\nv\r\n"] * 100
    write(first, lost, b"w")
    assert values(second, lost) == [b"$1\r\nw\r\n"] * 100


def errors_last_for(node: ClusterNode, keys: list[bytes], value: bytes) -> float:
    """Read through a node until it has gone well for half a second; return when the last error came."""
    right = b"$%d\r\n%b\r\n" % (len(value), value)
    begun, last_error_s = time.monotonic(), 0.0
    with node.client() as client:
        while (now_s := time.monotonic() - begun) < last_error_s + 0.5:
            assert now_s < 2 * ERROR_SECONDS, "errors do not end"
            replies = set(client.pipeline([[b"GET", key] for key in keys]))
            assert all(reply == right or reply.startswith(b"-") for reply in replies), replies
            if replies != {right}:
                last_error_s = time.monotonic() - begun
            time.sleep(0.02)  # asked without a pause, it takes the processor from who is to recover
    return last_error_s


def test_a_node_that_is_told_to_end_leaves_at_once_and_suspects_nobody(start_cluster: StartCluster) -> None:
    cluster = start_cluster(3)
    with cluster[0].client() as listener:
        listener.call("SUBSCRIBE", "respcache:cluster")
        cluster[2].stop()
        cluster.wait_until_together()  # at once: before anybody could be suspected, as is seen below
        told = [parse(message).children[2].text for message in listener.available_replies()]
    assert any(b'"left"' in message for message in told), told
    assert not any(b'"suspected"' in message or b'"died"' in message for message in told), told


def test_a_new_process_at_an_old_address_replaces_it_at_once(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2)
    first, second = cluster
    old_id = second.call("CLUSTER", "MYID").text
    second.kill()
    cluster.restart(second)
    new_id = second.call("CLUSTER", "MYID").text
    assert new_id != old_id
    cluster.wait_until_together(within_s=SUSPICION_SECONDS)
    nodes = first.call("CLUSTER", "NODES").text
    assert new_id in nodes
    assert old_id not in nodes or any(
        old_id in line and (b"fail" in line or b"noaddr" in line) for line in nodes.splitlines()
    )


def test_a_lone_node_serves_before_it_has_found_anybody(start_cluster: StartCluster) -> None:
    lone = start_cluster(1)[0]
    assert lone.call("SET", "k", "v").text == b"OK"
    assert lone.call("GET", "k").text == b"v"
