"""A node's part in a cluster, from the settings: sockets, the hub, and the tasks that keep it in touch.

The order of starting: sockets, hub, then (once the reactor runs) gossip, lanes, discovery; the node says that it is
ACTIVE when it has met the others, or has looked for them long enough. The order of stopping: LEAVING and
LEFT are told first, while everything still runs.
"""

import logging
import random
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trio

from ..cluster.bus.inlet import Inlet
from ..cluster.bus.lane import Lane
from ..cluster.dialing import Dialer, bound_silence
from ..cluster.discovery.assembly import discoveries
from ..cluster.discovery.polling import deregister, poll
from ..cluster.discovery.protocol import Announcement, DiscoverySettingsError
from ..cluster.gossip import Gossip
from ..cluster.hub import Hub, Options
from ..cluster.membership.member import Address, Meta, Phase
from ..cluster.membership.profiles import PROFILES
from ..cluster.pace import Pace
from ..cluster.security.ciphers import MissingLibraryError
from ..cluster.security.keyring import Keyring
from ..cluster.security.links import Link
from ..cluster.security.packets import PacketCodec
from ..cluster.security.tunnel import node_context
from ..cluster.ticking import Ticking
from ..cluster.view import View
from ..server.housekeeping import LoopLag
from ..server.listeners import CannotListenError, address_of, open_tcp_listeners
from ..server.reactor import Reactor
from ..settings.cluster_rules import bus_hosts, bus_port
from ..settings.settings import Settings
from ..settings.word_lists import join_address
from .compose import Composition
from .machine import machine_identity, outward_host

log = logging.getLogger(__name__)

LAG_PERIOD_S: Final = 5.0
"""Between looks at the loop's lag, so that a bad moment is no news."""

ALONE_S: Final = 2.0
"""A node that was told of others and finds none serves alone after this; they find each other later all the same."""

LEAVE_S: Final = 2.0
"""For the news of our leaving to go round: some ten periods of gossip."""

SECRET_LENGTH: Final = 16
"""A phrase with blanks counts as several secrets, each of which opens: this tells who did not know."""

FAREWELL_S: Final = 0.5
"""For clients of the cluster port to be told (MOVED) where keys live now, before their connections end."""

GREETING_S: Final = 5.0
"""For a peer that has connected to say who it is: several round trips of the longest lines."""

STRANGERS: Final = 256
"""Connections that may be about to: ten nodes that start at once open some twenty each."""

STILL_S: Final = 0.5
"""A process that has not served anybody for so long asks the others before it does: half of what the quickest of
them needs to declare it dead. Housekeeping wakes it every 100 ms at least, so nothing else looks like it."""

WILDCARDS: Final = ("0.0.0.0", "::")


class ClusteringError(Exception):
    """The settings of the cluster ask for something that cannot be had; the text says what."""


