"""TLS between two nodes, without the connection.

Both sides show a certificate of the cluster's own authority. Names in it are not compared with addresses: nodes come and
go under addresses that nobody knows beforehand, and who holds such a certificate is a node.

Promises that nothing from the network raises: a fault sets `error`. Bytes before TLS is up are bounded.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .faults import Fault, LinkError
from .greeting import Role

HANDSHAKE_BYTES: Final = 64 << 10
"""What a peer may send before TLS is up: a chain of a few certificates takes some 5 KiB."""
_READ_BYTES: Final = 16 << 10
"""A TLS record; OpenSSL never returns more at once."""
_WRITE_BYTES: Final = 256 << 10
"""Written in such pieces: OpenSSL's buffer never holds a second copy of a large frame."""


def node_context(role: Role, certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    """Make the context for one role from PEM files: ours, and those that a peer's certificate must descend from."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT if role == "dial" else ssl.PROTOCOL_TLS_SERVER)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # both ends are ours: nothing older needs to be spoken
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    return context


class Tunnel:
    """One side of TLS; who dials is the client. ``error`` says that it has failed, and why.

    Raises ValueError for a context that would not ask the peer for a certificate.
    """

    __slots__ = ("_incoming", "_outgoing", "_received_bytes", "_ssl", "_waiting", "error", "is_up")

    def __init__(self, role: Role, context: ssl.SSLContext) -> None:
        if context.verify_mode != ssl.CERT_REQUIRED or context.check_hostname:
            raise ValueError("TLS between nodes must demand a certificate, and cannot check its name")
        self.is_up = False
        self.error: LinkError | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_side=role == "accept")
        self._received_bytes = 0
        self._waiting = b""  # to be sent as soon as TLS is up; no more than a greeting

    def start(self) -> None:
        self._shake_hands()

    def receive(self, data: bytes) -> list[bytes]:
        """Take what came, and return what it says, in pieces."""
        if self.error is not None:
            return []
        self._incoming.write(data)
        if not self.is_up:
            self._received_bytes += len(data)
            self._shake_hands()
        if self.is_up:
            return self._read()
        if self._received_bytes > HANDSHAKE_BYTES and self.error is None:
            self.error = LinkError(Fault.TLS, "too many bytes before it was up")
        return []

    def _shake_hands(self) -> None:
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            self._fail(error)
        else:
            self.is_up = True

    def _read(self) -> list[bytes]:
        pieces: list[bytes] = []
        read = self._ssl.read
        try:
            while piece := read(_READ_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return pieces
        except ssl.SSLError as error:
            self._fail(error)
        else:
            self.error = LinkError(Fault.TLS, "the peer ended it")
        return pieces

    def send(self, data: bytes) -> bytes:
        """Return what is to be sent now, of TLS' own and of ``data``."""
        self._waiting += data
        parts = [self._outgoing.read()]
        if self.is_up and self.error is None:
            view, self._waiting = memoryview(self._waiting), b""
            parts += self._write(view)
        return b"".join(parts)

    def _write(self, view: memoryview) -> Iterator[bytes]:
        for start in range(0, len(view), _WRITE_BYTES):
            try:
                self._ssl.write(view[start : start + _WRITE_BYTES])
            except ssl.SSLError as error:  # an older TLS wants to greet again: ours never does
                self._fail(error)
                return
            yield self._outgoing.read()

    def _fail(self, error: ssl.SSLError) -> None:
        self.error = LinkError(Fault.TLS, error.reason or str(error))

    @property
    def has_output(self) -> bool:
        return self._outgoing.pending > 0 or (self.is_up and bool(self._waiting))
