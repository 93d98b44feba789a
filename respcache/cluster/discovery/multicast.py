"""Nodes of one network call to each other, by UDP multicast or broadcast (IPv4), and need no list of anybody.

Every node calls every two seconds, when it comes, and when it hears somebody new: so a newcomer knows all the others at once.
Who is silent for half a minute is forgotten here; whether it lives is for membership to say.

The socket is shared with other nodes of this machine, so each hears itself as well, and ignores it. A network that is away is tried
again for ever. Calls are made and checked by ``beacon``.
"""

import ipaddress
import logging
import random
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import trio

from .beacon import MOST_BYTES, NONCE_BYTES, Beacon, Call, Kind, Reason, RefusedCallError
from .endpoints import Address, Endpoint, EndpointError, is_anywhere, parse_endpoint
from .protocol import Announcement, DiscoverySettingsError, SourceError

log = logging.getLogger(__name__)

CALL_S: Final = 2.0
"""A call is lost now and then; two in a row still make a newcomer known within some seconds."""

JITTER: Final = 0.25
"""Part of the pause by which it varies, or nodes would go on calling all at once."""

SILENT_S: Final = 30.0
"""Fifteen calls lost in a row are no accident."""

ANSWER_S: Final = 0.25
"""Not more often than this do we call because of newcomers: ten at once are greeted together."""

REOPEN_S: Final = 2.0
"""An interface that is away at the start of a machine comes within seconds."""

MOST_HEARD: Final = 1024
"""As many as are taken from one source; strangers, where there is no secret, cannot fill the memory."""

IN_A_ROW: Final = 64
REST_S: Final = 0.05
"""After so many calls we rest this long, and the kernel drops what is too much: a thousand nodes make 500 a second, a flood more."""

LIMITED_BROADCAST: Final = "255.255.255.255"

TOLD: Final = frozenset({Reason.VERSION, Reason.SECRET, Reason.STALE})
"""Reasons that an operator can do something about; a neighbour's cluster is none of our business."""


class Network(msgspec.Struct, frozen=True):
    """Where calls go. ``interface`` is the address of the interface, or empty for the system's choice."""

    group: str
    port: int
    interface: str = ""
    ttl: int = 1
    is_broadcast: bool = False

    def __post_init__(self) -> None:
        for host in filter(None, (self.group, self.interface)):
            if not _is_ipv4(host):
                raise DiscoverySettingsError(f"{host!r} is no IPv4 address")
        if not self.is_broadcast and not ipaddress.ip_address(self.group or "0.0.0.0").is_multicast:
            raise DiscoverySettingsError(f"{self.group!r} is no multicast group")

    @property
    def destination(self) -> Address:
        """Return where calls are sent; the group is the default's when only broadcasting has been asked for."""
        if self.is_broadcast and (not self.group or ipaddress.ip_address(self.group).is_multicast):
            return LIMITED_BROADCAST, self.port
        return self.group, self.port


def time_of_day_ms() -> int:
    """Return the time that other machines know, too."""
    return time.time_ns() // 1_000_000


