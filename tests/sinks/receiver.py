"""A webhook's receiver: a minimal HTTP server on loopback that answers as it is told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import trio


@dataclass(frozen=True, slots=True)
class Request:
    """What has been asked, and when."""

    line: str
    headers: dict[str, str]
    body: bytes
    at_s: float

    @property
    def document(self) -> Any:  # whatever JSON holds
        return json.loads(self.body)

    @property
    def databases(self) -> list[Any]:
        """Return what tells the events of tests apart."""
        return [event.get("db") for event in self.document["events"]]


@dataclass(frozen=True, slots=True)
class Answer:
    """How to react to one request. ``stall`` never answers, ``hang_up`` closes, ``drip`` never ends, ``no_content`` is short."""

    status: int = 200
    manner: str = "answer"
    body_bytes: int = 2


class Receiver:
    """Keeps all requests. ``answers`` are used up one by one; then everything is fine."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["Receiver"]:
        """Serve on this port, or on any, until the block ends; connections are cut then."""
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, self._serve, port, host="127.0.0.1"))
            self.port = listeners[0].socket.getsockname()[1]
            yield self
            nursery.cancel_scope.cancel()

    async def _serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        buffer = bytearray()
        try:
            while (request := await self._next_request(stream, buffer)) is not None:
                self.requests.append(request)
                if not await self._answer(stream, self.answers.pop(0) if self.answers else Answer()):
                    return
        except trio.BrokenResourceError:
            pass  # the sender has lost its patience, as some tests want it to

    async def _next_request(self, stream: trio.SocketStream, buffer: bytearray) -> Request | None:
        while b"\r\n\r\n" not in buffer:
            if not await self._receive(stream, buffer):
                return None
        head, _, _ = bytes(buffer).partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
        begin = len(head) + 4
        end = begin + int(headers["content-length"])
        while len(buffer) < end:
            if not await self._receive(stream, buffer):
                return None
        body = bytes(buffer[begin:end])
        del buffer[:end]
        return Request(line, headers, body, trio.current_time())

    async def _receive(self, stream: trio.SocketStream, buffer: bytearray) -> bool:
        data = await stream.receive_some()
        buffer += data
        return bool(data)

    async def _answer(self, stream: trio.SocketStream, answer: Answer) -> bool:
        """Return whether the connection stays open."""
        if answer.manner == "stall":
            await trio.sleep_forever()
        if answer.manner == "hang_up":
            return False
        length = "" if answer.manner == "no_content" else f"Content-Length: {answer.body_bytes}\r\n"
        await stream.send_all(f"HTTP/1.1 {answer.status} Whatever\r\n{length}\r\n".encode())
        if answer.manner == "no_content":
            return True
        if answer.manner == "drip":
            while True:
                await stream.send_all(b".")
                await trio.sleep(1)
        await stream.send_all(b"." * answer.body_bytes)
        return True
