from collections.abc import AsyncIterator

import pytest
import trio

from respcache.cluster.discovery import srv
from respcache.cluster.discovery.endpoints import Address
from respcache.cluster.discovery.protocol import SourceError
from respcache.cluster.discovery.srv import SrvRecords, system_resolver
from respcache.cluster.discovery.watch import Watch

from .dns_server import DnsServer
from .fakes import ME

SERVICE = "_respcache._udp.example."


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    zone = {
        (SERVICE, "SRV"): ["0 5 17001 one.example.", "9 0 17002 two.example.", "0 0 0 three.example."],
        ("one.example.", "A"): ["10.0.0.1"],
        ("two.example.", "A"): ["10.0.0.2"],
    }
    async with DnsServer(zone).running() as running:
        yield running


def source_of(server: DnsServer, service: str = SERVICE) -> SrvRecords:
    return SrvRecords(service, server.resolver)


async def test_records_name_hosts_and_their_ports(server: DnsServer) -> None:
    assert sorted(await source_of(server).peers()) == ["one.example.:17001", "two.example.:17002"]


async def test_their_hosts_are_resolved_as_other_names(server: DnsServer) -> None:
    async def lookup(host: str, port: int) -> list[Address]:
        return [(str(record), port) for record in await server.resolver().resolve(host, "A")]

    watch = Watch(source_of(server), ME, lookup, timeout_s=5)
    await watch.ask()
    assert sorted(watch.addresses) == [("10.0.0.1", 17001), ("10.0.0.2", 17002)]
    assert watch.outage.trouble is None


async def test_a_long_answer_is_fetched_over_tcp(server: DnsServer) -> None:
    server.is_cut = True
    assert len(await source_of(server).peers()) == 2
    assert len(server.questions) == 2


async def test_records_are_asked_for_each_time(server: DnsServer) -> None:
    source = source_of(server)
    await source.peers()
    server.zone[SERVICE, "SRV"] = ["0 0 17003 three.example."]
    assert list(await source.peers()) == ["three.example.:17003"]


async def test_a_service_that_is_decidedly_not_there_has_no_peers(server: DnsServer) -> None:
    server.zone[SERVICE, "SRV"] = ["0 0 1 ."]
    assert list(await source_of(server).peers()) == []


@pytest.mark.parametrize("service", ["_other._udp.example.", "one.example.", "a..b"])
async def test_no_records_are_an_error_so_that_the_last_stay(server: DnsServer, service: str) -> None:
    with pytest.raises(SourceError, match=f"no SRV records of {service}"):
        await source_of(server, service).peers()


async def test_a_server_that_is_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srv, "PATIENCE_S", 0.1)
    with trio.socket.socket(type=trio.socket.SOCK_DGRAM) as silent:
        await silent.bind(("127.0.0.1", 0))
        server = DnsServer({})
        server.port = silent.getsockname()[1]
        with pytest.raises(SourceError):
            await source_of(server).peers()


def test_the_system_says_whom_to_ask() -> None:
    assert system_resolver().nameservers
