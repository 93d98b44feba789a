"""The reactor: one trio task that serves every client, be it of TCP, TLS or a Unix socket.

A task per connection costs 20 to 24 us per unpipelined request, two thirds of
it for waking the task and for two more system calls. So all sockets stand in a
poller of our own, and one task waits for the poller. When it wakes it serves
every ready connection in one go: receive, run, send. trio gets its turn as soon
as it has anything to do, so timers, owners and cancellation are never starved.

Fairness: a connection runs at most one turn's worth of commands (see
``session.py``), and whoever has more is served again after everybody else.
Back-pressure: what a socket does not take is kept, the session reads nothing
more until it has drained, and above its class's limit the client is closed.
"""

import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Final

import trio

from .._speedups import HotPath, waker
from ..commands.client import Ending
from ..keyspace.clock import BatchClock
from .conversation import Conversation, Opener, ReactorConnection
from .dispatcher import Dispatcher
from .listeners import close_listener
from .output_limits import is_over_limit, is_over_soft
from .pollers import BROKEN, EVENTS_PER_POLL, READABLE, WRITABLE, Poller
from .put_off import PutOff
from .trio_due import TrioDue
from .vigil import Vigil

log = logging.getLogger(__name__)

RECEIVE_BYTES: Final = 64 * 1024
"""One read of a connection's share of a turn; more gains nothing measurable for small commands."""

BIG_RECEIVE_BYTES: Final = 1 << 20
"""One read while a big value is arriving, so that it does not take thousands of turns."""

LOW_WATER_BYTES: Final = 64 * 1024
"""Unsent output below which a session reads again: about what a socket buffer takes at once."""

ACCEPTS_PER_TURN: Final = 128  # Redis' 1000 would let a storm of new clients delay the old ones


