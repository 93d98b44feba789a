"""``respcache serve``: opens sockets, starts the tasks, and stops them in order.

The order of starting: settings, parts, sinks, sockets, tasks; only then the
server is announced. The order of stopping: no new clients, answers to those
who are here, owners, the last event, sinks.
"""

import gc
import logging
import random
import secrets
import signal
import socket
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from .. import __version__
from ..commands.client import Ending
from ..events.vocabulary import Started, Stopped
from ..keyspace.clock import BatchClock
from ..owners.owners import Task
from ..server.admission import Admission
from ..server.client_eviction import clients_to_evict
from ..server.host import ProcessHost
from ..server.housekeeping import Housekeeping, LoopLag
from ..server.listeners import CannotListenError, open_tcp_listeners, open_unix_listener
from ..server.pollers import new_poller
from ..server.reactor import Reactor
from ..settings.cluster_rules import is_clustered
from ..settings.settings import Settings
from ..sinks.settings import SinkSettingsError
from .compose import Composition, compose
from .gateway import make_gateway
from .loaders import has_loaders, join_loaders
from .reloading import reload_settings
from .sinks import EventSinks

if TYPE_CHECKING:
    from ..gateway.gateway import Gateway
    from ..loading.loading import Loading
    from ..server.tls_listening import TlsListening
    from .clustering import Clustering  # imported where a cluster is asked for
    from .tls import TlsPorts

log = logging.getLogger(__name__)

LAST_SHARE: Final = 0.2
"""The part of the time to stop that is left for telling clients about what was cancelled."""

LEAST_DRAIN_S: Final = 1.0
"""For changes that wait for a database, even where clients have taken all the time."""

SAME_SIGNAL_S: Final = 1.0
"""A signal that comes again within this is the same request, sent to a whole group of processes."""

SINKS_DRAIN_S: Final = 2.0
"""For the last events: enough for a disk or a receiver that works at all."""


def run(
    settings: Settings,
    *,
    config_path: Path | None = None,
    on_ready: Callable[[int], None] = lambda port: None,
    read_again: Callable[[], Settings] | None = None,
) -> int:
    """Serve until stopped; return the exit code.

    ``on_ready`` is told the TCP port once clients can connect; ``read_again`` gives the
    settings as they are written now, for SIGHUP.
    """
    server = Server(settings, config_path, on_ready, read_again or (lambda: settings))
    try:
        server.prepare()
    except (CannotListenError, SinkSettingsError, CannotStartError) as error:
        log.critical("%s", error)
        return 1
    trio.run(server.main)
    return 0


class CannotStartError(Exception):
    """The settings ask for something that cannot be had; the text says what."""


