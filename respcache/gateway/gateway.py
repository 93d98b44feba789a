"""All HTTP connections of a server: lets them in, knows them, and lets them go."""

import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from email.utils import formatdate
from ipaddress import ip_address
from typing import Final

import trio

from ..commands.client import Client
from ..commands.node import Node
from . import event_stream, websocket
from .authority import Authority
from .events import EventHub
from .history import History
from .messages import HttpError, Request
from .parting import Timeouts
from .routing import Route, Table
from .session import HttpSession
from .steps import Executor

log = logging.getLogger(__name__)

REASONS: Final = (event_stream.SLOW, websocket.SLOW)
"""Why readers are let go."""

TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
)

REQUESTS_PER_TURN: Final = 12
"""Of all connections together: some 0.3 ms, a sixth of what one Redis client may take."""

PROTECTED: Final = HttpError(
    403,
    "respcache runs in protected mode: no password is set, so it talks to clients on this machine only. Set requirepass;"
    " or, if the network itself keeps strangers out, turn protected-mode off.",
)


class Gateway:
    """Opens a session for each connection; ``open_session`` is for the reactor."""

    def __init__(
        self,
        node: Node,
        executor: Executor,
        table: Table,
        authority: Authority,
        *,
        most_connections: int,
        most_requests: int,
        most_body_bytes: int,
        timeouts: Timeouts,
        hub: EventHub,
        history: History,
        is_protected: Callable[[], bool] = lambda: False,
        tasks: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        """``is_protected`` says whether only clients on this machine may come in; ``tasks`` run beside it."""
        self.sessions: dict[HttpSession, None] = {}
        self.responses: dict[int, int] = {}
        """How many answers there were, by status."""
        self.refused = 0
        self.hub = hub
        self._tasks = tasks
        self.history = history
        self.node = node
        self.executor = executor
        self.table = table
        self.authority = authority
        self._most_connections = most_connections
        self._is_protected = is_protected
        self.most_requests = most_requests
        self.running = 0
        self.deferred = 0
        self.turn_left = REQUESTS_PER_TURN
        self._date = 0, ""
        self.most_body_bytes = most_body_bytes
        self._timeouts = timeouts

    def open_session(self, sock: socket.socket, wake: Callable[[], None]) -> HttpSession | None:
        """Return the session for an accepted socket, or refuse it."""
        if len(self.sessions) >= self._most_connections:
            self._refuse(sock, TOO_MANY)
            return None
        if sock.family != socket.AF_UNIX:
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peer = sock.getpeername()
            except OSError:
                return None  # it has gone again
            address, is_local = f"{peer[0]}:{peer[1]}", is_loopback(peer[0])
        else:
            address, is_local = f"{sock.getsockname()}:0", True
        if not is_local and self._is_protected():
            log.warning("refused %s: protected mode, and no password is set", address)
            date = self.date_line(self.node.clock.now_ms)
            self._refuse(sock, PROTECTED.response().wire(date, is_kept_alive=False))
            return None
        session = HttpSession(self, wake, address, is_local=is_local)
        self.sessions[session] = None
        return session

    def _refuse(self, sock: socket.socket, wire: bytes) -> None:
        self.refused += 1
        try:
            sock.send(wire)
        except OSError:
            log.debug("a refused client did not wait for the reason")

    def admit(self, request: Request) -> Route:
        """Return the route of a request; raises HttpError where there is none, or it may not be asked for."""
        if request.method == "OPTIONS":
            raise HttpError(
                413, "OPTIONS needs no body."
            )  # which is asked here only where there is a big one
        route = self.table.find(request)
        self.authority.admit(request, route)
        return route

    def count(self, status: int) -> None:
        """Note an answer."""
        self.responses[status] = self.responses.get(status, 0) + 1

    def begin_turn(self) -> None:
        """Let some more requests begin; called at the begin of each turn of the reactor."""
        self.turn_left = REQUESTS_PER_TURN

    def date_line(self, now_ms: int) -> str:
        """Return the header ``Date``; made once a second."""
        second, line = self._date
        if now_ms // 1000 != second:
            line = f"Date: {formatdate(now_ms // 1000, usegmt=True)}\r\n"
            self._date = now_ms // 1000, line
        return line

    async def run(self) -> None:
        """Send events on, and do what takes time, until cancelled."""
        async with trio.open_nursery() as nursery:
            for task in self._tasks:
                nursery.start_soon(task)
            await self.hub.run()

    # -- what metrics tell: see metric_families.HttpFigures ------------------------

    @property
    def clients(self) -> Iterator[Client]:
        """Yield who is connected, for those who count what clients hold."""
        for session in self.sessions:
            yield session.client

    @property
    def connections(self) -> int:
        return len(self.sessions)

    @property
    def readers(self) -> Mapping[str, int]:
        hub = self.hub
        streams = sum(reader not in hub.sockets for reader in hub.readers)
        return {"stream": streams, "websocket": len(hub.sockets)}

    @property
    def dropped_readers(self) -> Mapping[str, int]:
        return {reason: self.hub.dropped_readers.get(reason, 0) for reason in REASONS}

    @property
    def sent_events(self) -> int:
        return self.hub.sent_events

    @property
    def lost_events(self) -> int:
        return self.hub.lost_events

    def forget(self, session: HttpSession) -> None:
        self.sessions.pop(session, None)

    def look_after(self, now_ms: int) -> None:
        """Let go whoever takes too long to send a request, sends none, or waits too long for an answer, and note what charts show; called every now and then."""
        self.history.note(now_ms)
        for session in list(self.sessions):
            session.check_time(now_ms, self._timeouts)

    def release(self) -> None:
        """Go on after CLIENT PAUSE."""
        for session in list(self.sessions):
            session.release()

    def dismiss(self) -> None:
        """Let every client go with the answer that it is owed."""
        for session in list(self.sessions):
            session.dismiss()


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own; also one of IPv4 that comes as IPv6."""
    address = ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
