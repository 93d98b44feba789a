from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from respcache.cluster.discovery.endpoints import Address
from respcache.cluster.discovery.polling import deregister, poll
from respcache.cluster.discovery.protocol import Announcement, DiscoverySettingsError, SourceError
from respcache.cluster.discovery.uplink import Uplink
from respcache.cluster.uplink.registry import Registry
from respcache.cluster.uplink.server import Uplink as Server
from tests.http_server import HttpServer, always

from .fakes import Evenly, announcement, wait_until

ONE, TWO = announcement(1), announcement(2)


class Node:
    """What a node does about discovery, and what it has found."""

    def __init__(self, me: Announcement, port: int, cluster: str = "test") -> None:
        self.me = me
        self.source = Uplink(f"http://127.0.0.1:{port}/", cluster, 0.05)
        self.found: list[Address] = []

    async def run(self) -> None:
        await poll([self.source], self.me, self._take, period_s=0.05, chance=Evenly())

    async def wait_until_found(self, *ports: int) -> None:
        await wait_until(lambda: sorted(port for _, port in self.found) == sorted(ports))

    def _take(self, addresses: list[Address]) -> None:
        self.found = addresses


@asynccontextmanager
async def registry(port: int = 0) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        yield await nursery.start(Server(Registry()).serve, "127.0.0.1", port)
        nursery.cancel_scope.cancel()


async def test_nodes_find_each_other_through_a_registry() -> None:
    async with registry() as port, trio.open_nursery() as nursery:
        one, two = Node(ONE, port), Node(TWO, port)
        nursery.start_soon(one.run)
        nursery.start_soon(two.run)
        await one.wait_until_found(17001, 17002)
        await two.wait_until_found(17001, 17002)
        nursery.cancel_scope.cancel()


async def test_clusters_do_not_mix() -> None:
    async with registry() as port, trio.open_nursery() as nursery:
        one, two = Node(ONE, port, "a"), Node(TWO, port, "b/\u00fc?")
        nursery.start_soon(one.run)
        nursery.start_soon(two.run)
        await one.wait_until_found(17001)
        await two.wait_until_found(17002)
        nursery.cancel_scope.cancel()


async def test_the_last_list_outlives_the_registry_which_relearns_it() -> None:
    async with trio.open_nursery() as nursery:
        async with registry() as port:
            nodes = [Node(ONE, port), Node(TWO, port)]
            for node in nodes:
                nursery.start_soon(node.run)
                await node.wait_until_found(*range(17001, 17001 + nodes.index(node) + 1))
            await nodes[0].wait_until_found(17001, 17002)
        await trio.sleep(0.15)
        assert all(len(node.found) == 2 for node in nodes)
        async with registry(port):  # a new one, which knows nobody
            nodes.append(Node(announcement(3), port))
            nursery.start_soon(nodes[2].run)
            for node in nodes:
                await node.wait_until_found(17001, 17002, 17003)
            nursery.cancel_scope.cancel()


async def test_who_leaves_is_taken_out() -> None:
    async with registry() as port, trio.open_nursery() as nursery:
        one, two = Node(ONE, port), Node(TWO, port)
        nursery.start_soon(one.run)
        await two.source.register(TWO)
        await one.wait_until_found(17001, 17002)
        await deregister([two.source], TWO)
        await one.wait_until_found(17001)
        nursery.cancel_scope.cancel()


async def test_an_entry_outlives_two_lost_renewals() -> None:
    async with HttpServer(always(200, b"")).running() as server:
        for period_s in (1, 3600):
            await Uplink(server.url, "test", period_s).register(ONE)
    lengths = [int(asked.headers["content-length"]) for asked in server.asked]
    assert lengths[1] - lengths[0] == len("10800") - len("30")


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"members": [{"id": 1}]}'])
async def test_what_is_no_list_is_an_error(body: bytes) -> None:
    async with HttpServer(always(200, body)).running() as server:
        with pytest.raises(SourceError, match="no list of members"):
            await Uplink(server.url, "test", 5).peers()


async def test_a_user_and_password_in_the_url_are_sent() -> None:
    async with HttpServer(always(200, b"")).running() as server:
        await Uplink(server.url.replace("//", "//ann:hush@"), "test", 5).register(ONE)
    assert server.asked[0].headers["authorization"] == "Basic YW5uOmh1c2g="


def test_what_is_no_url_is_told_at_the_start() -> None:
    with pytest.raises(DiscoverySettingsError, match="no URL"):
        Uplink("10.0.0.1:6400", "test", 5)
