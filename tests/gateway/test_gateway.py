"""A real server with an HTTP port, and real clients: what only sockets can show."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from respcache.gateway.gateway import is_loopback
from tests.conftest import StartServer
from tests.gateway.test_reading import BROKEN
from tests.gateway.visitor import Answer, HttpHarness, request, split_answers
from tests.rows import every_row
from tests.servers import Server, free_port, running_respcache


class HttpServer:
    """A server, and the port that speaks HTTP."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)

    def ask(self, *pieces: bytes, pause_s: float = 0.0) -> list[Answer]:
        """Send pieces on a new connection, and read until the server closes it."""
        with self.connect() as sock:
            try:
                for piece in pieces:
                    sock.sendall(piece)
                    time.sleep(pause_s)
            except OSError:
                pass  # it has heard enough
            return read_all(sock)


def read_all(sock: socket.socket, methods: tuple[str, ...] = ()) -> list[Answer]:
    wire = b""
    while True:
        try:
            data = sock.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            answers, rest = split_answers(wire, list(methods))
            assert not rest
            return answers
        wire += data


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpServer]:
    port = free_port()
    flags = [
        "--http",
        str(port),
        "--http-max-connections",
        "60",
        "--http-head-timeout-ms",
        "700",
        "--http-max-body",
        "4mb",
    ]
    with running_respcache(tmp_path_factory.mktemp("http"), *flags) as server:
        yield HttpServer(server, port)


def test_an_ordinary_client_stores_and_gets(http: HttpServer) -> None:
    with httpx2.Client(base_url=http.url) as client:
        assert client.put("/v1/keys/greeting", content=b"hello", params={"ttl": "60"}).status_code == 201
        got = client.get("/v1/keys/greeting")
        assert (got.status_code, got.content) == (200, b"hello")
        assert (
            client.get("/v1/keys/greeting", headers={"If-None-Match": got.headers["etag"]}).status_code == 304
        )
        assert client.head("/v1/keys/greeting").headers["content-length"] == "5"
        assert client.get("/v1/keys/nothing").json()["status"] == 404
        assert client.delete("/v1/keys/greeting").status_code == 204


def test_both_ports_see_the_same_keys(http: HttpServer) -> None:
    with http.server.client() as redis, httpx2.Client(base_url=http.url) as client:
        redis.call("SET", "shared", "by redis")
        assert client.get("/v1/keys/shared").content == b"by redis"
        client.put("/v1/keys/shared", content=b"by http")
        assert redis.call("GET", "shared") == b"$7\r\nby http\r\n"


def test_a_big_value_in_chunks_and_back(http: HttpServer) -> None:
    value = bytes(range(256)) * 12_000
    with httpx2.Client(base_url=http.url, timeout=30) as client:
        pieces = (value[at : at + 100_000] for at in range(0, len(value), 100_000))
        assert client.put("/v1/keys/big", content=pieces).status_code == 201
        assert client.get("/v1/keys/big").content == value
        assert client.get("/v1/keys/big", headers={"Range": "bytes=-3"}).content == value[-3:]


def test_one_of_many_threads_wins(http: HttpServer) -> None:
    statuses: list[int] = []

    def rival(number: int, tag: str) -> None:
        with httpx2.Client(base_url=http.url, timeout=30) as client:
            answer = client.put("/v1/keys/prize", content=b"%d" % number, headers={"If-Match": tag})
            statuses.append(answer.status_code)

    with httpx2.Client(base_url=http.url) as client:
        tag = client.put("/v1/keys/prize", content=b"new").headers["etag"]
    threads = [threading.Thread(target=rival, args=(number, tag)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204] + [412] * 7


def test_a_body_that_is_too_large_gets_its_answer_although_it_is_still_being_sent(http: HttpServer) -> None:
    head = request("PUT", "/v1/keys/big", headers={"Content-Length": str(5 << 20)})
    assert [one.status for one in http.ask(head, *[b"x" * (1 << 16)] * 80)] == [413]


@every_row("at", range(len(BROKEN)))
def test_what_could_smuggle_a_request_is_answered_once_and_closed(http: HttpServer, at: int) -> None:
    wire = list(BROKEN)[at]
    hidden = request("PUT", "/v1/keys/smuggled", b"1")
    for pieces in ([wire + hidden], [wire[: len(wire) // 2], wire[len(wire) // 2 :] + hidden]):
        answers = http.ask(*pieces, pause_s=0.01)
        assert [one.status for one in answers] == [BROKEN[wire]]
        assert answers[0].headers["connection"] == "close"
    with http.server.client() as redis:
        assert redis.call("EXISTS", "smuggled") == b":0\r\n"


def test_oversized_heads_are_closed(http: HttpServer) -> None:
    for piece in (b"GET /" + b"a" * 10_000, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 10_000):
        answers = http.ask(piece, *[b"a" * 10_000] * 20)
        assert [one.status for one in answers] in ([431], [])  # closed amid input, the answer may get lost


def test_who_sends_byte_by_byte_is_let_go(http: HttpServer) -> None:
    wire = request("GET", "/healthcheck")
    begun = time.monotonic()
    loris = [http.connect() for _ in range(10)]
    for sock in loris:
        sock.sendall(wire[:10])
    for sock in loris:
        with sock:
            assert [one.status for one in read_all(sock)] == [408]
    assert time.monotonic() - begun < 10


def test_so_many_connections_and_no_more(http: HttpServer) -> None:
    with httpx2.Client(base_url=http.url) as client:
        client.get("/healthcheck")
        crowd = [http.connect() for _ in range(60)]
        refused = [one for sock in crowd[-1:] for one in read_all(sock)]
        assert [one.status for one in refused] == [503]
        assert client.get("/healthcheck").status_code == 200
        for sock in crowd:
            sock.close()


def test_an_answer_that_is_owed_is_given_before_the_end(start_respcache: StartServer) -> None:
    port = free_port()
    server = start_respcache("--http", str(port))
    http = HttpServer(server, port)
    with server.client() as redis, http.connect() as waiting, http.connect() as idle:
        redis.call("CLIENT", "PAUSE", "600", "ALL")
        waiting.sendall(request("PUT", "/v1/keys/a", b"1") + request("GET", "/v1/keys/a"))
        idle.sendall(request("GET", "/healthcheck")[:20])
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        answers = read_all(waiting)
        assert [one.status for one in answers] == [201, 200]
        assert answers[1].headers["connection"] == "close"
        assert read_all(idle) == []
    assert server.process.wait(10) == 0


def test_without_the_port_nothing_listens_and_nothing_is_imported(tmp_path: Path) -> None:
    with running_respcache(tmp_path, is_cold=True) as server:
        maps = Path(f"/proc/{server.pid}/maps")
        assert not maps.exists() or "httptools" not in maps.read_text()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_what_is_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


def test_strangers_are_refused_while_there_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respcache.gateway.gateway.is_loopback", lambda host: False)
    houses = (HttpHarness(), HttpHarness(requirepass="x"), HttpHarness(protected_mode="no"))
    for gateway, is_open in zip([house.gateway for house in houses], (False, True, True), strict=True):
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.create_connection(listener.getsockname()) as peer,
        ):
            ours, _ = listener.accept()
            with ours:
                assert (gateway.open_session(ours, lambda: None) is not None) == is_open
            answers = read_all(peer)
        assert [one.status for one in answers] == ([] if is_open else [403])
        assert gateway.refused == (not is_open)
