"""An HTTP server on loopback, plain or with TLS, that keeps what it is asked, and answers, or fails, as it is told."""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import trio


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at_s: float
    """When it was read, by trio's clock."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def document(self) -> Any:  # whatever JSON holds
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer, and in which manner it is given.

    ``stall`` says nothing, ``slow_head`` a letter a second, ``drip`` a letter of the body a second, ``garbage`` no HTTP;
    ``half`` and ``endless`` leave the body short or without an end, ``chunked`` does not say how long it is, ``missing`` and
    ``long`` never begin a body, and ``hang_up`` closes.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "whole"


Answerer = Callable[[Asked], Reply]

RAW = {
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "half": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
    "missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n",
    "half_missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nNot",
    "long": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
    "hang_up": b"",
    "huge_head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
}


class HttpServer:
    def __init__(self, answer: Answerer) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.connections = 0
        self.open_now = 0
        self.busy = 0
        self.most_at_once = 0
        self.sent_bytes = 0
        self.url = ""
        self.port = 0
        self.gate: trio.Event | None = None
        """If there is one, answers wait for it."""

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None, *, port: int = 0) -> AsyncIterator[Self]:
        """Serve on this port, or on any, until the block ends; connections are cut then. A certificate is for localhost."""
        (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
        self.port = listener.socket.getsockname()[1]
        host = "http://127.0.0.1" if tls is None else "https://localhost"
        self.url = f"{host}:{self.port}"

        async def serve(stream: trio.abc.Stream) -> None:
            self.connections += 1
            self.open_now += 1
            try:
                await self._serve(stream if tls is None else trio.SSLStream(stream, tls, server_side=True))
            except (trio.BrokenResourceError, h11.RemoteProtocolError):
                pass  # the other end had enough
            finally:
                self.open_now -= 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, serve, [listener])
            yield self
            nursery.cancel_scope.cancel()

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():  # noqa: ASYNC110  # connections tell nobody
            await trio.sleep(0.001)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER)
        while (asked := await self._next(connection, stream)) is not None:
            self.asked.append(asked)
            self.busy += 1
            self.most_at_once = max(self.most_at_once, self.busy)
            try:
                if self.gate is not None:
                    await self.gate.wait()
                await self._reply(connection, stream, self.answer(asked))
            finally:
                self.busy -= 1
            if connection.our_state is not h11.DONE:
                break
            connection.start_next_cycle()
        await stream.aclose()

    async def _next(self, connection: h11.Connection, stream: trio.abc.Stream) -> Asked | None:
        request, body = None, b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(bytes(await stream.receive_some(65536)))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif request is None or not isinstance(event, h11.EndOfMessage):
                return None
            else:
                headers = {name.decode(): value.decode() for name, value in request.headers}
                return Asked(
                    request.method.decode(), request.target.decode(), headers, body, trio.current_time()
                )

    async def _reply(self, connection: h11.Connection, stream: trio.abc.Stream, reply: Reply) -> None:
        manner = reply.manner
        if manner == "stall":
            await trio.sleep_forever()
        elif manner == "slow_head":
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
                await stream.send_all(bytes([letter]))
                await trio.sleep(1)
        elif manner in RAW:
            await stream.send_all(RAW[manner])
            if manner in ("missing", "long"):
                await trio.sleep_forever()
        else:
            length = {} if manner in ("chunked", "endless") else {"Content-Length": str(len(reply.body))}
            headers = list({**length, **reply.headers}.items())
            await self._send(connection, stream, h11.Response(status_code=reply.status, headers=headers))
            while True:
                if manner == "drip":
                    await self._drip(connection, stream, reply.body)
                else:
                    await self._send(connection, stream, h11.Data(data=reply.body))
                if manner != "endless":
                    break
            await self._send(connection, stream, h11.EndOfMessage())

    async def _drip(self, connection: h11.Connection, stream: trio.abc.Stream, body: bytes) -> None:
        for letter in body:
            await self._send(connection, stream, h11.Data(data=bytes([letter])))
            await trio.sleep(1)

    async def _send(self, connection: h11.Connection, stream: trio.abc.Stream, event: h11.Event) -> None:
        data = connection.send(event) or b""
        await stream.send_all(data)
        self.sent_bytes += len(data)


def name_of(asked: Asked) -> str:
    """Return the last piece of a path."""
    return unquote(asked.path.rpartition("/")[2])


def by_name(**replies: Reply) -> Answerer:
    """Answer by the last piece of the path, with that as JSON where nothing else is said."""
    return lambda asked: replies.get(name_of(asked)) or Reply(body=json.dumps(name_of(asked)).encode())


def always(*arguments: Any, **options: Any) -> Answerer:
    return lambda _: Reply(*arguments, **options)