class Reactor:
    """Serves listeners and their connections until it is cancelled."""

    def __init__(
        self,
        poller: Poller,
        dispatcher: Dispatcher,
        set_clock: Callable[[], None],
        find_trio: Callable[[], TrioDue | None] = TrioDue.find,
        *,
        clock: BatchClock | None = None,
    ) -> None:
        """``set_clock`` is called at the begin of a turn; of those in a row that need no Python only ``clock`` is set."""
        self._poller = poller
        handlers: list[Callable[..., None]] = [self._finish, self._drop, self._give_up, self._send]
        self._path = HotPath(poller, dispatcher, set_clock, handlers, EVENTS_PER_POLL, clock=clock)
        self.on_turn: Callable[[], None] | None = None
        """Called after every turn, of which none is left out then; for whoever sleeps until there is work."""
        self._dispatcher = dispatcher
        self._find_trio = find_trio
        self._listeners: dict[int, tuple[socket.socket, Callable[[socket.socket], Conversation | None]]] = {}
        self._connections: dict[int, ReactorConnection] = {}
        self._stirred: dict[ReactorConnection, None] = {}  # to be looked at after the batch; always this dict
        self._hungry: dict[ReactorConnection, None] = {}
        self._put_off = PutOff()
        self._vigil = Vigil(poller)
        self._awaited: ReactorConnection | None = None
        self._in_turn = False
        self._trio_rang = False
        self._bell, self._bell_rope = socket.socketpair()  # ends a wait when there is work but no event
        self._bell.setblocking(False)
        self._bell_rope.setblocking(False)
        poller.register(self._bell.fileno(), READABLE)

    def __len__(self) -> int:
        return len(self._connections)

    def add_listener(self, sock: socket.socket, open_session: Opener) -> None:
        """Accept clients from ``sock``; ``open_session`` gets a socket and the wake function, or refuses by None."""
        sock.setblocking(False)
        self._listeners[sock.fileno()] = (sock, lambda client: self._open(client, open_session))
        self._poller.register(sock.fileno(), READABLE)

    def attach(self, sock: socket.socket, open_session: Opener) -> None:
        """Serve a socket that was connected elsewhere; ``open_session`` as for ``add_listener``."""
        self._open(sock, open_session)

    def close_listeners(self) -> None:
        """Accept nobody any more."""
        for fd, (sock, _) in self._listeners.items():
            self._poller.unregister(fd)
            close_listener(sock)
        self._listeners.clear()

    async def run(self) -> None:
        """Serve until cancelled; then close every connection."""
        due = self._find_trio()
        try:
            await (self._run_as_any_task() if due is None else self._run_before_trio(due))
        finally:
            self._serve_others([])  # what was answered while we were being cancelled is sent
            self.close_listeners()
            for connection in list(self._connections.values()):
                self._drop(connection)
            self._poller.close()
            self._bell.close()
            self._bell_rope.close()

    async def _run_as_any_task(self) -> None:
        while True:
            if self._hungry or self._stirred:
                await trio.lowlevel.checkpoint()
            else:
                await trio.lowlevel.wait_readable(self._poller.fileno())
            self.turn()

    async def _run_before_trio(self, due: TrioDue) -> None:
        """Wait for clients and for trio in one system call; see ``trio_due.py``."""
        self._poller.register(due.fd, READABLE)
        left_s = due.seconds_left()
        try:
            while True:
                ready = self.turn(0.0 if self._hungry or self._stirred else left_s)
                left_s = due.seconds_left()
                if left_s <= 0.0 or ready >= EVENTS_PER_POLL or self._trio_rang:
                    self._trio_rang = False
                    await due.pass_on()
                    left_s = due.seconds_left()
        finally:
            due.close()

    def turn(self, timeout_s: float = 0.0) -> int:
        """Serve everything that is ready, once, after waiting for it; return how much there was."""
        awaited, self._awaited = self._awaited, None
        self._in_turn = True
        if awaited is None or timeout_s <= 0.0:
            events = self._path.poll(timeout_s, self.on_turn is not None)
        else:
            events = self._path.take(self._vigil.wait(awaited, timeout_s))
        ready = self._path.ready
        connections = self._connections
        for fd, mask in self._put_off.first(events):
            connection = connections.get(fd)
            if connection is not None:
                try:
                    self._receive(connection) if mask == READABLE else self._serve(connection, mask)
                except Exception:
                    self._give_up(connection)
            elif fd == self._bell.fileno():
                self._bell.recv(4096)
            else:
                self._trio_rang = self._trio_rang or fd not in self._listeners
        self._serve_others(events)
        self._in_turn = False
        if ready > 1:
            self._awaited = None  # the others will ask again, too
        if self.on_turn is not None:
            self.on_turn()
        return ready

    def _serve_others(self, events: list[tuple[int, int]]) -> None:
        """Take new clients, and go on with those that have work although nothing came from them."""
        for fd, _ in events:
            # Last, so that no number of a socket closed above is taken again before.
            if fd in self._listeners:
                self._accept(fd)
        if self._hungry:
            hungry, self._hungry = self._hungry, {}
            for connection in hungry:
                self._guarded(self._resume, connection)
        while self._stirred:
            for connection in self._path.flush(self._stirred):
                self._guarded(self._refresh, connection)

    def is_drained(self) -> bool:
        """Say whether every client has been answered and every answer has been sent."""
        return all(not one.unsent and one.session.is_drained for one in self._connections.values())

    def check_limits(self, now_ms: int, idle_limit_ms: int) -> None:
        """Let go whoever has been over a soft limit, or idle, for too long; called every now and then."""
        for connection in list(self._connections.values()):
            session, client = connection.session, connection.session.client
            if connection.unsent or session.has_output:
                self._enforce_limit(connection)
            if (
                idle_limit_ms
                and now_ms - client.last_used_ms > idle_limit_ms
                and not client.is_subscriber
                and not client.is_blocked
                and not client.is_monitor
            ):
                log.info("closing idle client %d (%s)", client.id, client.address)
                self._drop(connection)

    # -- within ------------------------------------------------------------

    def _guarded(self, serve: Callable[[ReactorConnection], None], connection: ReactorConnection) -> None:
        try:
            serve(connection)
        except Exception:
            self._give_up(connection)

    def _give_up(self, connection: ReactorConnection) -> None:
        """Close after a bug in serving a connection: it costs that client its connection, and nobody else."""
        log.exception("internal error while serving %s; closed", connection.session.client.address)
        self._drop(connection)

    def _serve(self, connection: ReactorConnection, mask: int) -> None:
        if mask & WRITABLE:
            if connection.unsent:
                self._send(connection, connection.unsent)
            self._finish(connection)
        if mask & READABLE:
            self._receive(connection)
        elif mask & BROKEN:
            self._drop(connection)

    def _resume(self, connection: ReactorConnection) -> None:
        if self._connections.get(connection.fd) is connection:
            connection.session.resume()
            self._finish(connection)

    def _refresh(self, connection: ReactorConnection) -> None:
        if self._connections.get(connection.fd) is connection:
            self._finish(connection)

    def _accept(self, fd: int) -> None:
        listener, open_client = self._listeners[fd]
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("cannot accept a client: %s", error)  # out of descriptors, or it left at once
                return
            try:
                open_client(sock)
            except Exception:
                log.exception("internal error while letting a client in; closed")
                sock.close()

    def _open(self, sock: socket.socket, open_session: Opener) -> Conversation | None:
        sock.setblocking(False)
        connection = ReactorConnection(sock)
        session = open_session(sock, waker(self._stir, connection, self._stirred, self._ring))
        if session is None:
            sock.close()
            return None
        connection.session = session
        self._connections[connection.fd] = connection
        if type(sock) is socket.socket:  # compiled code would read and write past TLS
            self._path.add(connection)
        self._poller.register(connection.fd, READABLE)
        return session

    def _stir(self, connection: ReactorConnection) -> None:
        """Look soon, but not yet, at a connection whose session has output, an end, or room outside its turn: there may be more."""
        if connection.session.client.ending is Ending.AT_ONCE:
            # It hears of its end now: the killer's reply may leave before the stirred are looked at.
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        if not self._stirred:
            self._ring()
        self._stirred[connection] = None

    def _receive(self, connection: ReactorConnection) -> None:
        session = connection.session
        wanted = session.parser.wanted_bytes
        if session.client.ending is Ending.AT_ONCE:
            return  # killed in this very batch
        if wanted < 0:
            self._put_off.add(connection.fd)
            return
        try:
            data = connection.recv(
                RECEIVE_BYTES if wanted <= RECEIVE_BYTES else min(wanted, BIG_RECEIVE_BYTES)
            )
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        self._dispatcher.statistics.total_net_input_bytes += len(data)
        session.receive(data)
        self._finish(connection)

    def _finish(self, connection: ReactorConnection) -> None:
        """Send what a session has written, and adjust what we wait for."""
        session = connection.session
        if session.out:
            if connection.unsent:
                self._enforce_limit(connection)
            else:
                out = session.take_output()
                self._send(connection, out[0] if len(out) == 1 else b"".join(out))
                if session.is_awaited:
                    self._awaited = connection
        if (
            connection.mask == READABLE
            and not connection.unsent
            and session.client.ending is None
            and not session.backlog
            and not session.is_held
            and not session.has_unread
        ):
            return  # nearly always; asked of plain attributes, because the properties below cost 40 ns each
        ending = session.client.ending
        if ending is not None and (
            ending is Ending.AT_ONCE or (not connection.unsent and not session.has_output)
        ):
            self._drop(connection)
            return
        self._adjust(connection)

    def _adjust(self, connection: ReactorConnection) -> None:
        """Wait for what the connection needs next, or note that it has work already."""
        session = connection.session
        may_go_on = len(connection.unsent) <= LOW_WATER_BYTES
        mask = READABLE if may_go_on and session.wants_input else 0
        if connection.unsent:
            mask |= WRITABLE
        if mask != connection.mask:
            connection.mask = mask
            self._poller.modify(connection.fd, mask)
        if may_go_on and session.is_hungry:
            self._hungry[connection] = None
            self._ring()

    def _ring(self) -> None:
        """See that there is a turn soon even if no socket becomes ready."""
        if not self._in_turn:
            with contextlib.suppress(BlockingIOError):  # it rings already
                self._bell_rope.send(b".")

    def _send(self, connection: ReactorConnection, data: bytes | memoryview) -> None:
        """Send what the socket takes; keep the rest."""
        session = connection.session
        try:
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            session.client.ending = Ending.AT_ONCE  # it has gone; its end of the socket says so
            connection.unsent = b""
            session.unsent_bytes = 0
            return
        session.sent_bytes += sent
        self._dispatcher.statistics.total_net_output_bytes += sent
        if sent == len(data):
            connection.unsent = b""
            session.unsent_bytes = 0
        else:
            connection.unsent = memoryview(data)[sent:]
            session.unsent_bytes = len(connection.unsent)
            self._enforce_limit(connection)

    def _enforce_limit(self, connection: ReactorConnection) -> None:
        """Let a client go whose unsent output is over the limit of its class."""
        session = connection.session
        client = session.client
        limit = self._dispatcher.output_limits[client.output_class]
        waiting = session.output_bytes
        now_ms = session.context.clock.now_ms
        if not is_over_soft(limit, waiting):
            session.over_soft_limit_since_ms = None
        elif session.over_soft_limit_since_ms is None:
            session.over_soft_limit_since_ms = now_ms
        since_ms = session.over_soft_limit_since_ms
        if is_over_limit(limit, waiting, 0 if since_ms is None else now_ms - since_ms):
            self._dispatcher.report_output_limit(client, waiting)
            client.ending = Ending.AT_ONCE
            self._stirred[connection] = None  # its next look ends it
            self._ring()

    def _drop(self, connection: ReactorConnection) -> None:
        """Close a connection and forget its client."""
        if self._connections.pop(connection.fd, None) is None:
            return
        self._path.remove(connection)
        self._hungry.pop(connection, None)
        connection.session.close()
        self._poller.unregister(connection.fd)
        connection.sock.close()
