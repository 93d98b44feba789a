"""The cluster's secrets, as keys.

The first key seals, all of them open. A rotation is three passes over the nodes, each with a new ring:
the new secret is added behind the old one; then stands before it; then the old one is dropped. After each
pass, and in the midst of it, every node opens what every other one seals.

Whoever has recorded one packet can try secrets on it at leisure. scrypt makes each try cost some 50 ms and
16 MiB, which multiplies the price of guessing by ten thousand and no more: a word from a dictionary still
falls in an hour, and eight random letters in months of a few rented machines. 24 characters out of
``openssl rand -base64 18`` never do. The salt is fixed, because nodes that have nothing in common but their
secret must come to the same key; so equal secrets of two clusters are equal keys, and only the cluster's tag
keeps those apart.

Promises that no text of a secret is kept, and that no repr shows a key.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from .ciphers import Cipher

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 4
"""Tells apart the two or three keys of a rotation; it need not be secret or unique."""
NO_KEY_ID: Final = bytes(KEY_ID_BYTES)
"""Stands where the id would stand when nothing is sealed."""

_SALT: Final = b"respcache cluster secret, version 1"
_SCRYPT_ROUNDS: Final = 1 << 14
"""OWASP's lowest advice is 2**17; that would hold up the loop for half a second at every change of the secret."""
_SCRYPT_BLOCKS: Final = 8
_SCRYPT_MEMORY_BYTES: Final = 64 << 20
"""A ceiling for OpenSSL, well above the 16 MiB that are used."""


@dataclass(frozen=True, slots=True)
class Key:
    """One secret's key. Never used itself: every use derives a key of its own."""

    id: bytes
    material: bytes = field(repr=False)

    def derive(self, purpose: bytes, *facts: bytes) -> bytes:
        """Derive the 32 bytes for one purpose (16 bytes at most) and facts of fixed lengths."""
        return hashlib.blake2b(
            b"".join(facts), digest_size=KEY_BYTES, key=self.material, person=purpose
        ).digest()


def _key_of(secret: str) -> Key:
    material = hashlib.scrypt(
        secret.encode("utf-8", "surrogateescape"),
        salt=_SALT,
        n=_SCRYPT_ROUNDS,
        r=_SCRYPT_BLOCKS,
        p=1,
        maxmem=_SCRYPT_MEMORY_BYTES,
        dklen=KEY_BYTES,
    )
    key_id = hashlib.blake2b(material, digest_size=KEY_ID_BYTES, person=b"respcache key id").digest()
    return Key(key_id, material)


class Keyring:
    """The keys of a node, the one that seals first. Empty: nothing is sealed, and nothing sealed is opened.

    Making one costs some 50 ms for each secret, and raises `MissingLibraryError` when there is a secret but no
    cipher. An empty secret is a ValueError: it would look like protection.
    """

    __slots__ = ("_keys", "sealing")

    def __init__(self, secrets: Sequence[str]) -> None:
        if not all(secrets):
            raise ValueError("a cluster secret is empty")
        keys = [_key_of(secret) for secret in dict.fromkeys(secrets)]
        if keys:
            Cipher(keys[0].material)  # a missing library is told at the start, not with the first packet
        self._keys = {key.id: key for key in keys}
        self.sealing: Key | None = keys[0] if keys else None

    def find(self, key_id: bytes) -> Key | None:
        return self._keys.get(key_id)

    def __bool__(self) -> bool:
        return self.sealing is not None

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._keys)}>"
