"""The hash type: a small dictionary of fields under one key.

Redis keeps a small hash as a compact list in order of insertion and converts
it, once and for good, when it grows; clients see that in OBJECT ENCODING, in
HSCAN (a small hash comes whole) and in the order of HGETALL, so we keep count.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from .._speedups import HashState, compiled_twin, offer_hash_class
from .roster import FieldRoster

FIELD_BYTES: Final = 2 * 33 + 42 + 8
"""Estimated memory of a field beside its bytes: two bytes headers, a place in the dictionary, rounding. Of large hashes
compiled code keeps the fields otherwise, and says itself what they take (``_speedups/fields.pyx``)."""

HASH_BYTES: Final = 64 + 232
"""The hash object and an empty dictionary."""


class HashLimits(msgspec.Struct, frozen=True):
    """How much a compact hash may hold; Redis' settings ``hash-max-listpack-*`` with their defaults."""

    max_entries: int = 512
    max_value_bytes: int = 64


@compiled_twin
def store_field(self: "Hash", field: bytes, value: bytes) -> bool:
    """Store one field; say whether it is new."""
    old = self.fields.get(field)
    self.fields[field] = value
    if old is not None:
        self.size_bytes += len(value) - len(old)
        return False
    self.size_bytes += FIELD_BYTES + len(field) + len(value)
    if self._roster is not None:
        self._roster.add(field)
    return True


@compiled_twin
def delete_field(self: "Hash", field: bytes) -> bool:
    """Remove one field; say whether it was there."""
    old = self.fields.pop(field, None)
    if old is None:
        return False
    self.size_bytes -= FIELD_BYTES + len(field) + len(old)
    if self._roster is not None:
        self._roster.note_removed(field)
    return True


@compiled_twin
def field_roster(fields: dict[bytes, bytes]) -> FieldRoster:
    """Return what can walk and draw the fields."""
    return FieldRoster(fields)


class Hash(HashState):
    """Fields and their values. Empty hashes are not kept: who empties one deletes its key."""

    __slots__ = ()

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.size_bytes = HASH_BYTES
        self.is_compact = True
        """Whether Redis would still keep it as a listpack; never true again once false."""
        self._roster: FieldRoster | None = None

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def encoding(self) -> str:
        """The name OBJECT ENCODING gives."""
        return "listpack" if self.is_compact else "hashtable"

    set = store_field
    delete = delete_field

    def outgrow(self, limits: HashLimits, words: Iterable[bytes]) -> None:
        """Give up the compact form where the number of fields, or the length of a new word, asks for it."""
        if len(self.fields) > limits.max_entries:
            self.is_compact = False
            return
        most_bytes = limits.max_value_bytes
        for word in words:
            if len(word) > most_bytes:
                self.is_compact = False
                return

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor (0 at the end) and some fields; a compact hash comes whole."""
        if self.is_compact:
            return 0, list(self.fields)
        return self.roster.walk(cursor, count)

    @property
    def roster(self) -> FieldRoster:
        """The fields by position, for scanning and random picks; made when first needed."""
        if self._roster is None:
            self._roster = field_roster(self.fields)
        return self._roster

    def copy(self) -> "Hash":
        twin = Hash()
        twin.fields = self.fields.copy()
        twin.size_bytes = self.size_bytes
        twin.is_compact = self.is_compact
        return twin


offer_hash_class(Hash, FIELD_BYTES, FieldRoster)
