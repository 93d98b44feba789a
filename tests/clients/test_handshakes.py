"""Clients get from their first commands what they need, however the bytes arrive."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.clients.handshakes import HANDSHAKES, INFO_FIELDS, INFO_SECTIONS, WITH_PASSWORD, Handshake
from tests.servers import Server, running_respcache
from tests.wire import RawClient, encode_command, parse


def one_by_one(client: RawClient, commands: list[list[bytes]]) -> list[bytes]:
    return [client.call(*command) for command in commands]


def at_once(client: RawClient, commands: list[list[bytes]]) -> list[bytes]:
    return client.pipeline(commands)


def byte_by_byte(client: RawClient, commands: list[list[bytes]]) -> list[bytes]:
    for byte in b"".join(map(encode_command, commands)):
        client.send(bytes([byte]))
    return client.read_replies(len(commands))


Way = Callable[[RawClient, list[list[bytes]]], list[bytes]]
WAYS = [one_by_one, at_once, byte_by_byte]


@pytest.fixture(scope="module")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_respcache(tmp_path_factory.mktemp("locked"), "--requirepass", "secret") as server:
        yield server


def satisfy(server: Server, handshake: Handshake, way: Way) -> None:
    with server.client() as client:
        replies = way(client, handshake.commands())
    for (line, pattern), reply in zip(handshake.exchange, replies, strict=True):
        assert re.fullmatch(pattern, reply, re.DOTALL), (line, reply)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("handshake", HANDSHAKES, ids=lambda handshake: handshake.client)
def test_a_client_is_satisfied(handshake: Handshake, way: Way, respcache_server: Server) -> None:
    with respcache_server.client() as client:
        client.call("FLUSHALL")
    satisfy(respcache_server, handshake, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("handshake", WITH_PASSWORD, ids=lambda handshake: handshake.client)
def test_a_client_with_a_password_is_satisfied(handshake: Handshake, way: Way, locked_server: Server) -> None:
    satisfy(locked_server, handshake, way)


def test_info_has_every_field_that_clients_read(respcache_server: Server) -> None:
    with respcache_server.client() as client:
        client.call("SET", "k", "v")
        lines = parse(client.call("INFO", "everything")).text.decode().splitlines()
    fields = {line.split(":", 1)[0] for line in lines if ":" in line}
    assert not set(INFO_FIELDS) - fields
    assert "db0" in fields


@pytest.mark.parametrize("section", INFO_SECTIONS)
def test_info_gives_one_section_when_asked(section: str, respcache_server: Server) -> None:
    with respcache_server.client() as client:
        client.call("GET", "k")
        client.call("NOSUCH")
        text = parse(client.call("INFO", section)).text.decode()
    titles = [line for line in text.splitlines() if line.startswith("# ")]
    assert [title.lower() for title in titles] == [f"# {section}"]
