"""Membership on the network: datagrams, timers, and exchanges over TCP. The I/O of ``membership``.

One task receives, one keeps the time, and each exchange is a connection of its own that ends with its answer:
there are a few in a minute.
"""

import logging
import secrets
import socket
from collections.abc import Callable, Sequence
from typing import Final

import trio

from .bus.frames import EXCHANGE, EXCHANGED, BrokenFrameError, Decoders, Exchange, frame
from .bus.inlet import Inlet
from .hub import Hub
from .membership import outputs
from .membership.member import Address
from .security.links import Link
from .security.packets import PacketCodec, Reason, Refused

log = logging.getLogger(__name__)

DATAGRAM_BYTES: Final = 2048
"""More than a packet may have, so that one that is too long shows."""

PACKETS_PER_TURN: Final = 64
"""Taken in one go: a millisecond's worth, a storm of gossip must not keep clients waiting."""

EXCHANGES: Final = 16
"""Exchanges that may run at once; membership asks for a few in a minute, and each takes up to a second."""

HARMLESS: Final = frozenset({Reason.REPLAYED, Reason.OWN})
"""Networks double packets, and broadcasts come back."""

DECODERS: Final = Decoders({EXCHANGED: Exchange})


class Gossip:
    """Carries out what one node's membership asks for."""

    def __init__(
        self,
        hub: Hub,
        codec: PacketCodec,
        sockets: Sequence[socket.socket],
        new_link: Callable[[bytes], Link],
        timeout_s: float,
    ) -> None:
        self._hub = hub
        self.codec = codec
        self._sockets = sockets
        self._new_link = new_link
        self._timeout_s = timeout_s
        self._nudge = trio.Event()
        self._wakes_s = float("inf")
        """When the time is looked at next: what is due later need not wake anybody."""
        self._nursery: trio.Nursery | None = None
        self._running = 0
        hub.act = self.act
        hub.refused_packets = lambda: sum(codec.refused.values())
        hub.answer = self._answer

    async def run(self) -> None:
        """Gossip until cancelled."""
        async with trio.open_nursery() as nursery:
            for sock in self._sockets:
                nursery.start_soon(self._receive, sock)
            self._nursery = nursery
            try:
                await self._keep_time()
            finally:
                # Others have news still, a connection that ends, or discovery: sooner than the end of the nursery is known here.
                self._nursery = None

    def act(self, asked: Sequence[outputs.Output]) -> None:
        """Do what membership asks for."""
        for output in asked:
            if isinstance(output, outputs.Packet):
                self._send(output.address, output.payload)
            elif isinstance(output, outputs.Happened):
                self._hub.happened(output)
            elif self._nursery is not None and self._running < EXCHANGES:
                self._running += 1
                self._nursery.start_soon(self._exchange, output)
            else:
                self.act(self._hub.swim.exchange_done(trio.current_time(), output.token, None))
        if self._hub.swim.next_deadline() < self._wakes_s:
            self._nudge.set()

    def _send(self, address: Address, payload: bytes) -> None:
        sock = next((one for one in self._sockets if _can_reach(one, address)), None)
        if sock is None:
            return
        try:
            sock.sendto(self.codec.seal(payload), address)
        except OSError as error:  # full, refused, no route: a packet may be lost, and nobody minds
            log.debug("no packet to %s:%d: %s", *address, error)

    async def _receive(self, sock: socket.socket) -> None:
        while True:
            await trio.lowlevel.wait_readable(sock)
            for _ in range(PACKETS_PER_TURN):
                try:
                    datagram, source = sock.recvfrom(DATAGRAM_BYTES)
                except OSError:
                    break  # nothing more, or news that an earlier packet was refused
                try:
                    payload = self.codec.open(datagram)
                except Refused as refused:
                    if refused.reason not in HARMLESS:
                        self._hub.complaints.tell(f"refused packets from {source[0]}: {refused.reason.value}")
                    continue
                address = (str(source[0]), int(source[1]))
                self.act(self._hub.swim.receive(trio.current_time(), payload, address))

    async def _keep_time(self) -> None:
        swim = self._hub.swim
        while True:
            self._nudge = trio.Event()
            self._wakes_s = swim.next_deadline()
            with trio.move_on_at(self._wakes_s):
                await self._nudge.wait()
            if trio.current_time() >= swim.next_deadline():
                self.act(swim.tick(trio.current_time()))

    # -- exchanges -------------------------------------------------------------------

    async def _exchange(self, asked: outputs.Exchange) -> None:
        payload = None
        try:
            with trio.move_on_after(self._timeout_s):
                payload = await self._ask(asked)
        finally:
            self._running -= 1
        self.act(self._hub.swim.exchange_done(trio.current_time(), asked.token, payload))

    async def _ask(self, asked: outputs.Exchange) -> bytes | None:
        host, port = asked.address
        link = self._new_link(secrets.token_bytes(32))
        try:
            async with await trio.open_tcp_stream(host, port) as stream:
                link.start()
                await stream.send_all(link.take_output())
                is_asked = False
                async for received in stream:
                    frames = link.feed(bytes(received))
                    if link.is_established and not is_asked:
                        is_asked = True
                        link.send([frame(EXCHANGE, Exchange(asked.token, asked.payload))])
                    if link.has_output:
                        await stream.send_all(link.take_output())
                    if link.error is not None:
                        self._hub.complaints.tell(f"node {host}:{port}: {link.error}")
                        return None
                    for data in frames:
                        body = DECODERS.decode(data)
                        return body.payload if isinstance(body, Exchange) else None
        except (OSError, BrokenFrameError, trio.BrokenResourceError) as error:
            log.debug("no answer from %s:%d: %s", host, port, error)
        return None

    def _answer(self, inlet: Inlet, exchange: Exchange) -> None:
        host, _, port = inlet.client.address.rpartition(":")
        source = (host.strip("[]"), int(port) if port.isdigit() else 0)
        payload, asked = self._hub.swim.answer_exchange(trio.current_time(), exchange.payload, source)
        if payload:
            inlet.send(frame(EXCHANGED, Exchange(exchange.token, payload)))
        else:
            inlet.hang_up()  # it made no sense
        self.act(asked)


def _can_reach(sock: socket.socket, address: Address) -> bool:
    return (sock.family == socket.AF_INET6) == (":" in address[0])
