"""An HTTP server that answers as it is told, plain or with TLS, and keeps what it has been asked."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import h11
import trio


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def parameters(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}


Answerer = Callable[[Asked], tuple[int, bytes]]


class HttpServer:
    def __init__(self, answer: Answerer) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.url = ""

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["HttpServer"]:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{listener.socket.getsockname()[1]}"

        async def serve(stream: trio.abc.Stream) -> None:
            try:
                await self._serve(stream if tls is None else trio.SSLStream(stream, tls, server_side=True))
            except trio.BrokenResourceError:
                pass  # the other end had enough

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, serve, [listener])
            yield self
            nursery.cancel_scope.cancel()

    async def _serve(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER)
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some(65536)))
        if not isinstance(event, h11.Request):
            return
        headers = {name.decode(): value.decode() for name, value in event.headers}
        self.asked.append(Asked(event.method.decode(), event.target.decode(), headers))
        status, body = self.answer(self.asked[-1])
        length = [("Content-Length", str(len(body))), ("Connection", "close")]
        for part in (
            h11.Response(status_code=status, headers=length),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            await stream.send_all(connection.send(part) or b"")
        await stream.aclose()
