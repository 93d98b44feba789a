"""Nodes with real sockets on loopback, on trio's test clock, without a reactor: each connection has a task of its own."""

import random
import socket
from collections.abc import Callable

import trio

from respcache.cluster.bus.connection import BusConnection
from respcache.cluster.bus.inlet import Inlet
from respcache.cluster.bus.lane import Lane
from respcache.cluster.hub import Hub, Options
from respcache.cluster.membership.member import Meta, Phase
from respcache.cluster.membership.profiles import LAN
from respcache.cluster.security.keyring import Keyring
from respcache.cluster.security.links import Link
from tests.commands.harness import Harness


class Bell:
    """Wakes whoever sends for a connection."""

    def __init__(self) -> None:
        self._rung = trio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self) -> None:
        await self._rung.wait()
        self._rung = trio.Event()


async def drive(connection: BusConnection, sock: socket.socket, bell: Bell) -> None:
    """Be the reactor of one connection until it ends."""
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))

    async def send() -> None:
        while True:
            await bell.wait()
            if connection.out:
                await stream.send_all(b"".join(connection.take_output()))
            if connection.client.ending is not None:
                nursery.cancel_scope.cancel()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            async for data in stream:
                connection.receive(bytes(data))
                bell.ring()
            nursery.cancel_scope.cancel()
    except* trio.BrokenResourceError:
        pass  # the other end has gone
    finally:
        connection.close()
        stream.socket.close()


class Attached:
    """A node that listens for others."""

    def __init__(self, number: int, nursery: trio.Nursery, cluster: str = "test") -> None:
        self.number = number
        self.cluster = cluster
        self.id = bytes([number + 1]) * 20
        self.nursery = nursery
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = ("127.0.0.1", self.listener.getsockname()[1])
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.setblocking(False)
        self.datagrams.bind(self.address)
        self.accepts = True
        self.greets = True
        self.connections: list[BusConnection] = []
        harness = Harness()
        self.node = harness.node
        self.hub = Hub(
            self.node,
            harness.dispatcher,
            id=self.id,
            address=self.address,
            meta=meta_of(self.address),
            profile=LAN,
            options=Options(1, 2, 1.0),
            chance=random.Random(number),
            now_s=trio.current_time,
            loop_lag_s=lambda: 0.0,
        )
        self.node.router = self.hub.router
        self._listening = trio.CancelScope()
        nursery.start_soon(self._listen)

    def link(self, role: str, nonce: bytes, expected_id: bytes | None = None) -> Link:
        return Link(
            "dial" if role == "dial" else "accept",
            self.cluster,
            Keyring(()),
            self.id,
            nonce,
            expected_id=expected_id,
        )

    def attach(self, sock: socket.socket, make: Callable[[Callable[[], None]], Lane]) -> Lane:
        bell = Bell()
        lane = make(bell.ring)
        self._start(lane, sock, bell)
        return lane

    async def refuse(self) -> None:
        """Listen no more."""
        self._listening.cancel()
        await trio.sleep(0.001)
        self.listener.close()

    def close(self) -> None:
        """Close what is not a connection."""
        self.listener.close()
        self.datagrams.close()

    async def _listen(self) -> None:
        listener = trio.socket.from_stdlib_socket(self.listener)
        with self._listening:
            await self._accept(listener)

    async def _accept(self, listener: trio.socket.SocketType) -> None:
        while True:
            accepted, _ = await listener.accept()
            sock = socket.socket(fileno=accepted.detach())
            if not self.accepts:
                sock.close()
                continue
            if not self.greets:
                self.nursery.start_soon(_hold, sock)
                continue
            bell = Bell()
            inlet = Inlet(
                self.link("accept", random.randbytes(32)),
                self.node.clock,
                bell.ring,
                f"127.0.0.1:{sock.getpeername()[1]}",
                runner=self.hub.runner,
                territory=self.hub,
            )
            inlet.start()
            self._start(inlet, sock, bell)

    def _start(self, connection: BusConnection, sock: socket.socket, bell: Bell) -> None:
        self.connections.append(connection)
        self.nursery.start_soon(drive, connection, sock, bell)

    def hang_up(self) -> None:
        """End every connection."""
        for connection in self.connections:
            connection.hang_up()
        self.connections.clear()


async def _hold(sock: socket.socket) -> None:
    try:
        await trio.sleep_forever()
    finally:
        sock.close()


def meta_of(address: tuple[str, int], phase: Phase = Phase.ACTIVE) -> Meta:
    return Meta(
        name=f"{address[0]}:{address[1]}",
        host=address[0],
        client_port=7000,
        cluster_port=0,
        bus_port=address[1],
        http_port=0,
        machine=f"machine-{address[1]}",
        zone="",
        weight=1.0,
        phase=phase,
        versions=(1, 1),
        loop_lag_ms=0,
    )
