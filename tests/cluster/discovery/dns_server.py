"""A DNS server that is the authority for a few names: UDP, and TCP for those whom it tells to come back that way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import trio


class DnsServer:
    """``zone`` maps (name, type) to what stands behind it; other names do not exist."""

    def __init__(self, zone: dict[tuple[str, str], list[str]]) -> None:
        self.zone = zone
        self.is_cut = False
        self.questions: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["DnsServer"]:
        udp, tcp = await _one_port(port)
        self.port = udp.getsockname()[1]
        with udp:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._serve_udp, udp)
                nursery.start_soon(trio.serve_listeners, self._serve_tcp, tcp)
                yield self
                nursery.cancel_scope.cancel()

    def resolver(self) -> dns.asyncresolver.Resolver:
        """Return a resolver that asks only here."""
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = self.port
        return resolver

    async def _serve_udp(self, udp: trio.socket.SocketType) -> None:
        while True:
            wire, source = await udp.recvfrom(4096)
            answer = self._answer(wire)
            if self.is_cut:
                answer.flags |= dns.flags.TC
                answer.answer.clear()
            await udp.sendto(answer.to_wire(), source)

    async def _serve_tcp(self, stream: trio.SocketStream) -> None:
        head = await stream.receive_some(2)
        wire = await stream.receive_some(int.from_bytes(head))
        answer = self._answer(wire).to_wire()
        await stream.send_all(len(answer).to_bytes(2) + answer)

    def _answer(self, wire: bytes) -> dns.message.Message:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        self.questions.append(f"{name} {kind}")
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA | dns.flags.RA
        if (name, kind) in self.zone:
            answer.answer.append(dns.rrset.from_text(name, 0, "IN", kind, *self.zone[name, kind]))
        elif not any(name == known for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


async def _one_port(port: int) -> tuple[trio.socket.SocketType, list[trio.SocketListener]]:
    """Open the same port for UDP and TCP; one that is free for the first may be taken for the other."""
    while True:
        udp = trio.socket.socket(type=trio.socket.SOCK_DGRAM)
        await udp.bind(("127.0.0.1", port))
        try:
            return udp, await trio.open_tcp_listeners(udp.getsockname()[1], host="127.0.0.1")
        except OSError:
            udp.close()
            if port:
                raise
