"""Keeping lanes open to every other member: connects, hands the socket to the reactor, and connects again.

A refused connection is news for membership: nothing listens there any more.
"""

import logging
import random
import secrets
import socket
import struct
from collections.abc import Callable
from typing import Final

import trio

from ..keyspace.clock import Clock
from .bus.lane import Lane
from .hub import Hub
from .membership.member import Member
from .security.links import Link

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0
"""A member that is alive for gossip and not for TCP is tried twice a second to once in two: it may be starting."""

HANDSHAKE_S: Final = 5.0
"""For connecting, and again for the greeting: several round trips of the longest lines, and a busy peer."""

Attach = Callable[[socket.socket, Callable[[Callable[[], None]], Lane]], Lane]
"""Puts a connected socket into the reactor; the function gets what wakes the connection, and returns it."""


AT_ONCE: Final = struct.pack("ii", 1, 0)
"""What a closed connection has not delivered is thrown away. It has been sent elsewhere, and a command that the kernel
delivers when a split heals, seconds later, would be the newest of all and undo what was written meanwhile."""


SILENT_MS: Final = 3000
"""For so long what was sent may go unacknowledged by the other machine before its connection is given up: three times
what a command waits. The kernel would try again in ever longer intervals, up to two minutes, after a split has healed."""

SIGN_OF_LIFE_S: Final = 10
"""An end that hears and sends nothing for so long asks the other whether it is still there, and asks again ..."""

AGAIN_S: Final = 2
"""... after so long, until ``SILENT_MS`` are over: a split leaves no connections behind of which only one end knows."""

_SILENCE: Final = {"TCP_USER_TIMEOUT": SILENT_MS, "TCP_KEEPIDLE": SIGN_OF_LIFE_S, "TCP_KEEPINTVL": AGAIN_S}


def bound_silence(sock: socket.socket) -> None:
    """Let a connection between nodes end when the other machine has not been heard of for a while, where that can be asked for.

    The accepting end may have nothing to send, and so nothing that could go unacknowledged: it asks for a sign of life.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SILENCE.items():
        option = getattr(socket, name, None)  # all of them on Linux
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


class Dialer:
    """Connects this node to the others."""

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        attach: Attach,
        *,
        new_link: Callable[[bytes, bytes], Link],
        lanes: int,
        chance: random.Random,
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._attach = attach
        self._new_link = new_link
        self._lanes = lanes
        self._chance = chance
        self._scopes: dict[bytes, trio.CancelScope] = {}
        self._nursery: trio.Nursery | None = None
        hub.on_members = self._follow

    async def run(self) -> None:
        """Keep connections until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                self._follow()
                await trio.sleep_forever()
            finally:
                self._nursery = None  # there may be news of members still, sooner than the end of the nursery is known here

    def _follow(self) -> None:
        """Begin to dial who is new, and end with who is gone."""
        if self._nursery is None:
            return
        members = {member.id: member for member in self._hub.others}
        for id_, scope in list(self._scopes.items()):
            if id_ not in members:
                scope.cancel()
                del self._scopes[id_]
        for id_, member in members.items():
            if id_ not in self._scopes:
                self._scopes[id_] = trio.CancelScope()
                self._nursery.start_soon(self._keep, member, self._scopes[id_])

    async def _keep(self, member: Member, scope: trio.CancelScope) -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                for index in range(self._lanes):
                    nursery.start_soon(self._keep_lane, member.id, index)

    async def _keep_lane(self, id: bytes, index: int) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            member = self._hub.swim.members.get(id)
            if member is None:
                return
            sock = await self._connect(member)
            if sock is not None and await self._serve(sock, member, index):
                pause_s = FIRST_PAUSE_S
            await trio.sleep(pause_s * self._chance.uniform(0.8, 1.2))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _connect(self, member: Member) -> socket.socket | None:
        host, port = member.address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = trio.socket.socket(family, socket.SOCK_STREAM)
        try:
            with trio.move_on_after(HANDSHAKE_S):
                await sock.connect((host, port))
                connected = socket.socket(fileno=sock.detach())
                connected.setblocking(False)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                bound_silence(connected)
                return connected
        except ConnectionRefusedError:
            self._hub.act(self._hub.swim.connection_refused(self._hub.now_s(), member.id))
        except OSError as error:
            log.debug("no lane to %s:%d: %s", host, port, error)
        sock.close()
        return None

    async def _serve(self, sock: socket.socket, member: Member, index: int) -> bool:
        """Let the reactor have the connection until it ends; say whether the peer was who we meant."""
        ended = trio.Event()
        address = f"{member.address[0]}:{member.address[1]}"
        link = self._new_link(secrets.token_bytes(32), member.id)
        channel = self._hub.directory.add_node(member.id).channels[index]

        def make(wake: Callable[[], None]) -> Lane:
            return Lane(link, self._clock, wake, address, channel=channel, keeper=self._hub, index=index)

        lane = self._attach(sock, make)
        lane.on_ended = ended.set
        lane.start()
        try:
            with trio.move_on_after(HANDSHAKE_S) as patience:
                while not lane.was_established and not ended.is_set():  # noqa: ASYNC110  # once per connection
                    await trio.sleep(0.005)
            if not patience.cancelled_caught:
                await ended.wait()
        finally:
            lane.hang_up()
        if link.error is not None:
            self._hub.complaints.tell(f"node {address}: {link.error}")
        return lane.was_established
