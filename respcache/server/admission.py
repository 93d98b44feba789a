"""Who may come in: the limit on clients, and protected mode."""

import logging
import socket
from collections.abc import Callable
from typing import Final

from ..settings.settings import Settings
from .dispatcher import Dispatcher
from .listeners import address_of, prepare_client_socket
from .session import Session

log = logging.getLogger(__name__)

TOO_MANY: Final = b"-ERR max number of clients reached\r\n"

PROTECTED: Final = (
    b"-DENIED respcache runs in protected mode: no password is set, so it talks to clients on this machine only. "
    b"To let others in, set a password (requirepass, as flag, in the settings file or by CONFIG SET from this "
    b"machine); or, if the network itself keeps strangers out, turn protected-mode off.\r\n"
)


class Admission:
    """Looks at every accepted socket."""

    def __init__(self, settings: Settings, dispatcher: Dispatcher) -> None:
        self._settings = settings
        self._dispatcher = dispatcher

    def open_session(self, sock: socket.socket, wake: Callable[[], None]) -> Session | None:
        """Return a session for a client that may come in; tell it why when it may not."""
        dispatcher = self._dispatcher
        settings = self._settings
        peer = address_of(sock)
        if len(dispatcher.node.clients) >= settings.maxclients:
            dispatcher.statistics.rejected_connections += 1
            self._refuse(sock, TOO_MANY)
            return None
        if not peer.is_local and settings.protected_mode and not settings.requirepass:
            dispatcher.statistics.rejected_connections += 1
            log.warning("refused %s: protected mode, and no password is set", peer.address)
            self._refuse(sock, PROTECTED)
            return None
        prepare_client_socket(sock, settings.tcp_keepalive_seconds)
        dispatcher.statistics.total_connections_received += 1
        return Session(
            dispatcher,
            wake,
            peer.address,
            peer.local_address,
            is_local=peer.is_local,
            descriptor=sock.fileno(),
        )

    def open_redirected_session(self, sock: socket.socket, wake: Callable[[], None]) -> Session | None:
        """Return a session for a client of the cluster port: it is told where keys live."""
        session = self.open_session(sock, wake)
        if session is not None:
            session.client.is_redirected = True
        return session

    def _refuse(self, sock: socket.socket, wire: bytes) -> None:
        try:
            sock.send(wire)
        except OSError:
            log.debug("a refused client did not wait for the reason")
