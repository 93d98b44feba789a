"""TLS as redis-server has it: settings, what their changes are answered, and who is let in. redis-server proves each statement."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.certificates import PASSWORD, Files
from tests.servers import Server, free_port, running_redis, running_respcache
from tests.tls import TlsClient, tls_socket
from tests.wire import RawClient, parse

pytestmark = pytest.mark.redis

SETTINGS = [
    "tls-port",
    "tls-cert-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-ca-cert-file",
    "tls-ca-cert-dir",
    "tls-auth-clients",
    "tls-protocols",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-prefer-server-ciphers",
    "tls-replication",
    "tls-cluster",
    "tls-session-caching",
]


@dataclass(frozen=True)
class TlsServer:
    """A server with a plain port beside the one for TLS."""

    plain: Server
    tls_port: int


@pytest.fixture(scope="module")
def servers(
    certificates: Files, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TlsServer, TlsServer]]:
    """redis-server and respcache with the same files."""
    folder = tmp_path_factory.mktemp("tls")
    ports = free_port(), free_port()
    redis_flags, flags = (certificates.flags(tls_port=port) for port in ports)
    with (
        running_redis(folder / "redis", *redis_flags) as redis,
        running_respcache(folder / "respcache", *flags) as ours,
    ):
        yield TlsServer(redis, ports[0]), TlsServer(ours, ports[1])


def test_defaults_and_how_they_are_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("defaults")
    with (
        running_redis(folder / "redis") as redis,
        running_respcache(folder / "respcache") as ours,
        redis.client() as theirs,
        ours.client() as client,
    ):
        for name in SETTINGS:
            assert client.call("CONFIG", "GET", name) == theirs.call("CONFIG", "GET", name)


def test_without_a_port_for_tls_nothing_is_asked_of_the_files(
    redis_server: Server, respcache_server: Server
) -> None:
    for name, value in (("tls-cert-file", "/no/such.crt"), ("tls-protocols", "TLSv9"), ("tls-cert-file", "")):
        with redis_server.client() as theirs, respcache_server.client() as client:
            answer = client.call("CONFIG", "SET", name, value)
            assert answer == theirs.call("CONFIG", "SET", name, value) == b"+OK\r\n"
            assert client.call("CONFIG", "GET", name) == theirs.call("CONFIG", "GET", name)
    for server in (redis_server, respcache_server):
        with server.client() as client:
            client.call("CONFIG", "SET", "tls-protocols", "")


def changes(certificates: Files) -> list[tuple[str, ...]]:
    """Return changes that are made one after another, some of which are refused. The last ones take all back."""
    return [
        ("tls-cert-file", "/no/such.crt"),
        ("tls-cert-file", ""),
        ("tls-cert-file", certificates.certificate),
        ("tls-key-file", "/no/such.key"),
        ("tls-key-file", certificates.client),
        ("tls-key-file", certificates.locked_key),
        ("tls-key-file", certificates.locked_key, "tls-key-file-pass", "wrong"),
        ("tls-key-file", certificates.locked_key, "tls-key-file-pass", PASSWORD),
        ("tls-ca-cert-file", "/no/such.pem"),
        ("tls-ca-cert-file", ""),
        ("tls-auth-clients", "maybe"),
        ("tls-auth-clients", "OPTIONAL"),
        ("tls-protocols", "TLSv9"),
        ("tls-protocols", "tlsv1.3"),
        ("tls-protocols", "TLSv1.2 TLSv1.3"),
        ("tls-ciphers", "nonsense"),
        ("tls-ciphers", "HIGH"),
        ("tls-ciphersuites", "nonsense"),
        ("tls-prefer-server-ciphers", "maybe"),
        ("tls-prefer-server-ciphers", "yes"),
        ("maxmemory", "1mb", "tls-cert-file", "/no/such.crt"),
        ("tls-cert-file", "/no/such.crt", "tls-key-file", "/no/such.key"),
        ("tls-ca-cert-dir", "/no/such/folder"),
        ("tls-auth-clients", "no"),
        ("tls-ca-cert-file", ""),
        ("tls-ca-cert-file", certificates.authority),
        ("tls-auth-clients", "yes", "tls-prefer-server-ciphers", "no", "tls-ciphers", ""),
        ("tls-key-file", certificates.key, "tls-key-file-pass", "", "tls-protocols", ""),
        ("tls-ca-cert-dir", ""),
    ]


def test_changes_are_followed_or_refused_in_the_same_words(
    servers: tuple[TlsServer, TlsServer], certificates: Files
) -> None:
    def said(server: TlsServer, change: tuple[str, ...]) -> tuple[bytes, list[bytes]]:
        with server.plain.client() as client:
            answer = client.call("CONFIG", "SET", *change)
            others = [name for name in SETTINGS if name != "tls-port"]
            return answer, [client.call("CONFIG", "GET", name) for name in others]

    redis, ours = servers
    for change in changes(certificates):
        assert said(ours, change) == said(redis, change), change
        for server in servers:
            with TlsClient(server.tls_port, certificates) as client:
                assert client.call("PING") == b"+PONG\r\n"


@pytest.mark.parametrize(
    "wire", [b"PING\r\n", b"*1\r\n$4\r\nPING\r\n", b"GET / HTTP/1.0\r\n\r\n", b"\0" * 500]
)
def test_whoever_does_not_speak_tls_is_let_go_without_a_word(
    wire: bytes, servers: tuple[TlsServer, TlsServer]
) -> None:
    def heard(server: TlsServer) -> bytes:
        with RawClient(server.tls_port) as client:
            client.send(wire)
            return client.read_until_closed()

    redis, ours = servers
    assert heard(ours) == heard(redis) == b""


@pytest.mark.parametrize("shows", [None, "stranger"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_without_the_right_certificate_the_alert_is_the_same(
    shows: str | None, version: ssl.TLSVersion, servers: tuple[TlsServer, TlsServer], certificates: Files
) -> None:
    context = certificates.client_context(shows=shows)
    context.minimum_version = context.maximum_version = version

    def reason(server: TlsServer) -> str | None:
        try:
            with tls_socket(server.tls_port, context) as client:
                client.recv(100)  # with TLS 1.3 a client hears of it only now
        except ssl.SSLError as refused:
            return refused.reason
        return None

    redis, ours = servers
    assert reason(ours) == reason(redis) is not None


def test_a_client_may_go_on_with_the_keys_of_an_earlier_connection(
    servers: tuple[TlsServer, TlsServer], certificates: Files
) -> None:
    def is_reused(server: TlsServer) -> bool:
        context = certificates.client_context()
        session: ssl.SSLSession | None = None
        for _ in range(2):
            with (
                socket.create_connection(("127.0.0.1", server.tls_port), timeout=5) as raw,
                context.wrap_socket(raw, server_hostname="localhost", session=session) as client,
            ):
                client.sendall(b"PING\r\n")
                assert client.recv(100) == b"+PONG\r\n"
                session = client.session
                reused = client.session_reused
        return bool(reused)

    redis, ours = servers
    assert is_reused(ours) is is_reused(redis) is True


def test_what_info_tells_of_the_port(servers: tuple[TlsServer, TlsServer], certificates: Files) -> None:
    for server in servers:
        with TlsClient(server.tls_port, certificates) as client:
            text = parse(client.call("INFO", "server")).text
        assert b"tcp_port:%d\r\n" % server.plain.port in text
