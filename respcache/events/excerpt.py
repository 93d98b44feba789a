"""A value as it was at the moment of an event: whole, or its beginning.

Values may be huge, and collections change in place, while events wait in
queues. So whoever publishes takes an excerpt: bounded in size, and no longer
connected with what is stored. Only the part that is kept is copied or looked at.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, TypeAlias

import msgspec

Content: TypeAlias = bytes | tuple[bytes, ...] | Mapping[bytes, bytes]
"""A string, the members of a collection, or the fields of a hash."""

MEMBER_BYTES: Final = 8
"""What a member weighs besides its bytes, so that a million empty members do not pass as nothing."""


class Excerpt(msgspec.Struct, frozen=True):
    """What an event tells of a value; ``is_truncated`` when there was more."""

    content: Content
    is_truncated: bool = False


def excerpt(value: bytes | bytearray | Mapping[bytes, bytes] | Iterable[bytes], limit_bytes: int) -> Excerpt:
    """Take what fits into ``limit_bytes``. A collection is cut between members, a string anywhere."""
    if isinstance(value, bytes | bytearray):
        if value.__class__ is bytes and len(value) <= limit_bytes:
            return Excerpt(value)
        return Excerpt(bytes(value[:limit_bytes]), len(value) > limit_bytes)
    if isinstance(value, Mapping):
        sizes = (len(field) + len(value[field]) for field in value)
        count, is_truncated = _members_within(sizes, limit_bytes)
        return Excerpt(dict(islice(value.items(), count)), is_truncated)
    return _excerpt_of_members(value, limit_bytes)


def _excerpt_of_members(members: Iterable[bytes], limit_bytes: int) -> Excerpt:
    kept: list[bytes] = []
    room = limit_bytes
    for member in members:
        room -= len(member) + MEMBER_BYTES
        if room < 0:
            return Excerpt(tuple(kept), is_truncated=True)
        kept.append(member)
    return Excerpt(tuple(kept))


def _members_within(sizes: Iterable[int], limit_bytes: int) -> tuple[int, bool]:
    """Return how many members fit, and whether there are more."""
    count, room = 0, limit_bytes
    for size in sizes:
        room -= size + MEMBER_BYTES
        if room < 0:
            return count, True
        count += 1
    return count, False