class Clustering:
    """Everything that a member of a cluster has beside a single server."""

    def __init__(self, settings: Settings, parts: Composition, lag: LoopLag, chance: random.Random) -> None:
        self._settings = settings
        self._parts = parts
        self._lag = lag
        self._chance = chance
        try:
            self._keyring = Keyring(settings.cluster_secrets)
            self._discoveries = discoveries(settings)
            self._contexts = self._tls_contexts()
        except (MissingLibraryError, DiscoverySettingsError) as error:
            raise ClusteringError(str(error)) from error
        if any(len(secret) < SECRET_LENGTH for secret in settings.cluster_secrets):
            log.warning(
                "a word of cluster-secret is shorter than %d characters: can it be guessed?", SECRET_LENGTH
            )
        self.id = secrets.token_bytes(20)
        self.listeners = self._open_sockets()
        self._host = settings.cluster_announce_host or self._own_host()
        self._bus_host = self._numeric(self._host)
        self._turned_s = time.monotonic()
        self._has_joined = False
        self._greeting: dict[Inlet, float] = {}
        """Connections whose peers have not said yet who they are, and until when they may."""

    # -- starting ------------------------------------------------------------------

    def _open_sockets(self) -> list[socket.socket]:
        settings = self._settings
        listeners = open_tcp_listeners(bus_hosts(settings), bus_port(settings), settings.tcp_backlog)
        self.datagrams: list[socket.socket] = []
        try:
            for listener in listeners:
                sock = socket.socket(listener.family, socket.SOCK_DGRAM)
                self.datagrams.append(sock)
                sock.setblocking(False)
                if listener.family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(listener.getsockname())
        except OSError as error:
            host, port = listener.getsockname()[:2]
            for sock in [*listeners, *self.datagrams]:
                sock.close()
            raise CannotListenError(
                f"cannot listen on {host}:{port} (UDP): {error.strerror or error}"
            ) from error
        return listeners

    def _tls_contexts(self) -> dict[str, ssl.SSLContext | None]:
        settings = self._settings
        if not settings.cluster_tls_cert_file:
            return {"dial": None, "accept": None}
        files = (settings.cluster_tls_cert_file, settings.cluster_tls_key_file, settings.cluster_tls_ca_file)
        certificate, key, authority = map(Path, files)
        try:
            return {
                "dial": node_context("dial", certificate, key, authority),
                "accept": node_context("accept", certificate, key, authority),
            }
        except OSError as error:
            raise ClusteringError(f"cluster-tls files {', '.join(files)}: {error}") from error

    def join(self, client_port: int, cluster_port: int) -> None:
        """Make the hub, once the client ports are known, and let commands be routed by it."""
        settings, node = self._settings, self._parts.node
        meta = self._meta(client_port, cluster_port)
        self.hub = Hub(
            node,
            self._parts.dispatcher,
            id=self.id,
            address=(self._bus_host, meta.bus_port),
            meta=meta,
            profile=PROFILES[settings.cluster_profile],
            options=self._options(),
            chance=self._chance,
            now_s=trio.current_time,
            loop_lag_s=lambda: self._lag.last_ms / 1000,
        )
        node.router = self.hub.router
        node.cluster = View(self.hub, settings.cluster_name)
        self._parts.dispatcher.also_release.append(self.hub.runner.release)
        self._parts.dispatcher.reroute()
        codec = PacketCodec(settings.cluster_name, self._keyring, self.id, self._chance)
        self._gossip = Gossip(
            self.hub,
            codec,
            self.datagrams,
            lambda nonce: self._link("dial", nonce),
            PROFILES[settings.cluster_profile].probe_period_s * 4,
        )
        self._ticking = Ticking(Pace(self.hub), self._tick)
        self._lag_told_s = trio.current_time()
        self._has_joined = True
        settings.on_change(Settings.cluster_secrets, lambda texts: self._rekey(texts, codec))
        settings.on_change(Settings.cluster_replication_ack, self._acknowledge)
        settings.on_change(Settings.cluster_transfer_rate_bytes, self._limit_transfers)
        self._announcement = Announcement(
            id=self.id.hex(),
            bus=join_address(*self.hub.swim.me.address),
            name=meta.name,
            cluster=settings.cluster_name,
        )

    def _options(self) -> Options:
        settings = self._settings
        return Options(
            settings.cluster_copies,
            settings.cluster_lanes,
            settings.cluster_forward_timeout_ms / 1000,
            is_synchronous=settings.cluster_replication_ack == "sync",
            transfer_bytes_s=settings.cluster_transfer_rate_bytes,
            is_strict=settings.cluster_mode == "strict",
            min_members=settings.cluster_min_members,
        )

    def _meta(self, client_port: int, cluster_port: int) -> Meta:
        settings = self._settings
        port = settings.cluster_announce_port or client_port
        return Meta(
            name=join_address(self._host, port),
            host=self._host,
            client_port=port,
            cluster_port=settings.cluster_announce_cluster_port or cluster_port,
            bus_port=settings.cluster_announce_bus_port or self.listeners[0].getsockname()[1],
            http_port=0,
            machine=settings.cluster_machine or machine_identity(),
            zone=settings.cluster_zone,
            weight=settings.cluster_weight,
            phase=Phase.JOINING,
            versions=(1, 1),
            loop_lag_ms=0,
        )

    def _own_host(self) -> str:
        host = str(self.listeners[0].getsockname()[0])
        return host if host not in WILDCARDS else outward_host(self.listeners[0].family)

    def _numeric(self, host: str) -> str:
        """Return the address of a host, as gossip needs it."""
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            for sock in [*self.listeners, *self.datagrams]:
                sock.close()
            raise ClusteringError(f"cluster-announce-host {host}: {error.strerror or error}") from error
        families = [sock.family for sock in self.datagrams]
        usable = [one for one in found if one[0] in families] or found
        return str(usable[0][4][0])

    def _link(self, role: str, nonce: bytes, expected_id: bytes | None = None) -> Link:
        return Link(
            "dial" if role == "dial" else "accept",
            self._settings.cluster_name,
            self._keyring,
            self.id,
            nonce,
            expected_id=expected_id,
            tls=self._contexts[role],
        )

    def _acknowledge(self, when: str) -> None:
        self.hub.replication.holds.is_sync = when == "sync"

    def _limit_transfers(self, bytes_s: int) -> None:
        self.hub.replication.syncing.rate_bytes_s = bytes_s

    def _rekey(self, texts: tuple[str, ...], codec: PacketCodec) -> None:
        self._keyring = Keyring(texts)
        codec.rekey(self._keyring)

    # -- running -------------------------------------------------------------------

    async def run(
        self, reactor: Reactor, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Take part until cancelled; started once this node may serve."""
        for listener in self.listeners:
            reactor.add_listener(listener, self._accept)
        dialer = Dialer(
            self.hub,
            self._parts.node.clock,
            lambda sock, make: _attach(reactor, sock, make),
            new_link=lambda nonce, expected: self._link("dial", nonce, expected),
            lanes=self._settings.cluster_lanes,
            chance=self._chance,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._gossip.run)
            nursery.start_soon(dialer.run)
            nursery.start_soon(self._ticking.run)
            nursery.start_soon(self._discover)
            await self._wait_for_others()
            self.hub.set_phase(Phase.ACTIVE)
            log.info("active", extra={"members": len(self.hub.others) + 1, "id": self.id.hex()})
            task_status.started()

    async def leave(self) -> None:
        """Give away what is served here, tell the others that we go, and give the news its time."""
        await deregister(self._discoveries, self._announcement)
        if not self.hub.others:
            return
        self.hub.set_phase(Phase.LEAVING)
        with trio.move_on_after(self._settings.cluster_leave_timeout_seconds) as limit:
            while not self.hub.has_given_all:  # noqa: ASYNC110  # once in a lifetime
                await trio.sleep(0.01)
        if limit.cancelled_caught:
            log.warning(
                "going although not everything could be given away",
                extra={"partitions": len(self.hub.replication.serving.served)},
            )
        with trio.move_on_after(LEAVE_S):
            while self.hub.directory.has_rooms:  # noqa: ASYNC110  # once in a lifetime
                await trio.sleep(0.01)
            self.hub.act(self.hub.swim.leave(trio.current_time()))
            while not self.hub.swim.has_left:  # noqa: ASYNC110  # once in a lifetime
                await trio.sleep(0.01)
        if self._settings.cluster_port:
            await trio.sleep(FAREWELL_S)

    @property
    def has_joined(self) -> bool:
        """Whether there is a hub."""
        return self._has_joined

    def note_turn(self) -> None:
        """Doubt what is served here if this process stood still: others may have taken over."""
        now_s = time.monotonic()
        if now_s - self._turned_s > STILL_S and self.hub.others:
            log.warning("stood still", extra={"seconds": round(now_s - self._turned_s, 3)})
            self.hub.replication.doubt(was_dead=False)
        self._turned_s = now_s
        self.hub.mandating.look()

    def close(self) -> None:
        """Close what the reactor does not."""
        for sock in self.datagrams:
            sock.close()

    def _accept(self, sock: socket.socket, wake: Callable[[], None]) -> Inlet | None:
        if len(self._greeting) >= STRANGERS:
            self.hub.complaints.tell("too many connections to the bus that do not say who they are")
            return None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound_silence(sock)
        inlet = Inlet(
            self._link("accept", secrets.token_bytes(32)),
            self._parts.node.clock,
            wake,
            address_of(sock).address,
            runner=self.hub.runner,
            territory=self.hub,
        )
        inlet.on_ended = lambda: self._explain(inlet)
        inlet.start()
        self._greeting[inlet] = trio.current_time() + GREETING_S
        return inlet

    def _end_silent(self) -> None:
        """Hang up on who has connected and does not say who it is."""
        for inlet, until_s in list(self._greeting.items()):
            if inlet.was_established:
                del self._greeting[inlet]
            elif trio.current_time() > until_s:
                inlet.hang_up()

    def _explain(self, inlet: Inlet) -> None:
        self._greeting.pop(inlet, None)
        if inlet.link.error is not None:
            host = inlet.client.address.rpartition(":")[0]
            self.hub.complaints.tell(f"connection from {host}: {inlet.link.error}")

    def beat(self, now_ms: int) -> None:
        """Tick with whoever has woken this process up anyway; called every 100 ms."""
        if self._has_joined:
            self._ticking.beat()

    def _tick(self) -> None:
        self.hub.tick()
        self._end_silent()
        now_s = trio.current_time()
        if now_s - self._lag_told_s >= LAG_PERIOD_S:
            self._lag_told_s = now_s
            self.hub.tell_lag(self._lag.last_ms)

    async def _discover(self) -> None:
        def found(addresses: list[Address]) -> None:
            own = self.hub.swim.me.address
            others = [address for address in addresses if address != own]
            self.hub.act(self.hub.swim.join(trio.current_time(), others))

        await poll(
            self._discoveries,
            self._announcement,
            found,
            period_s=self._settings.cluster_discovery_period_seconds,
            chance=self._chance,
        )

    async def _wait_for_others(self) -> None:
        """Wait until another member is known, unless there is nobody to look for or nobody comes."""
        settings = self._settings
        if settings.cluster_discovery == ("static",) and not settings.cluster_seeds:
            return
        with trio.move_on_after(ALONE_S):
            while not self.hub.others:  # noqa: ASYNC110  # once, at the start
                await trio.sleep(0.01)


def _attach(reactor: Reactor, sock: socket.socket, make: Callable[[Callable[[], None]], Lane]) -> Lane:
    made: list[Lane] = []

    def open_lane(sock: socket.socket, wake: Callable[[], None]) -> Lane:
        made.append(make(wake))
        return made[0]

    reactor.attach(sock, open_lane)
    return made[0]
