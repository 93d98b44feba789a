"""Whoever does not belong to the cluster changes nothing in it: neither with a wrong secret nor with any bytes."""

import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.cluster.processes import Cluster, ClusterNode, running_cluster

SECRET = "correct-horse-battery-staple"
LATE_SECONDS = 1.0
"""A node that could join would have done so: nodes are one cluster in a fraction of a second."""

GROWTH_BYTES = 30 << 20
KNOCKS = 10
KNOCK_SECONDS = 0.3
"""So long we wait for a node to hang up; some nonsense is the beginning of what could make sense, and is waited for."""

UDP_HEADERS = 14 + 20 + 8  # Ethernet, IPv4 without options, UDP


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes with a secret, which tests leave as they found them."""
    with running_cluster(tmp_path_factory.mktemp("sealed"), 2, "--cluster-secret", SECRET) as cluster:
        yield cluster


def test_a_cluster_with_a_secret_works(sealed: Cluster) -> None:
    for owner in sealed:
        key = sealed.keys_of(owner, 1)[0]
        for node in sealed:
            node.call("SET", key, node.name)
            assert [reader.call("GET", key).text for reader in sealed] == [node.name.encode()] * 2


OUTSIDE = {
    "with another secret": ["--cluster-secret", "another"],
    "of another cluster": ["--cluster-secret", SECRET, "--cluster-name", "another"],
    "without a secret": [],
}


def test_nodes_that_do_not_belong_stay_alone(sealed: Cluster, tmp_path: Path) -> None:
    outside = Cluster(tmp_path)
    seeds = f"{sealed[0].bus},{sealed[1].bus}"
    for flags in OUTSIDE.values():
        outside.add_nowait(*flags, seeds=seeds)
    for name, stranger in zip(OUTSIDE, outside, strict=True):
        stranger.wait_until_it_answers()
        outside.wait_until(lambda node=stranger: node.active_members() == 1, f"{name} alone", within_s=15)  # type: ignore[misc]
    end = time.monotonic() + LATE_SECONDS
    while time.monotonic() < end:
        assert [node.active_members() for node in [*sealed, *outside]] == [2, 2, 1, 1, 1]
        time.sleep(0.1)
    for stranger in outside:
        assert stranger.call("SET", "k", "v").text == b"OK"
    assert sealed[0].call("GET", "k").is_null
    outside.stop()


def test_the_secret_can_be_changed_node_by_node(sealed: Cluster) -> None:
    for secrets in (f"{SECRET} new", f"new {SECRET}", "new", f"new {SECRET}", f"{SECRET} new", SECRET):
        for node in sealed:
            assert node.call("CONFIG", "SET", "cluster-secret", secrets).text == b"OK"
            time.sleep(0.1)  # a round of gossip, in which a probe would fail if one could
            sealed.wait_until(
                lambda: [other.active_members() for other in sealed] == [2, 2],
                f"together with {secrets}",
                within_s=15,
            )
    key = sealed.keys_of(sealed[1], 1)[0]
    assert sealed[0].call("SET", key, "v").text == b"OK"


@pytest.mark.parametrize("which", ["three_nodes", "sealed"])
def test_garbage_on_the_bus_changes_nothing(which: str, request: pytest.FixtureRequest) -> None:
    cluster: Cluster = request.getfixturevalue(which)
    target, chance = cluster[0], random.Random(1)
    before = view_of(cluster), memory_of(target)
    shower(target, chance)
    for _ in range(3):
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
    """Open connections to the bus, say nonsense on all, and wait until they are closed, or leave."""
    greetings = (b"", b"GET / HTTP/1.1\r\n\r\n", b"*1\r\n$4\r\nPING\r\n", b"\xff\xff\xff\xff", b"\0" * 8)
    with ExitStack() as stack:
        address = ("127.0.0.1", node.bus_port)
        clients = [stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(KNOCKS)]
        for client in clients:
            with suppress(OSError):
                client.sendall(chance.choice(greetings) + chance.randbytes(chance.randrange(10_000)))
        end = time.monotonic() + KNOCK_SECONDS
        for client in clients:
            client.settimeout(max(0.001, end - time.monotonic()))
            with suppress(OSError):
                client.recv(1 << 16)


def view_of(cluster: Cluster) -> list[tuple[int, str]]:
    return [(node.active_members(), node.info()["cluster_view_digest"]) for node in cluster]


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


def test_packets_sent_again_change_nothing(sealed: Cluster) -> None:
    third = sealed.add()
    sealed.wait_until_together()
    with listening_in() as ear, sealed[0].client() as listener:
        packets = overhear(ear, sealed[0].bus_port, 1.0)
        assert len(packets) > 5
        third.stop()
        sealed.wait_until_together()
        before = refused(sealed[0])
        listener.call("SUBSCRIBE", "respcache:cluster")
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for packet in packets * 3:
                sender.sendto(packet, ("127.0.0.1", sealed[0].bus_port))
        time.sleep(0.5)  # several probes and rounds of gossip
        assert [node.active_members() for node in sealed.running] == [2, 2]
        assert not listener.available_replies(), "nothing happened, so nothing is told"
    assert refused(sealed[0]) >= before + len(packets)


def refused(node: ClusterNode) -> int:
    """Return how many packets a node has refused, for whatever reason."""
    return sum(int(value) for name, value in node.info().items() if "refused" in name and value.isdigit())
