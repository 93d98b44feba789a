"""The one cipher of the cluster, AES-GCM, and the library that it comes from.

`cryptography` is needed only where ``cluster.secret`` is set, so it is imported when the first key is used.
Promises that a missing library is told in one line that says what to install. Nonces are its callers' duty:
each of them says beside its key why no nonce comes twice.
"""

from typing import Final

AUTHENTICATION_TAG_BYTES: Final = 16
"""What sealing adds, as AES-GCM has it."""
NONCE_BYTES: Final = 12


class MissingLibraryError(Exception):
    """A part of the cluster was asked for whose library is not installed."""


class Cipher:
    """AES-256-GCM under one key of 32 bytes."""

    __slots__ = ("_cipher", "_invalid")

    def __init__(self, key: bytes) -> None:
        try:
            from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # only where there is a secret
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        except ImportError:
            message = "cluster.secret needs the package cryptography: pip install 'respcache[cluster]'"
            raise MissingLibraryError(message) from None
        self._cipher = AESGCM(key)
        self._invalid = InvalidTag

    def seal(self, nonce: bytes, plain: bytes | memoryview, associated_data: bytes | None = None) -> bytes:
        return self._cipher.encrypt(nonce, plain, associated_data)

    def open(self, nonce: bytes, sealed: bytes, associated_data: bytes | None = None) -> bytes | None:
        """Return what was sealed, or None if not exactly this was sealed with this key."""
        try:
            return self._cipher.decrypt(nonce, sealed, associated_data)
        except self._invalid:
            return None
