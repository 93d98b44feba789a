"""A digest of everything in a partition: equal exactly where keys, values, deadlines and versions are.

It walks all of them, so it is for tests and operators; nodes compare the digests of versions, which are at hand.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

import msgspec

from ...keyspace.entry import Entry
from ...keyspace.hashes import Hash
from .tables import Part
from .wording import state_record

DIGEST_BYTES: Final = 16


def content_digest(part: Part) -> bytes:
    """Return 16 bytes."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    encoder = msgspec.msgpack.Encoder()
    for db, entry in _sorted(part):
        record = list(state_record(0, db, entry))
        if isinstance(entry.value, Hash):
            record[-2] = sorted(entry.value.fields.items())  # what order they came in says nothing
        digest.update(encoder.encode(record))
    return digest.digest()


def _sorted(part: Part) -> Iterator[tuple[int, Entry]]:
    for db, table in sorted(part.tables.items()):
        for _, entry in sorted(table.entries.items()):
            yield db, entry