class Server:
    """One run of the server."""

    def __init__(
        self,
        settings: Settings,
        config_path: Path | None,
        on_ready: Callable[[int], None],
        read_again: Callable[[], Settings],
    ) -> None:
        self._settings = settings
        self._on_ready = on_ready
        self._read_again = read_again
        self._clock = BatchClock()
        self._set_clock()
        self._lag = LoopLag()
        self._host = ProcessHost(self._lag, config_path, lambda: _rewrite(settings, config_path))
        self._listeners: list[socket.socket] = []
        self._cluster_listeners: list[socket.socket] = []
        self._owners: trio.Nursery | None = None
        self._parts = compose(
            settings,
            clock=self._clock,
            chance=random.Random(secrets.randbits(128)),
            host=self._host,
            spawn=self._spawn,
            rest=trio.lowlevel.checkpoint,
            report_sink=lambda sink, error, failures: log.error(
                "event sink %s has failed %d times: %s", sink, failures, error
            ),
        )
        self._parts.owners.before_turn = self._set_clock
        self._clustering: Clustering | None = None
        self._loading: Loading | None = None
        self._gateway: Gateway | None = None
        self._http_listeners: list[socket.socket] = []
        self._tls: TlsPorts | None = None
        self._reason = "SHUTDOWN"

    # -- starting ------------------------------------------------------------

    def prepare(self) -> None:
        """Make sinks and loaders and open the sockets; raises SinkSettingsError, CannotListenError or CannotStartError."""
        settings = self._settings
        self._sinks = EventSinks(self._parts, settings)
        if has_loaders(settings):
            self._prepare_loaders()
        if settings.tls_port or settings.http_tls_port:
            self._prepare_tls()
        if settings.port or not (settings.unixsocket or settings.tls_port):
            self._listeners += open_tcp_listeners(
                settings.bind, settings.port, settings.tcp_backlog, is_shared=settings.reuse_port
            )
        if settings.unixsocket:
            self._listeners.append(
                open_unix_listener(settings.unixsocket, settings.unixsocketperm, settings.tcp_backlog)
            )
        if is_clustered(settings):
            self._prepare_cluster()
        if settings.http_port or settings.http_tls_port:
            self._prepare_gateway()

    def _prepare_tls(self) -> None:
        from ..server.tls_context import TlsError  # noqa: PLC0415  # not for a server without it
        from .tls import TlsPorts  # noqa: PLC0415

        try:
            self._tls = TlsPorts(self._settings)
        except TlsError as error:
            raise CannotStartError(str(error)) from None

    def _prepare_gateway(self) -> None:
        settings = self._settings
        try:
            self._gateway = make_gateway(settings, self._parts, lambda: self._host.is_stopping)
        except ImportError as error:
            raise CannotStartError(f"HTTP needs the extra respcache[http]: {error}") from error
        if settings.http_port:
            self._http_listeners = open_tcp_listeners(
                settings.bind, settings.http_port, settings.tcp_backlog, is_shared=settings.reuse_port
            )

    def _prepare_loaders(self) -> None:
        from ..loading.options import LoaderSettingsError  # noqa: PLC0415  # not for a server without one

        try:
            self._loading = join_loaders(self._settings, self._parts, self._set_clock)
        except LoaderSettingsError as error:
            raise CannotStartError(str(error)) from error

    def _prepare_cluster(self) -> None:
        from .clustering import Clustering, ClusteringError  # noqa: PLC0415  # not for a server that is alone

        settings = self._settings
        if settings.cluster_port:
            self._cluster_listeners = open_tcp_listeners(
                settings.bind, settings.cluster_port, settings.tcp_backlog
            )
        chance = random.Random(secrets.randbits(128))
        try:
            self._clustering = Clustering(settings, self._parts, self._lag, chance)
        except ClusteringError as error:
            raise CannotStartError(str(error)) from error

    async def main(self) -> None:
        """Serve until asked to stop, and tell the sinks of the end."""
        async with trio.open_nursery() as nursery:
            # Awaited: a SIGTERM that comes as soon as we are ready must find us listening to it. Until the end: a second
            # one must not kill us while sinks still tell of the first.
            await nursery.start(self._watch_signals)
            self._sinks.start(nursery)
            await self._serve()
            self._set_clock()
            self._parts.node.bus.publish(Stopped(self._clock.now_ms, self._parts.name, self._reason))
            await self._sinks.drain(SINKS_DRAIN_S)
            nursery.cancel_scope.cancel()
        log.info("stopped: %s", self._reason)

    async def _serve(self) -> None:
        reactor = self._reactor(self._parts, self._listeners)
        housekeeping = self._housekeeping(reactor)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(housekeeping.run)
            nursery.start_soon(reactor.run)
            tls = self._tls_listening(reactor)
            if tls is not None:
                nursery.start_soon(tls.run)
            if self._gateway is not None:
                nursery.start_soon(self._gateway.run)
            async with trio.open_nursery() as self._owners:
                if self._clustering is not None:
                    self._clustering.join(self._client_port(), _port_of(self._cluster_listeners))
                    self._join_writers(self._clustering)
                    await nursery.start(self._clustering.run, reactor)
                if self._loading is not None:
                    self._owners.start_soon(self._loading.run)
                calm_garbage_collector()
                self._announce()
                await self._host.wait_shutdown()
                timeout_s = self._settings.shutdown_timeout_seconds
                until_s = trio.current_time() + timeout_s
                if self._clustering is not None and not self._host.is_urgent:
                    await self._clustering.leave()
                reactor.close_listeners()
                if tls is not None:
                    tls.close_listeners()
                self._dismiss_clients()
                await self._wait_answered(reactor, timeout_s * (1 - LAST_SHARE))
                await self._drain_loaders(until_s)
                # While the reactor still runs, so that whoever waits for a busy key hears why it waits no longer.
                self._owners.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    await self._wait_answered(reactor, min(timeout_s * LAST_SHARE, 1.0))
            nursery.cancel_scope.cancel()
        if self._clustering is not None:
            self._clustering.close()

    def _announce(self) -> None:
        self._parts.node.bus.publish(Started(self._clock.now_ms, self._parts.name, __version__))
        self._on_ready(_port_of(self._listeners))

    def _client_port(self) -> int:
        """Return where clients find this node, for its peers to know; 0 if it listens on a path only."""
        return _port_of(self._listeners) or (_port_of(self._tls.listeners) if self._tls else 0)

    def _spawn(self, task: Task) -> None:
        """Start an owner's task. Commands come from clients, so the nursery is open when they need it."""
        assert self._owners is not None
        self._owners.start_soon(task)

    def _housekeeping(self, reactor: Reactor) -> Housekeeping:
        parts = self._parts
        housekeeping = Housekeeping(parts.node, self._set_clock, self._lag)

        def watch(look: Callable[[], None] | None) -> None:
            reactor.on_turn = look

        housekeeping.watch = watch
        if self._gateway is not None:
            housekeeping.every_sample.append(self._gateway.look_after)
        housekeeping.every_sample += [
            lambda now_ms: self._look_after_clients(reactor, now_ms),
            parts.dispatcher.end_pause,
        ]
        if self._clustering is not None:
            housekeeping.every_sample.append(self._clustering.beat)
        parts.node.controls = housekeeping
        return housekeeping

    def _reactor(self, parts: Composition, listeners: list[socket.socket]) -> Reactor:
        poller = new_poller()
        if poller is None:
            raise RuntimeError("this platform has neither epoll nor kqueue")
        reactor = Reactor(poller, parts.dispatcher, self._begin_turn, clock=self._clock)
        admission = Admission(self._settings, parts.dispatcher)
        for listener in listeners:
            reactor.add_listener(listener, admission.open_session)
        if self._gateway is not None:
            for listener in self._http_listeners:
                reactor.add_listener(listener, self._gateway.open_session)
        for listener in self._cluster_listeners:
            reactor.add_listener(listener, admission.open_redirected_session)
        return reactor

    def _tls_listening(self, reactor: Reactor) -> "TlsListening | None":
        if self._tls is None:
            return None
        open_session = Admission(self._settings, self._parts.dispatcher).open_session
        open_http_session = self._gateway.open_session if self._gateway is not None else None
        return self._tls.listening(reactor, open_session, open_http_session)

    # -- while serving ---------------------------------------------------------

    def _set_clock(self) -> None:
        self._clock.now_ms = time.time_ns() // 1_000_000

    def _begin_turn(self) -> None:
        self._set_clock()
        if self._clustering is not None and self._clustering.has_joined:
            self._clustering.note_turn()
        if self._gateway is not None:
            self._gateway.begin_turn()

    async def _watch_signals(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
            task_status.started()
            asked_s = -SAME_SIGNAL_S
            async for number in received:
                if number == signal.SIGHUP:
                    self._sinks.reopen()
                    reload_settings(self._settings, self._read_again)
                    if self._tls is not None:
                        self._tls.reload()
                    continue
                now_s = trio.current_time()
                is_repeated = self._host.is_stopping and now_s - asked_s < SAME_SIGNAL_S
                if is_repeated and self._settings.reuse_port:
                    continue  # who signals a whole group reaches a worker twice: so, and through its supervisor
                asked_s = now_s
                if self._host.is_stopping:
                    log.warning("%s again: stopping at once", signal.Signals(number).name)
                self._reason = signal.Signals(number).name
                self._host.shut_down(now=self._host.is_stopping)

    def _look_after_clients(self, reactor: Reactor, now_ms: int) -> None:
        """Let go whoever is idle, or holds too much, for too long."""
        settings, node = self._settings, self._parts.node
        reactor.check_limits(now_ms, settings.timeout_seconds * 1000)
        limit_bytes = settings.maxmemory_clients.limit_bytes(settings.maxmemory_bytes)
        everybody = chain(node.clients, () if self._gateway is None else self._gateway.clients)
        for client in clients_to_evict(everybody, limit_bytes):
            log.warning("client %d (%s) closed: maxmemory-clients is reached", client.id, client.address)
            node.statistics.evicted_clients += 1
            client.connection.end(Ending.AT_ONCE)

    def _dismiss_clients(self) -> None:
        """Let every client go with the answers that it is owed; what comes from now on is not run: it might not be answered."""
        for client in list(self._parts.node.clients):
            client.connection.dismiss()
        if self._gateway is not None:
            self._gateway.dismiss()

    async def _wait_answered(self, reactor: Reactor, timeout_s: float) -> None:
        """Wait until every client has the answers it is owed, unless that takes too long or nobody has the time."""
        with trio.move_on_after(timeout_s):
            while not self._host.is_urgent and not reactor.is_drained():  # noqa: ASYNC110  # an event would cost every reply a test
                await trio.sleep(0.01)

    def _join_writers(self, clustering: "Clustering") -> None:
        if self._loading is not None and self._loading.writers:
            from .inheriting import join_writers  # noqa: PLC0415  # not for a server that is alone

            join_writers(self._loading, clustering.hub)

    async def _drain_loaders(self, until_s: float) -> None:
        """Let loaders write what waits to be written, in what is left of the time."""
        if self._loading is not None and not self._host.is_urgent:
            await self._loading.drain(max(until_s - trio.current_time(), LEAST_DRAIN_S))


def _port_of(listeners: Sequence[socket.socket]) -> int:
    return next((one.getsockname()[1] for one in listeners if one.family != socket.AF_UNIX), 0)


def calm_garbage_collector() -> None:
    """Let Python's cycle collector look at young objects only, and at few at a time.

    Every entry is an object it would look at again and again: by default a full look at a
    million keys takes 100 ms and more, and SET costs 10 % more CPU. Entries form no cycles;
    what little garbage there is in cycles (tracebacks of bugs) dies young or waits long.
    """
    # Modules and tables live as long as we do: no need to look at them ever again. Nor even once: among 40,000
    # objects that takes 15 ms, a fifteenth of a node's start, and finds 1,500 to drop.
    gc.freeze()
    gc.set_threshold(10_000, 10, 1_000)
    gc.enable()  # off since the process began


def _rewrite(settings: Settings, config_path: Path | None) -> None:
    """CONFIG REWRITE: bring the file up to date, atomically."""
    from .rewriting import rewrite_file  # noqa: PLC0415  # rare, and not worth start-up time

    rewrite_file(settings, config_path)
