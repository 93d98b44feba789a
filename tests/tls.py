"""Clients that speak TLS, for tests against real servers."""

import socket
import ssl

from tests.certificates import Files
from tests.wire import RawClient, ReplySplitter

PATIENCE_S = 10.0
"""For what takes no time on a machine that is not busy."""


def tls_socket(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Connect and shake hands; the caller closes it."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    try:
        return context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
    except BaseException:
        raw.close()
        raise


class TlsClient(RawClient):
    """A raw client over TLS. A connection that ends without a word of the server's is an ssl.SSLEOFError."""

    def __init__(self, port: int, certificates: Files, *, shows: str | None = "client") -> None:
        self._socket = tls_socket(port, certificates.client_context(shows=shows))
        self._timeout_seconds = PATIENCE_S
        self._replies = ReplySplitter()
        self.is_closed = False
