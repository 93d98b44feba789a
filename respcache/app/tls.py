"""The ports that speak TLS, wired to the settings: opened at the start, and with a new certificate when the settings change."""

import logging
import socket
from typing import Final

from ..server.conversation import Opener
from ..server.listeners import open_tcp_listeners
from ..server.reactor import Reactor
from ..server.tls_context import PARAMETERS, TlsContext, TlsError
from ..server.tls_listening import TlsListening
from ..settings.errors import SettingRefusedError
from ..settings.settings import Settings

log = logging.getLogger(__name__)

REFUSED: Final = "Unable to update TLS configuration. Check server logs."
"""As redis-server: what is wrong with a file of the server's is not every client's to know."""


class TlsPorts:
    """The sockets, and what TLS is spoken with there. Raises TlsError or CannotListenError."""

    def __init__(self, settings: Settings) -> None:
        self._context = TlsContext(settings)
        self.listeners = _open(settings, settings.tls_port)
        self._http_listeners = _open(settings, settings.http_tls_port)
        for parameter in PARAMETERS:
            settings.on_change(parameter, self._follow)

    def listening(
        self, reactor: Reactor, open_session: Opener, open_http_session: Opener | None
    ) -> TlsListening:
        """Return what lets clients in, once it runs."""
        listening = TlsListening(lambda: self._context.current, reactor)
        for listener in self.listeners:
            listening.add_listener(listener, open_session)
        if open_http_session is not None:
            for listener in self._http_listeners:
                listening.add_listener(listener, open_http_session)
        return listening

    def reload(self) -> None:
        """Read certificate and key again, which may be renewed; say in the log if they cannot be used."""
        try:
            self._context.renew()
        except TlsError as error:
            log.error("the TLS certificate was not reloaded: %s", error)

    def _follow(self, value: object) -> None:
        try:
            self._context.renew()
        except TlsError as error:
            log.error("TLS settings were not changed: %s", error)
            raise SettingRefusedError(REFUSED) from None


def _open(settings: Settings, port: int) -> list[socket.socket]:
    if not port:
        return []
    return open_tcp_listeners(settings.bind, port, settings.tcp_backlog, is_shared=settings.reuse_port)
