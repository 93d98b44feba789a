"""How much a member wants each partition: weighted rendezvous hashing.

Each member has a score for each partition, and the highest owns it. So every node computes the same owners from the
same members, nobody has to decide, and a member that comes or goes moves only what it gains or had. The score is
``-weight / ln(h)`` with h in (0, 1), for then a member's share is exactly its weight's share (Schindelhauer and
Schomaker, "Weighted distributed hash tables", SPAA 2005).

The hash is fixed for ever: two nodes that hash differently would each serve what the other owns. Only the platform's
``log`` could differ, in its last bit, and that two scores of one partition are that close does not happen (1e-9 at
100 members).
"""

from hashlib import blake2b
from math import log
from struct import Struct
from typing import Final

from ...keyspace.slots import PARTITIONS

_DIGEST_BYTES: Final = 64
"""One digest of 64 bytes serves eight neighbouring partitions: hashing them one by one would take three times as long."""

_NUMBERS: Final = Struct(f">{PARTITIONS}Q")

_DOMAIN: Final = b"respcache.owner"
_UNUSED_BITS: Final = 12
_SCALE: Final = 2.0**-52
"""52 bits and a half are a float's 53: so h is exact, and never 0 or 1."""


def fractions(id: bytes) -> list[float]:
    """Return the member's h for each partition, from its id alone."""
    digests = b"".join(
        blake2b(
            id + first.to_bytes(2, "big"), digest_size=_DIGEST_BYTES, person=_DOMAIN, usedforsecurity=False
        ).digest()
        for first in range(0, PARTITIONS, 8)
    )
    return [((number >> _UNUSED_BITS) + 0.5) * _SCALE for number in _NUMBERS.unpack(digests)]


def scores(id: bytes, weight: float) -> list[float]:
    """Return the member's score for each partition; its weight is positive and finite."""
    return [-weight / logarithm for logarithm in map(log, fractions(id))]
