"""``respcache serve``: opens sockets, starts the tasks, and stops them in order.

The order of starting: settings, parts, sockets, sinks, tasks; only then the
server is announced. The order of stopping: no new clients, answers to those
who are here, owners, sinks, the last event.
"""

import gc
import logging
import random
import secrets
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import trio

from .. import __version__
from ..events.vocabulary import Started, Stopped
from ..keyspace.clock import BatchClock
from ..server.admission import Admission
from ..server.host import ProcessHost
from ..server.housekeeping import Housekeeping, LoopLag
from ..server.listeners import CannotListen, open_tcp_listeners, open_unix_listener
from ..server.pollers import new_poller
from ..server.reactor import Reactor
from ..settings.settings import Settings
from .compose import Composition, compose
from ..sinks.settings import SinkSettingsError
from .reloading import reload_settings
from .sinks import EventSinks

log = logging.getLogger(__name__)


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
        server.listen()
        trio.run(server.main)
    except (CannotListen, SinkSettingsError) as error:
        log.critical("%s", error)
        return 1
    return 0


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
        self._reason = "SHUTDOWN"

    async def main(self) -> None:
        """Start, serve, stop."""
        listeners = self._listeners
        async with trio.open_nursery() as sinks_nursery:
            async with trio.open_nursery() as nursery:
                parts = self._compose(nursery)
                sinks = EventSinks(parts, self._settings)
                sinks.start(sinks_nursery)
                reactor = self._reactor(parts, listeners)
                housekeeping = Housekeeping(parts.node, self._set_clock, self._lag)
                parts.node.controls = housekeeping
                housekeeping.every_sample.append(
                    lambda now_ms: reactor.check_limits(now_ms, self._settings.timeout_seconds * 1000)
                )
                housekeeping.every_sample.append(lambda now_ms: parts.dispatcher.end_pause(now_ms))
                # Awaited: a SIGTERM that comes as soon as we are ready must find us listening to it.
                await nursery.start(self._watch_signals, sinks)
                nursery.start_soon(housekeeping.run)
                nursery.start_soon(reactor.run)
                calm_garbage_collector()
                port = next((s.getsockname()[1] for s in listeners if s.family != socket.AF_UNIX), 0)
                parts.node.bus.publish(Started(self._clock.now_ms, parts.name, __version__))
                self._on_ready(port)
                await self._host.wait_shutdown()
                await self._drain(reactor)
                nursery.cancel_scope.cancel()
            self._set_clock()
            parts.node.bus.publish(Stopped(self._clock.now_ms, parts.name, self._reason))
            await sinks.drain(2.0)
            sinks_nursery.cancel_scope.cancel()
        log.info("stopped: %s", self._reason)

    # -- starting ------------------------------------------------------------

    def listen(self) -> None:
        """Open the sockets; raises CannotListen."""
        settings = self._settings
        listeners = self._listeners
        if settings.port or not settings.unixsocket:
            listeners += open_tcp_listeners(settings.bind, settings.port, settings.tcp_backlog)
        if settings.unixsocket:
            listeners.append(
                open_unix_listener(settings.unixsocket, settings.unixsocketperm, settings.tcp_backlog)
            )

    def _compose(self, nursery: trio.Nursery) -> Composition:
        parts = compose(
            self._settings,
            clock=self._clock,
            chance=random.Random(secrets.randbits(128)),
            host=self._host,
            spawn=nursery.start_soon,
            rest=trio.lowlevel.checkpoint,
            report_sink=lambda sink, error, failures: log.error(
                "event sink %s has failed %d times: %s", sink, failures, error
            ),
        )
        parts.owners.before_turn = self._set_clock
        return parts

    def _reactor(self, parts: Composition, listeners: list[socket.socket]) -> Reactor:
        poller = new_poller()
        if poller is None:
            raise RuntimeError("this platform has neither epoll nor kqueue")
        reactor = Reactor(poller, parts.dispatcher, self._set_clock)
        admission = Admission(self._settings, parts.dispatcher)
        for listener in listeners:
            reactor.add_listener(listener, admission.open_session)
        return reactor

    # -- while serving ---------------------------------------------------------

    def _set_clock(self) -> None:
        self._clock.now_ms = time.time_ns() // 1_000_000

    async def _watch_signals(
        self, sinks: EventSinks, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as received:
            task_status.started()
            async for number in received:
                if number == signal.SIGHUP:
                    sinks.reopen()
                    reload_settings(self._settings, self._read_again)
                    continue
                if self._host.is_stopping:
                    log.warning("%s again: stopping at once", signal.Signals(number).name)
                self._reason = signal.Signals(number).name
                self._host.shut_down(now=self._host.is_stopping)

    async def _drain(self, reactor: Reactor) -> None:
        """Take no new clients, and give the old ones the answers they are owed."""
        reactor.close_listeners()
        with trio.move_on_after(self._settings.shutdown_timeout_seconds):
            while not self._host.is_urgent and not reactor.is_drained():
                await trio.sleep(0.01)


def calm_garbage_collector() -> None:
    """Let Python's cycle collector look at young objects only, and at few at a time.

    Every entry is an object it would look at again and again: by default a full look at a
    million keys takes 100 ms and more, and SET costs 10 % more CPU. Entries form no cycles;
    what little garbage there is in cycles (tracebacks of bugs) dies young or waits long.
    """
    gc.collect()
    gc.freeze()  # modules and tables live as long as we do: no need to look at them ever again
    gc.set_threshold(10_000, 10, 1_000)


def _rewrite(settings: Settings, config_path: Path | None) -> None:
    """CONFIG REWRITE: bring the file up to date, atomically."""
    from .rewriting import rewrite_file  # noqa: PLC0415  # rare, and not worth start-up time

    rewrite_file(settings, config_path)
