"""The one cipher of the cluster, AES-GCM, and the library that it comes from.

`cryptography` is needed only where ``cluster.secret`` is set, so it is imported when the first key is used.
Promises that a missing library is told in one line that says what to install. Nonces are its callers' duty:
each of them says beside its key why no nonce comes twice.
"""

from typing import Final, Protocol

AUTHENTICATION_TAG_BYTES: Final = 16
"""What sealing adds, as AES-GCM has it."""
NONCE_BYTES: Final = 12


class MissingLibraryError(Exception):
    """A part of the cluster was asked for whose library is not installed."""


class Cipher(Protocol):
    """Authenticated encryption under one key."""

    def encrypt(self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | None, /) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes | memoryview, associated_data: bytes | None, /) -> bytes: ...


def aes_gcm(key: bytes) -> Cipher:
    """Make AES-256-GCM from 32 bytes."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # only with a secret
    except ImportError:
        message = "cluster.secret needs the package cryptography: pip install 'respcache[cluster]'"
        raise MissingLibraryError(message) from None
    return AESGCM(key)


def opened(
    cipher: Cipher, nonce: bytes, sealed: bytes | memoryview, associated_data: bytes | None
) -> bytes | None:
    """Return what was sealed, or None if not exactly this was sealed with this key."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # there is a cipher, so the library is there

    try:
        return cipher.decrypt(nonce, sealed, associated_data)
    except InvalidTag:
        return None
