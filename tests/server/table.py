"""Clients of one reactor over pairs of sockets, with no task and no time: for what happens within a turn."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from respcache.server.admission import Admission
from respcache.server.pollers import new_poller
from respcache.server.reactor import Reactor
from respcache.server.session import Session
from tests.commands.harness import Harness
from tests.protocol.streams import request

CLIENTS = 4


class Table:
    """Clients of one reactor, each at the far end of a pair of sockets; nothing happens but in ``serve``."""

    def __init__(self, harness: Harness, clients: int = CLIENTS) -> None:
        self.harness = harness
        poller = new_poller()
        assert poller is not None
        self.reactor = Reactor(poller, harness.dispatcher, lambda: None, clock=harness.clock)
        self.far: list[socket.socket] = []
        self.near: list[socket.socket] = []
        for _ in range(clients):
            self.attach()
        self.sessions = [
            client.connection for client in harness.node.clients if isinstance(client.connection, Session)
        ]

    def attach(self) -> int:
        """Add a client; return the number of its socket."""
        near, far = socket.socketpair()
        far.setblocking(False)
        self.reactor.attach(near, Admission(self.harness.settings, self.harness.dispatcher).open_session)
        self.near.append(near)
        self.far.append(far)
        return near.fileno()

    def send(self, client: int, *words: bytes) -> None:
        self.far[client].send(request(*words))

    def serve(self) -> None:
        """Turn until nothing is left to do."""
        quiet_turns = 0
        while quiet_turns < 2:
            quiet_turns = 0 if self.reactor.turn() else quiet_turns + 1

    def read(self, client: int) -> bytes:
        """Return what a client can read now; that it was closed stands in it, too."""
        pieces = []
        while True:
            try:
                pieces.append(self.far[client].recv(1 << 20))
            except BlockingIOError:
                return b"".join(pieces)
            except ConnectionError:
                pieces.append(b"")
            if not pieces[-1]:
                return b"".join(pieces) + b"<closed>"

    def call(self, client: int, *words: bytes) -> bytes:
        self.send(client, *words)
        self.serve()
        return self.read(client)

    async def close(self) -> None:
        for far in self.far:
            far.close()
        with trio.CancelScope() as scope:
            scope.cancel()
            await self.reactor.run()


@contextmanager
def table_of(harness: Harness, clients: int = CLIENTS) -> Iterator[Table]:
    table = Table(harness, clients)
    try:
        yield table
    finally:
        trio.run(table.close)
