"""All HTTP connections of a server: lets them in, knows them, and lets them go."""

import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import trio

from ..commands.node import Node
from . import event_stream, websocket
from .authority import Authority
from .events import EventHub
from .routing import Table
from .session import HttpSession
from .steps import Executor

log = logging.getLogger(__name__)

REASONS: Final = (event_stream.SLOW, websocket.SLOW)
"""Why readers are let go."""

TOO_MANY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
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
        most_body_bytes: int,
        head_timeout_ms: int,
        idle_timeout_ms: int,
        hub: EventHub,
        tasks: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self.sessions: dict[HttpSession, None] = {}
        self.responses: dict[int, int] = {}
        self.refused = 0
        self.hub = hub
        self._tasks = tasks
        self.node = node
        self.executor = executor
        self.table = table
        self.authority = authority
        self._most_connections = most_connections
        self.most_body_bytes = most_body_bytes
        self._head_timeout_ms = head_timeout_ms
        self._idle_timeout_ms = idle_timeout_ms

    def open_session(self, sock: socket.socket, wake: Callable[[], None]) -> HttpSession | None:
        """Return the session for an accepted socket, or refuse it."""
        if len(self.sessions) >= self._most_connections:
            self.refused += 1
            try:
                sock.send(TOO_MANY)
            except OSError:
                log.debug("a refused client did not wait for the reason")
            return None
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = sock.getpeername()
            address, is_local = f"{peer[0]}:{peer[1]}", peer[0] in ("127.0.0.1", "::1")
        else:
            address, is_local = f"{sock.getsockname()}:0", True
        session = HttpSession(self, wake, address, is_local=is_local)
        self.sessions[session] = None
        return session

    async def run(self) -> None:
        """Send events on, and do what takes time, until cancelled."""
        async with trio.open_nursery() as nursery:
            for task in self._tasks:
                nursery.start_soon(task)
            await self.hub.run()

    # -- what metrics tell: see metric_families.HttpFigures ------------------------

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
        """Let go whoever takes too long to send a request, or sends none; called every now and then."""
        for session in list(self.sessions):
            session.check_time(now_ms, self._head_timeout_ms, self._idle_timeout_ms)

    def release(self) -> None:
        """Go on after CLIENT PAUSE."""
        for session in list(self.sessions):
            session.release()

    def dismiss(self) -> None:
        """Let every client go with the answer that it is owed."""
        for session in list(self.sessions):
            session.dismiss()
