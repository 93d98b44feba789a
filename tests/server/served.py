"""A harness behind a real port, served by the reactor; and clients that speak to it under trio."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import trio

from respcache.server.admission import Admission
from respcache.server.listeners import open_tcp_listeners
from respcache.server.pollers import new_poller
from respcache.server.reactor import Reactor
from respcache.server.trio_due import TrioDue
from tests.commands.harness import Harness
from tests.wire import ReplySplitter, encode_command, words


class Served:
    """A harness with a reactor and a port."""

    def __init__(self, harness: Harness, reactor: Reactor, port: int) -> None:
        self.harness = harness
        self.reactor = reactor
        self.port = port

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def caller(self) -> "Caller":
        return Caller(await self.connect())


@asynccontextmanager
async def serving(
    harness: Harness, find: Callable[[], TrioDue | None] = TrioDue.find
) -> AsyncIterator[Served]:
    """Serve until the block ends."""
    poller = new_poller()
    assert poller is not None
    reactor = Reactor(poller, harness.dispatcher, lambda: None, find)
    [listener] = open_tcp_listeners(["127.0.0.1"], 0, 128)
    port = listener.getsockname()[1]
    reactor.add_listener(listener, Admission(harness.settings, harness.dispatcher).open_session)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        yield Served(harness, reactor, port)
        nursery.cancel_scope.cancel()


async def receive_exactly(stream: trio.abc.Stream, count: int) -> bytes:
    """Return as many bytes as there should be; if more come with the last of them, these as well."""
    got = b""
    while len(got) < count:
        data = await stream.receive_some(1 << 20)
        assert data, f"closed after {got!r}"
        got += data
    return got


class Caller:
    """Sends command lines and reads raw replies."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._replies = ReplySplitter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def send(self, line: str) -> None:
        await self.send_together(line)

    async def send_together(self, *lines: str) -> None:
        await self._stream.send_all(b"".join(encode_command(words(line)) for line in lines))

    async def read(self) -> bytes:
        while (reply := self._replies.next_reply()) is None:
            data = await self._stream.receive_some(65536)
            assert data, "closed"
            self._replies.feed(bytes(data))
        return reply

    async def call(self, line: str) -> bytes:
        await self.send(line)
        return await self.read()
