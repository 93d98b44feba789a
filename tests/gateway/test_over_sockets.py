"""Live events, WebSockets, metrics and health of real processes, alone and as a cluster, over real sockets."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, TextMessage

from tests.cluster.processes import Cluster
from tests.conftest import StartServer
from tests.gateway.live import events_in, get, upgrade
from tests.gateway.scraping import Samples, samples_in, value
from tests.servers import STOP_SECONDS, TARGET, free_port, free_ports

pytestmark = pytest.mark.skipif(TARGET != "respcache", reason="redis-server has no HTTP port")

PATIENCE_S = 20.0
"""For what takes no time on a machine that is not busy."""


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Line:
    """A connection to an HTTP port, which has sent a request."""

    def __init__(self, port: int, request: bytes, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(request)
        self.read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def until(self, mark: bytes) -> bytes:
        """Read up to and with these bytes."""
        while mark not in self.read:
            data = self.socket.recv(1 << 16)
            assert data, self.read
            self.read += data
        found, _, self.read = self.read.partition(mark)
        return found + mark

    def until_closed(self) -> bytes:
        while data := self.socket.recv(1 << 16):
            self.read += data
        return self.read

    def event(self) -> dict[str, Any]:
        """Read the next event of a stream; heartbeats are none."""
        while True:
            events = events_in(self.until(b"\n\n").decode())
            if events:
                return events[0]

    def keys(self, count: int) -> list[str]:
        return [self.event()["key"] for _ in range(count)]


@contextmanager
def following(port: int, query: str = "") -> Iterator[Line]:
    with Line(port, get(f"/v1/events{query}")) as line:
        line.until(b"retry: 1000\n\n")
        yield line


def ask(port: int, path: str, *, method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def metrics(port: int) -> Samples:
    status, text = ask(port, "/metrics")
    assert status == 200
    return samples_in(text)


def test_a_reader_sees_what_both_ports_write_and_hears_of_the_end(start_respcache: StartServer) -> None:
    http = free_port()
    server = start_respcache("--http", str(http))
    with following(http, "?match=key:*") as reader, server.client() as client:
        client.call("SET", "key:redis", "1")
        client.call("SET", "other", "1")
        assert ask(http, "/v1/keys/key:http", method="PUT", body=b"1")[0] in (200, 201, 204)
        assert reader.keys(2) == ["key:redis", "key:http"]
        server.process.terminate()
        assert b"event: stopped" in reader.until_closed()
    assert server.process.wait(STOP_SECONDS) == 0


def test_who_comes_back_misses_nothing(start_respcache: StartServer) -> None:
    http = free_port()
    server = start_respcache("--http", str(http))
    with server.client() as client:
        with following(http) as reader:
            client.call("SET", "a", "1")
            last = reader.until(b"\n\n").split(b"\n")[0].removeprefix(b"id: ").decode()
        for key in "bcd":
            client.call("SET", key, "1")
        with Line(http, get("/v1/events", f"Last-Event-ID: {last}")) as again:
            again.until(b"retry: 1000\n\n")
            client.call("SET", "e", "1")
            assert again.keys(4) == ["b", "c", "d", "e"]


def test_a_reader_that_does_not_read_is_let_go_and_counted(start_respcache: StartServer) -> None:
    http = free_port()
    flags = ("--events-include-values", "yes", "--events-value-limit", "64kb")
    server = start_respcache("--http", str(http), *flags)
    reason = "slow-stream"
    with Line(http, get("/v1/events"), 4096) as slow, following(http) as quick, server.client() as client:
        slow.until(b"retry: 1000\n\n")
        quick.socket.setblocking(False)
        taken = 0

        def is_let_go() -> bool:
            nonlocal taken
            for _ in range(20):
                client.call("SET", "key", "x" * 60_000)
            with_patience = time.monotonic() + 0.05
            while time.monotonic() < with_patience:
                try:
                    taken += len(quick.socket.recv(1 << 20))
                except BlockingIOError:
                    time.sleep(0.005)
            return value(metrics(http), "respcache_http_readers_dropped_total", reason=reason) > 0

        eventually(is_let_go)
        assert taken > 4 << 20
        assert b"event: dropped" in slow.until_closed()
        assert value(metrics(http), "respcache_http_readers_dropped_total", reason=reason) == 1
        assert value(metrics(http), "respcache_http_readers", way="stream") == 1


class Talk:
    """A WebSocket over a real connection."""

    def __init__(self, line: Line) -> None:
        self._line = line
        assert b" 101 " in line.until(b"\r\n\r\n")
        self._frames = Connection(ConnectionType.CLIENT, trailing_data=line.read)
        self._seen: list[Any] = []
        self._text = ""

    def ask(self, message: object) -> Any:
        self._line.socket.sendall(self._frames.send(TextMessage(data=json.dumps(message))))
        return self.hear()

    def hear(self) -> Any:
        """Return the next message, or the server's goodbye as its code."""
        while True:
            self._seen += self._frames.events()
            while self._seen:
                event = self._seen.pop(0)
                if isinstance(event, TextMessage):
                    self._text += event.data
                    if event.message_finished:
                        text, self._text = self._text, ""
                        return json.loads(text)
                if isinstance(event, CloseConnection):
                    return int(event.code)
            self._frames.receive_data(self._line.socket.recv(1 << 16) or None)


