"""A socket that speaks TLS and behaves as a plain one that does not block, so that the reactor need not know.

Promises: ``recv`` leaves nothing behind in OpenSSL, so that whoever waits for the descriptor misses nothing; ``send`` takes as much as
the kernel does, and is asked again for the rest, byte for byte; nothing is ever sent or read in the clear.

OpenSSL reads no further than the record that it needs (``read_ahead`` is off), so what it has not returned is still
the kernel's, as long as there is room for a whole record in each read.
"""

import contextlib
import socket
import ssl
from typing import Any, Final

RECORD_BYTES: Final = 16 << 10
"""The most that one record holds (RFC 8446, 5.1), and that OpenSSL returns at once."""

LATER: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""Not now. A read may wait for room, when the peer has asked for new keys: it is tried again when there is more to read."""


class TlsSocket(ssl.SSLSocket):
    """Made by ``wrap_socket`` of a context that names this class; it must not block, and be greeted before it is used."""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Return what has come, at least one record. Raises BlockingIOError if there is none; ``buflen`` is no less than a record."""
        data = self._read(buflen)
        if len(data) < RECORD_BYTES:
            return data
        pieces = [data]
        left = buflen - len(data)
        while left >= RECORD_BYTES and len(data) == RECORD_BYTES:
            try:
                data = self._read(left)
            except OSError:  # nothing more now; or a fault, which stays, and is the next call's
                break
            if not data:
                # The peer has said its last word, which no poller will tell once more, unless the socket itself has ended.
                socket.socket.shutdown(self, socket.SHUT_RD)
            pieces.append(data)
            left -= len(data)
        return b"".join(pieces)

    def send(self, data: Any, flags: int = 0) -> int:  # as in the base class: whatever is a buffer of bytes
        """Send what the kernel takes. Raises BlockingIOError if that is nothing. What is left must be sent next, unaltered."""
        size = len(data)
        if size <= RECORD_BYTES:
            return self._write(data)
        # One record at a time: of several OpenSSL tells us nothing until it is rid of the last.
        view = memoryview(data)
        sent = self._write(view[:RECORD_BYTES])
        with contextlib.suppress(OSError):  # a fault stays, and is the next call's
            while sent < size:
                sent += self._write(view[sent : sent + RECORD_BYTES])
        return sent

    def shutdown(self, how: int) -> None:
        """End the connection. The base class would go on without TLS."""
        socket.socket.shutdown(self, how)

    def close(self) -> None:
        """Tell the peer that nothing was cut off, if that can be done now, and close."""
        with contextlib.suppress(OSError, ValueError):  # never greeted, or gone already
            self.unwrap()
        super().close()

    def _read(self, size: int) -> bytes:
        try:
            return self.read(size)
        except LATER:
            raise BlockingIOError from None

    def _write(self, data: Any) -> int:
        try:
            return super().send(data)
        except LATER:
            raise BlockingIOError from None
