import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from respcache.cluster.discovery import multicast
from respcache.cluster.discovery.beacon import Beacon, Kind
from respcache.cluster.discovery.multicast import Multicast, Network
from respcache.cluster.discovery.protocol import Announcement, DiscoverySettingsError, SourceError

from .fakes import announcement, wait_until

GROUP = "239.192.77.1"
LOOPBACK = "127.0.0.1"
NOW_MS = 1_800_000_000_000


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def network() -> Network:
    """Return a network on loopback, or skip: some containers have kernels without multicast."""
    found = Network(GROUP, free_port(), LOOPBACK)
    try:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.settimeout(1)
            interface = socket.inet_aton(LOOPBACK)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + interface)
            sock.bind((GROUP, found.port))
            sock.sendto(b"hello", found.destination)
            sock.recv(9)
    except OSError as error:
        pytest.skip(f"no multicast on loopback here: {error}")
    return found


@pytest.fixture
def broadcast() -> Network:
    return Network("127.255.255.255", free_port(), is_broadcast=True)


def node_on(network: Network, *secrets: str, cluster: str = "test", now_ms: int = NOW_MS) -> Multicast:
    return Multicast(network, Beacon(cluster, lambda: secrets), random.Random(), lambda: now_ms)


@asynccontextmanager
async def running(*nodes: tuple[Multicast, Announcement]) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        for node, me in nodes:
            nursery.start_soon(node.run)
            await node.register(me)
        yield
        nursery.cancel_scope.cancel()


async def wait_for(node: Multicast, is_good: Callable[[list[str]], bool]) -> list[str]:
    with trio.fail_after(3):
        while True:
            found = sorted(await node.peers())
            if is_good(found):
                return found
            await trio.sleep(0.01)


async def test_nodes_hear_each_other_and_not_themselves(network: Network) -> None:
    nodes = [(node_on(network, "secret"), announcement(number)) for number in (1, 2, 3)]
    async with running(*nodes):
        found = [await wait_for(node, lambda peers: len(peers) > 1) for node, _ in nodes]
    assert found[0] == ["127.0.0.1:17002", "127.0.0.1:17003"]
    assert found[2] == ["127.0.0.1:17001", "127.0.0.1:17002"]


async def test_nodes_hear_each_other_by_broadcast(broadcast: Network) -> None:
    one, two = node_on(broadcast), node_on(broadcast)
    async with running((one, announcement(1)), (two, announcement(2))):
        assert await wait_for(one, bool) == ["127.0.0.1:17002"]
        assert await wait_for(two, bool) == ["127.0.0.1:17001"]


async def test_a_newcomer_is_answered_at_once(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multicast, "CALL_S", 1000)
    one, two = node_on(network), node_on(network)
    async with running((one, announcement(1))):
        await trio.sleep(0.05)
        async with running((two, announcement(2))):
            assert await wait_for(two, bool) == ["127.0.0.1:17001"]


async def test_calls_go_on_for_ever(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multicast, "CALL_S", 0.01)
    one, two = node_on(network), node_on(network)
    async with running((one, announcement(1)), (two, announcement(2))):
        await wait_for(one, bool)
        one._heard.clear()  # as if every call had been lost so far
        await wait_for(one, bool)


async def test_who_leaves_says_so(network: Network) -> None:
    one, two = node_on(network), node_on(network)
    async with running((one, announcement(1)), (two, announcement(2))):
        await wait_for(one, bool)
        await two.deregister(announcement(2))
        await wait_for(one, lambda peers: not peers)


async def test_who_is_silent_is_forgotten(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multicast, "SILENT_S", 0.1)
    one, two = node_on(network), node_on(network)
    async with running((one, announcement(1))):
        async with running((two, announcement(2))):
            await wait_for(one, bool)
        await wait_for(one, lambda peers: not peers)


async def test_a_bus_on_all_addresses_is_where_the_call_came_from(network: Network) -> None:
    one, two = node_on(network), node_on(network)
    async with running((one, announcement(1)), (two, announcement(2, bus="0.0.0.0:17002"))):
        assert await wait_for(one, bool) == ["127.0.0.1:17002"]