def test_a_websocket_speaks_until_the_server_stops(start_respcache: StartServer) -> None:
    http = free_port()
    server = start_respcache("--http", str(http))
    with Line(http, upgrade()) as line, Line(http, upgrade()) as other_line:
        talk, other = Talk(line), Talk(other_line)
        assert talk.ask({"id": 1, "command": ["SET", "a", "1"]}) == {"id": 1, "result": "OK"}
        assert other.ask({"id": 2, "subscribe": ["news"]}) == {"id": 2, "result": 1}
        assert other.ask({"id": 3, "events": {"match": "key:*"}}) == {"id": 3, "result": True}
        assert talk.ask({"id": 4, "publish": ["news", "hello"]}) == {"id": 4, "result": 1}
        assert other.hear() == {"channel": "news", "message": "hello"}
        talk.ask({"command": ["SET", "key:1", "1"]})
        assert other.hear()["event"]["key"] == "key:1"
        big = "x" * 3_000_000
        with server.client() as client:
            client.call("SET", "big", big)
        assert talk.ask({"command": ["GET", "big"]}) == {"result": big}
        server.process.terminate()
        assert talk.hear() == other.hear() == 1001
    assert server.process.wait(STOP_SECONDS) == 0


def test_a_first_scrape_does_not_stop_the_server(start_respcache: StartServer) -> None:
    http = free_port()
    server = start_respcache("--http", str(http))
    with server.client() as client:
        client.call("SET", "a", "1")
        found = metrics(http)
        assert value(found, "redis_commands_total", cmd="set") == 1
        assert found["redis_up"] == {(): 1}
        assert ask(http, "/health/ready") == (200, '{"status":"ready"}')


def test_a_reader_at_one_node_sees_what_is_written_at_another(tmp_path: Path) -> None:
    ports = free_ports(2)
    cluster = Cluster(tmp_path)
    try:
        for port in ports:
            cluster.add("--http", str(port))
        cluster.wait_until_together()
        own, other = cluster.keys_of(cluster[0], 2, "own"), cluster.keys_of(cluster[1], 2, "other")
        with following(ports[0], "?kinds=created&match=o*") as reader, Line(ports[0], upgrade()) as line:
            talk = Talk(line)
            assert talk.ask({"events": {"kinds": ["deleted"]}}) == {"result": True}
            with cluster[1].client() as client:
                client.call("SET", own[0], "1")
                client.call("SET", other[0], "1")
            for key in (own[1], other[1]):
                assert ask(ports[1], f"/v1/keys/{key.decode()}", method="PUT", body=b"1")[0] in (
                    200,
                    201,
                    204,
                )
            assert sorted(reader.keys(4)) == sorted(key.decode() for key in (*own, *other))
            assert talk.ask({"command": ["GET", other[0].decode()]}) == {"result": "1"}
            with cluster[1].client() as client:
                client.call("DEL", other[0])
            assert talk.hear()["event"]["key"] == other[0].decode()
        eventually(lambda: all(ask(port, "/health/ready")[0] == 200 for port in ports))
        found = [metrics(port) for port in ports]
        assert sum(one["respcache_cluster_partitions_served"][()] for one in found) == 1024
        assert all(value(one, "respcache_cluster_members", state="alive") == 2 for one in found)
        cluster[1].kill()
        eventually(lambda: value(metrics(ports[0]), "respcache_cluster_members", state="alive") == 1)
    finally:
        cluster.stop()