class Multicast:
    """Calls and listens while ``run`` runs."""

    name = "multicast"

    def __init__(
        self,
        network: Network,
        beacon: Beacon,
        chance: random.Random,
        now_ms: Callable[[], int] = time_of_day_ms,
    ) -> None:
        self._network = network
        self._beacon = beacon
        self._chance = chance
        self._now_ms = now_ms
        self._me: Announcement | None = None
        self._socket: trio.socket.SocketType | None = None
        self._trouble = ""
        self._heard: dict[str, tuple[str, float]] = {}  # id -> where its bus is, and when to forget it
        self._has_newcomers = trio.Event()
        self._told: set[Reason] = set()

    async def peers(self) -> Sequence[str]:
        if self._trouble:
            raise SourceError(self._trouble)
        now = trio.current_time()
        self._heard = {peer: heard for peer, heard in self._heard.items() if heard[1] > now}
        return [bus for bus, _ in self._heard.values()]

    async def register(self, me: Announcement) -> None:
        is_first = self._me is None
        self._me = me
        if is_first:
            await self._call(Kind.HERE)

    async def deregister(self, me: Announcement) -> None:
        await self._call(Kind.GONE)
        self._me = None

    async def run(self) -> None:
        while True:
            try:
                self._socket = await _opened(self._network)
                self._trouble = ""
                with self._socket:
                    await self._converse(self._socket)
            except OSError as error:
                self._trouble = self._cannot("listen", error)
            finally:
                self._socket = None
            await trio.sleep(REOPEN_S)

    async def _converse(self, sock: trio.socket.SocketType) -> None:
        """Call and listen until the socket fails."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._call_for_ever)
            nursery.start_soon(self._greet_newcomers)
            try:
                await self._listen(sock)
            except OSError as error:  # caught here, because a nursery would hand it on in a group
                self._trouble = self._cannot("listen", error)
            nursery.cancel_scope.cancel()

    async def _listen(self, sock: trio.socket.SocketType) -> None:
        in_a_row = 0
        while True:
            # One byte more than is good, or a longer one would pass for one of the right length.
            datagram, source = await sock.recvfrom(MOST_BYTES + 1)
            try:
                self._take(self._beacon.open(datagram, self._now_ms()), str(source[0]))
            except RefusedCallError as error:
                self._tell_once(error.reason, str(source[0]))
            in_a_row = (in_a_row + 1) % IN_A_ROW
            if not in_a_row:
                await trio.sleep(REST_S)

    def _take(self, call: Call, source: str) -> None:
        if self._me is not None and call.who.id == self._me.id:
            return
        if call.kind is Kind.GONE:
            self._heard.pop(call.who.id, None)
            return
        try:
            endpoint = parse_endpoint(call.who.bus)
        except EndpointError:
            return  # signed nonsense is nobody's address
        if is_anywhere(endpoint.host):
            endpoint = Endpoint(source, endpoint.port)
        is_new = call.who.id not in self._heard
        if is_new and len(self._heard) >= MOST_HEARD:
            return
        self._heard[call.who.id] = str(endpoint), trio.current_time() + SILENT_S
        if is_new:
            self._has_newcomers.set()

    async def _call_for_ever(self) -> None:
        while True:
            await self._call(Kind.HERE)
            await trio.sleep(CALL_S * self._chance.uniform(1 - JITTER, 1 + JITTER))

    async def _greet_newcomers(self) -> None:
        while True:
            await self._has_newcomers.wait()
            # At once, but not all of us at the same instant.
            await trio.sleep(ANSWER_S * self._chance.uniform(0, 0.2))
            self._has_newcomers = trio.Event()
            await self._call(Kind.HERE)
            await trio.sleep(ANSWER_S)

    async def _call(self, kind: Kind) -> None:
        """Call, if there is somebody to speak for and something to speak into."""
        if self._me is None or self._socket is None:
            return
        datagram = self._beacon.seal(
            kind, self._me, self._now_ms(), self._chance.getrandbits(8 * NONCE_BYTES).to_bytes(NONCE_BYTES)
        )
        try:
            await self._socket.sendto(datagram, self._network.destination)
        except OSError as error:
            self._trouble = self._cannot("call", error)
        else:
            self._trouble = ""

    def _cannot(self, what: str, error: OSError) -> str:
        host, port = self._network.destination
        return f"cannot {what} on {host}:{port}: {error.strerror or error}"

    def _tell_once(self, reason: Reason, source: str) -> None:
        if reason in TOLD and reason not in self._told:
            self._told.add(reason)
            log.warning("discovery multicast hears calls from %s that it refuses: %s", source, reason.value)


async def _opened(network: Network) -> trio.socket.SocketType:
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform != "linux":  # where REUSEADDR alone does not let several nodes of a machine listen
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if network.is_broadcast:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            await sock.bind(("", network.port))
        else:
            _join_group(sock, network)
            # Bound to the group, it does not hear what is sent to this port otherwise.
            await sock.bind((network.group, network.port))
    except BaseException:
        sock.close()
        raise
    return sock


def _join_group(sock: trio.socket.SocketType, network: Network) -> None:
    interface = socket.inet_aton(network.interface or "0.0.0.0")
    if network.interface:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, struct.pack("B", network.ttl))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)  # peers on this machine
    membership = socket.inet_aton(network.group) + interface
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
