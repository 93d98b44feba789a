"""Real processes that speak TLS: how they start, follow changed certificates, serve both protocols, and end."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from respcache.app.banner import addresses
from respcache.app.tls import TlsPorts
from respcache.server.tls_context import TlsError
from respcache.settings.settings import Settings
from tests.certificates import Files, other_certificate
from tests.conftest import StartServer
from tests.gateway.live import events_in, get, upgrade
from tests.servers import REPOSITORY, TARGET, Server, free_port
from tests.tls import PATIENCE_S, TlsClient, tls_socket
from tests.wire import parse

pytestmark = pytest.mark.skipif(TARGET != "respcache", reason="about respcache's own process")


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def trusts(port: int, certificates: Files) -> bool:
    """Say whether a client accepts the certificate that it is shown."""
    try:
        with TlsClient(port, certificates) as client:
            return client.call("PING") == b"+PONG\r\n"
    except ssl.SSLCertVerificationError:
        return False


@contextmanager
def process(directory: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """Run respcache with these flags only; it is killed at the end of the block if it still runs."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RESPCACHE_")}
    running = subprocess.Popen(
        [sys.executable, "-m", "respcache", "serve", *flags],
        cwd=directory,
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


# -- starting and ending -----------------------------------------------------------


def answers(port: int, certificates: Files) -> bool:
    try:
        return trusts(port, certificates)
    except OSError:
        return False


def test_with_port_0_tls_is_the_only_way_in(certificates: Files, tmp_path: Path) -> None:
    port = free_port()
    with process(tmp_path, *certificates.flags(port=0, tls_port=port)) as running:
        eventually(lambda: answers(port, certificates))
        with TlsClient(port, certificates) as client:
            assert b"tcp_port:%d\r\n" % port in parse(client.call("INFO", "server")).text
            running.terminate()
            assert client.read_until_closed() == b""  # and not an ssl.SSLEOFError: it was told
        assert running.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("ports", [{"tls_port": 1}, {"http_tls_port": 1}])
def test_without_a_certificate_it_does_not_start(
    ports: dict[str, int], certificates: Files, tmp_path: Path
) -> None:
    with process(tmp_path, *certificates.flags(port=0, tls_cert_file=None, **ports)) as running:
        printed, _ = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "TLS needs tls-cert-file, PEM" in printed


def test_settings_that_cannot_be_used_open_nothing() -> None:
    with pytest.raises(TlsError, match="tls-cert-file"):
        TlsPorts(Settings(tls_port=str(free_port())))


def test_the_banner_names_the_port() -> None:
    assert addresses(Settings(tls_port="6380", bind="127.0.0.1"), 6379) == [
        "127.0.0.1:6379",
        "127.0.0.1:6380 (TLS)",
    ]


# -- changed certificates ------------------------------------------------------------


def test_an_expired_certificate_is_replaced_while_the_server_runs(
    certificates: Files, start_respcache: StartServer, tmp_path: Path
) -> None:
    expired, key = other_certificate(tmp_path, days=-1)
    port = free_port()
    server = start_respcache(
        *certificates.flags(tls_port=port, tls_cert_file=expired, tls_key_file=key, tls_auth_clients="no")
    )
    lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
    with tls_socket(port, lenient) as old, server.client() as admin:
        assert not trusts(port, certificates)
        change = ("tls-cert-file", certificates.certificate, "tls-key-file", certificates.key)
        assert admin.call("CONFIG", "SET", *change) == b"+OK\r\n"
        assert trusts(port, certificates)
        old.sendall(b"PING\r\n")
        assert old.recv(100) == b"+PONG\r\n"


def test_a_change_that_is_refused_leaves_what_there_was_and_says_why_in_the_log(
    certificates: Files, start_respcache: StartServer
) -> None:
    port = free_port()
    server = start_respcache(*certificates.flags(tls_port=port))
    with TlsClient(port, certificates) as client:
        assert b"Check server logs" in client.call("CONFIG", "SET", "tls-cert-file", "/no/such.crt")
    assert trusts(port, certificates)
    assert "cannot read /no/such.crt: No such file or directory" in server.log.read_text()


@pytest.mark.parametrize("way", ["CONFIG SET", "SIGHUP"])
def test_a_renewed_file_is_read_again(
    way: str, certificates: Files, start_respcache: StartServer, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "now.crt", tmp_path / "now.key"
    for new, now in zip(other_certificate(tmp_path, days=-1), (certificate, key), strict=True):
        shutil.copy(new, now)
    port = free_port()
    server = start_respcache(*certificates.flags(tls_port=port, tls_cert_file=certificate, tls_key_file=key))
    assert not trusts(port, certificates)
    shutil.copy(certificates.certificate, certificate)
    shutil.copy(certificates.key, key)
    if way == "SIGHUP":
        server.process.send_signal(signal.SIGHUP)
    else:
        with server.client() as client:
            assert client.call("CONFIG", "SET", "tls-cert-file", str(certificate)) == b"+OK\r\n"
    eventually(lambda: trusts(port, certificates))


# -- what goes over it ---------------------------------------------------------------


@pytest.fixture(scope="module")
def served(
    certificates: Files, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, int, int]]:
    """A server with all its ports: the plain one, that for TLS, and that for HTTPS."""
    from tests.servers import running_respcache

    port, http_port = free_port(), free_port()
    flags = certificates.flags(tls_port=port, http_tls_port=http_port, events_channel="yes")
    with running_respcache(tmp_path_factory.mktemp("tls"), *flags) as server:
        yield server, port, http_port


def test_monitor_and_tracking(served: tuple[Server, int, int], certificates: Files) -> None:
    server, port, _ = served
    with (
        TlsClient(port, certificates) as monitor,
        TlsClient(port, certificates) as tracker,
        server.client() as other,
    ):
        assert monitor.call("MONITOR") == b"+OK\r\n"
        tracker.call("HELLO", "3")
        tracker.call("CLIENT", "TRACKING", "ON")
        tracker.call("GET", "tracked")
        other.call("SET", "tracked", "1")
        assert parse(tracker.read_reply()).plain() == [b"invalidate", [b"tracked"]]
        shown = monitor.read_replies(4)
    assert b'"SET" "tracked" "1"' in shown[-1]


def test_whoever_waits_for_the_end_of_a_pause_is_answered(
    served: tuple[Server, int, int], certificates: Files
) -> None:
    server, port, _ = served
    with TlsClient(port, certificates) as client, server.client() as admin:
        assert admin.call("CLIENT", "PAUSE", "200", "ALL") == b"+OK\r\n"
        assert client.call("PING") == b"+PONG\r\n"


def test_a_client_that_has_been_idle_for_too_long_is_let_go(
    served: tuple[Server, int, int], certificates: Files
) -> None:
    server, port, _ = served
    with TlsClient(port, certificates) as client, server.client() as admin:
        client.call("PING")
        admin.call("CONFIG", "SET", "timeout", "1")
        assert client.read_until_closed() == b""
    with server.client() as admin:
        admin.call("CONFIG", "SET", "timeout", "0")


def test_one_client_too_many_is_told_so(served: tuple[Server, int, int], certificates: Files) -> None:
    server, port, _ = served
    with server.client() as admin:
        eventually(lambda: b"connected_clients:1\r\n" in parse(admin.call("INFO", "clients")).text)
        admin.call("CONFIG", "SET", "maxclients", "1")
        try:
            with TlsClient(port, certificates) as refused:
                assert refused.read_reply() == b"-ERR max number of clients reached\r\n"
        finally:
            admin.call("CONFIG", "SET", "maxclients", "10000")


def test_https_by_urllib(served: tuple[Server, int, int], certificates: Files) -> None:
    _, _, http_port = served
    url = f"https://localhost:{http_port}/v1/keys/u"
    context = certificates.client_context()
    put = urllib.request.Request(url, data=b"x" * 500_000, method="PUT")
    with urllib.request.urlopen(put, context=context, timeout=PATIENCE_S) as answer:
        assert answer.status in {200, 201, 204}
    with urllib.request.urlopen(url, context=context, timeout=PATIENCE_S) as answer:
        assert answer.read() == b"x" * 500_000


def test_https_by_httpx(served: tuple[Server, int, int], certificates: Files) -> None:
    _, _, http_port = served
    with httpx2.Client(
        verify=certificates.client_context(), base_url=f"https://localhost:{http_port}"
    ) as client:
        assert client.get("/healthcheck").status_code == 200
        assert client.get("/v1/openapi.json").status_code == 200


def test_https_without_a_certificate_is_refused(served: tuple[Server, int, int], certificates: Files) -> None:
    _, _, http_port = served
    with (
        httpx2.Client(verify=certificates.client_context(shows=None)) as client,
        pytest.raises(httpx2.TransportError),
    ):
        client.get(f"https://localhost:{http_port}/healthcheck")


def until(client: socket.socket, mark: bytes, got: bytes = b"") -> tuple[bytes, bytes]:
    """Read up to a mark; return what stands before it and what has come behind it."""
    while mark not in got:
        data = client.recv(1 << 16)
        assert data, got
        got += data
    before, _, behind = got.partition(mark)
    return before, behind


def test_server_sent_events(served: tuple[Server, int, int], certificates: Files) -> None:
    server, _, http_port = served
    with tls_socket(http_port, certificates.client_context()) as reader, server.client() as writer:
        reader.sendall(get("/v1/events"))
        head, rest = until(reader, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        writer.call("SET", "streamed", "1")
        found: list[dict[str, Any]] = []
        while not found:
            block, rest = until(reader, b"\n\n", rest)
            found = [event for event in events_in(block.decode()) if event.get("key") == "streamed"]
    assert found[0]["kind"] == "created"


def test_a_websocket(served: tuple[Server, int, int], certificates: Files) -> None:
    _, _, http_port = served
    frames = Connection(ConnectionType.CLIENT)
    with tls_socket(http_port, certificates.client_context()) as client:
        client.sendall(upgrade())
        head, rest = until(client, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        client.sendall(frames.send(TextMessage(data=json.dumps({"id": 1, "command": ["ECHO", "hello"]}))))
        frames.receive_data(rest)
        while not (messages := [one for one in frames.events() if isinstance(one, TextMessage)]):
            frames.receive_data(client.recv(1 << 16))
    assert json.loads(messages[0].data) == {"id": 1, "result": "hello"}


def test_http_may_be_served_plainly_and_over_tls_at_once(
    certificates: Files, start_respcache: StartServer
) -> None:
    plain, secret = free_port(), free_port()
    start_respcache(*certificates.flags(http_port=plain, http_tls_port=secret, tls_auth_clients="no"))
    context = certificates.client_context(shows=None)
    for url, given in ((f"http://localhost:{plain}", None), (f"https://localhost:{secret}", context)):
        with urllib.request.urlopen(f"{url}/healthcheck", context=given, timeout=PATIENCE_S) as answer:
            assert answer.status == 200
