"""Whoever does not belong to the cluster changes nothing in it: neither with a wrong secret nor with any bytes."""

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.processes import Cluster, ClusterNode

SECRET = "correct-horse-battery-staple"
LATE_SECONDS = 2.0
"""A node that could join would have done so several times: nodes are one cluster in about half a second."""

GROWTH_BYTES = 30 << 20
UDP_HEADERS = 14 + 20 + 8  # Ethernet, IPv4 without options, UDP


def stays_apart(cluster: Cluster, stranger: ClusterNode) -> None:
    """Check for a while that neither side sees the other."""
    cluster.wait_until(lambda: stranger.active_members() == 1, "it serves alone", within_s=5)
    end = time.monotonic() + LATE_SECONDS
    while time.monotonic() < end:
        assert [node.active_members() for node in cluster.nodes[:2]] == [2, 2]
        assert stranger.active_members() == 1
        time.sleep(0.1)
    assert stranger.call("SET", "k", "v").text == b"OK"
    assert cluster[0].call("GET", "k").is_null


@pytest.mark.parametrize(
    "flags",
    [["--cluster-secret", "another"], ["--cluster-secret", SECRET, "--cluster-name", "another"], []],
    ids=["wrong secret", "wrong name", "no secret"],
)
def test_a_node_that_does_not_belong_stays_alone(flags: list[str], start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, "--cluster-secret", SECRET)
    outside = Cluster(cluster.directory / "outside")
    try:
        stays_apart(cluster, outside.add(*flags, seeds=f"{cluster[0].bus},{cluster[1].bus}"))
    finally:
        outside.stop()


def test_a_cluster_with_a_secret_works(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, "--cluster-secret", "secret")
    key = cluster.keys_of(cluster[1], 1)[0]
    cluster[0].call("SET", key, "v")
    assert [node.call("GET", key).text for node in cluster] == [b"v", b"v"]


def test_the_secret_can_be_changed_node_by_node(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, "--cluster-secret", "old")
    for secrets in ("old new", "new old", "new"):
        for node in cluster:
            assert node.call("CONFIG", "SET", "cluster-secret", secrets).text == b"OK"
            time.sleep(0.3)  # long enough for a probe to fail, if one would
            assert [other.active_members() for other in cluster] == [2, 2]
    third = cluster.add("--cluster-secret", "new")
    cluster.wait_until_together()
    key = cluster.keys_of(third, 1)[0]
    assert cluster[0].call("SET", key, "v").text == b"OK"


@pytest.mark.parametrize("secret", [[], ["--cluster-secret", "secret"]], ids=["open", "secret"])
def test_garbage_on_the_bus_changes_nothing(secret: list[str], start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, *secret)
    target, chance = cluster[0], random.Random(1)
    before = view_of(cluster), memory_of(target)
    shower(target, chance)
    for _ in range(30):
        knock(target, chance)
    assert view_of(cluster) == before[0]
    assert memory_of(target) - before[1] < GROWTH_BYTES
    assert target.call("SET", "k", "v").text == b"OK"


def shower(node: ClusterNode, chance: random.Random) -> None:
    """Send packets of all sizes to the gossip port, some of them almost right at the beginning."""
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for _ in range(2000):
            packet = chance.randbytes(chance.choice((0, 1, 20, 60, 500, 1400, 9000)))
            sender.sendto(packet, ("127.0.0.1", node.bus_port))


def knock(node: ClusterNode, chance: random.Random) -> None:
    """Open a connection to the bus, say nonsense, and wait until it is closed, or leave."""
    greeting = chance.choice(
        (b"", b"GET / HTTP/1.1\r\n\r\n", b"*1\r\n$4\r\nPING\r\n", b"\xff\xff\xff\xff", b"\0" * 8)
    )
    with socket.create_connection(("127.0.0.1", node.bus_port), timeout=0.2) as client:
        try:
            client.sendall(greeting + chance.randbytes(chance.randrange(10_000)))
            client.recv(1 << 16)
        except OSError:
            pass


def view_of(cluster: Cluster) -> list[tuple[int, bytes]]:
    return [(node.active_members(), node.call("CLUSTER", "SLOTS").text) for node in cluster]


def memory_of(node: ClusterNode) -> int:
    pages = int(Path(f"/proc/{node.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@contextmanager
def listening_in() -> Iterator[socket.socket]:
    """Open a socket that sees every packet on the loopback interface; only root may."""
    try:
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    except (PermissionError, AttributeError):
        pytest.skip("only root on Linux can listen in")
    with ear:
        ear.bind(("lo", 0))
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        yield ear


def overhear(ear: socket.socket, port: int, seconds: float) -> list[bytes]:
    """Return what was sent to a UDP port while we listened."""
    packets, end = [], time.monotonic() + seconds
    while (left_s := end - time.monotonic()) > 0:
        ear.settimeout(left_s)
        try:
            frame = ear.recv(1 << 16)
        except TimeoutError:
            break
        is_udp = len(frame) > UDP_HEADERS and frame[12:14] == b"\x08\x00" and frame[23] == 17
        if is_udp and int.from_bytes(frame[36:38]) == port:
            packets.append(frame[UDP_HEADERS:])
    return packets


def test_packets_sent_again_change_nothing(start_cluster: StartCluster) -> None:
    cluster = start_cluster(3, "--cluster-secret", "secret")
    with listening_in() as ear, cluster[0].client() as listener:
        packets = overhear(ear, cluster[0].bus_port, 1.0)
        assert len(packets) > 5
        cluster[2].stop()
        cluster.wait_until_together()
        listener.call("SUBSCRIBE", "respcache:cluster")
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for packet in packets * 3:
                sender.sendto(packet, ("127.0.0.1", cluster[0].bus_port))
        time.sleep(0.5)  # several probes and rounds of gossip
        assert [node.active_members() for node in cluster.running] == [2, 2]
        assert not listener.available_replies(), "nothing happened, so nothing is told"
    refused = {
        name: value for name, value in cluster[0].info().items() if "refused" in name or "replay" in name
    }
    assert any(value not in ("", "0") for value in refused.values()), cluster[0].info()