async def test_strangers_are_not_heard_and_told_once(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    one, friend = node_on(network, "secret"), node_on(network, "secret")
    strangers = [
        node_on(network),
        node_on(network, "wrong"),
        node_on(network, "secret", cluster="other"),
        node_on(network, "secret", now_ms=NOW_MS + 60_000),
    ]
    calling = [(node, announcement(number)) for number, node in enumerate(strangers, 3)]
    async with running((one, announcement(1)), *calling):
        await wait_until(lambda: one._beacon.refused.total() >= len(strangers))
        async with running((friend, announcement(2))):
            assert await wait_for(one, bool) == ["127.0.0.1:17002"]
    told = [text.partition("refuses: ")[2] for text in caplog.messages]
    assert told.count("not signed with our secret") <= len([one, friend, *strangers])
    assert {"not signed with our secret", "clocks too far apart, or an old recording"} <= set(told)


async def test_what_is_no_call_does_no_harm(network: Network) -> None:
    one, two = node_on(network), node_on(network)
    beacon = Beacon("test", tuple)
    nonsense = beacon.seal(Kind.HERE, announcement(3, bus="no address"), NOW_MS, bytes(12))
    async with running((one, announcement(1))):
        await trio.sleep(0.05)
        with trio.socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
            for datagram in (b"", b"x", bytes(5000), nonsense):
                await sock.sendto(datagram, network.destination)
        async with running((two, announcement(2))):
            assert await wait_for(one, bool) == ["127.0.0.1:17002"]


async def test_strangers_cannot_fill_the_memory(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multicast, "MOST_HEARD", 2)
    nodes = [(node_on(network), announcement(number)) for number in range(5)]
    async with running(*nodes):
        assert len(await wait_for(nodes[0][0], lambda peers: len(peers) > 1)) == 2
        await trio.sleep(0.1)
        assert len(await nodes[0][0].peers()) == 2


async def test_a_flood_leaves_time_for_others(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multicast, "REST_S", 1000)
    one = node_on(network)
    async with running((one, announcement(1))):
        await trio.sleep(0.02)
        with trio.socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
            for _ in range(3 * multicast.IN_A_ROW):
                await sock.sendto(b"flood", network.destination)
        await trio.sleep(0.05)
    assert multicast.IN_A_ROW - 2 <= one._beacon.refused.total() <= multicast.IN_A_ROW


async def test_an_interface_that_is_away_is_an_error_and_tried_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multicast, "REOPEN_S", 0.01)
    away = Network(GROUP, network.port, "203.0.113.7")  # nobody has that
    one = node_on(away)
    async with running((one, announcement(1))):
        await wait_until(lambda: bool(one._trouble))
        with pytest.raises(SourceError, match=f"cannot listen on {GROUP}:{network.port}: "):
            await one.peers()
        one._network = network  # it comes
        await wait_until(lambda: not one._trouble)
        assert list(await one.peers()) == []


async def test_the_time_to_live_is_set(network: Network) -> None:
    for ttl in (0, 1, 255):
        with await multicast._opened(Network(GROUP, network.port, LOOPBACK, ttl)) as sock:
            assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == ttl


@pytest.mark.parametrize(
    ("network", "destination"),
    [
        (Network(GROUP, 1), GROUP),
        (Network(GROUP, 1, is_broadcast=True), "255.255.255.255"),
        (Network("10.0.0.255", 1, is_broadcast=True), "10.0.0.255"),
    ],
)
def test_calls_go_to_the_group_or_to_everybody(network: Network, destination: str) -> None:
    assert network.destination == (destination, 1)


@pytest.mark.parametrize(
    ("group", "interface"), [("10.0.0.1", ""), ("", ""), ("ff02::1", ""), (GROUP, "eth0")]
)
def test_mistakes_are_told_at_the_start(group: str, interface: str) -> None:
    with pytest.raises(DiscoverySettingsError):
        Network(group, 1, interface)
