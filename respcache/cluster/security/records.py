"""Sealed records in a stream: a length, then as many bytes of ciphertext.

Each direction has a key of its own that lives as long as the connection, and the nonce is the count of its records.
So no nonce comes twice under a key, and a record that is altered, repeated, left out or out of its place cannot be
opened: the link is broken then, for good. A record holds whatever there was to send, many frames or a piece of one.
"""

from typing import Final

from .ciphers import AUTHENTICATION_TAG_BYTES, NONCE_BYTES, Cipher
from .frames import LENGTH, FrameSplitter

RECORD_BYTES: Final = 256 << 10
"""Plain bytes in a record: the cipher's fixed cost is lost in them, and no more than this waits for its seal."""


class RecordSealer:
    """Our direction."""

    __slots__ = ("_cipher", "_count")

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(key)
        self._count = 0

    def seal(self, plain: bytes) -> list[bytes]:
        """Return the records for ``plain`` as parts to be joined."""
        parts: list[bytes] = []
        view = memoryview(plain)
        for start in range(0, len(plain), RECORD_BYTES):
            sealed = self._cipher.seal(_nonce(self._count), view[start : start + RECORD_BYTES])
            self._count += 1
            parts += (LENGTH.pack(len(sealed)), sealed)
        return parts


class RecordOpener:
    """The peer's direction."""

    __slots__ = ("_cipher", "_count", "_splitter", "is_broken")

    def __init__(self, key: bytes) -> None:
        self.is_broken = False
        self._cipher = Cipher(key)
        self._count = 0
        self._splitter = FrameSplitter(RECORD_BYTES + AUTHENTICATION_TAG_BYTES)

    def open(self, data: bytes) -> list[bytes]:
        """Return what the records hold that ``data`` completes, up to the first that is not whole and in its place."""
        plains: list[bytes] = []
        for sealed in self._splitter.split(data):
            plain = self._cipher.open(_nonce(self._count), sealed)
            if plain is None:
                self.is_broken = True
                return plains
            self._count += 1
            plains.append(plain)
        self.is_broken = self._splitter.is_broken
        return plains


def _nonce(count: int) -> bytes:
    return count.to_bytes(NONCE_BYTES, "big")
