"""One stored key: its value, its deadline, and what eviction and expiry note about it.

An ``Entry`` is the only object kept per key, so each slot is worth eight bytes
times a million. A collection counts its own size; a string's is its length.
"""

from typing import Final, TypeAlias

from .hashes import Hash

Value: TypeAlias = bytes | bytearray | Hash
"""What a key can hold. ``bytes`` never change; ``bytearray`` is a string that
APPEND or SETRANGE has made (Redis' "raw" encoding), and is changed in place."""

TYPE_NAMES: Final[dict[type, str]] = {bytes: "string", bytearray: "string", Hash: "hash"}

ENTRY_BYTES: Final = 80 + 42 + 9 + 2 * 33 + 14
"""Estimated memory of a key beside its key and value bytes: the entry (80), its
place in the dictionary (42) and in the roster (9), two bytes headers (33 each) and
the allocator's rounding. Measured with CPython 3.11: see benchmarks/memory_per_key.py.
The slot of the version takes nothing: 72 bytes were rounded up to 80 without it. A
version itself is for its recorder to count."""

DEADLINE_BYTES: Final = 32 + 60
"""What a deadline adds: an integer and a place in one bucket of the wheel."""


class Bucket(set["Entry"]):
    """Entries that the expiry wheel looks at when ``due_ms`` has come."""

    __slots__ = ("due_ms",)

    def __init__(self, due_ms: int) -> None:
        super().__init__()
        self.due_ms = due_ms

    def __hash__(self) -> int:  # type: ignore[override]  # a bucket is itself, whatever it holds
        return id(self)


class Entry:
    """A live key. ``value`` is None once the key is gone: whoever still holds the entry can tell."""

    __slots__ = ("bucket", "expires_at_ms", "key", "seen", "value", "version")

    def __init__(self, key: bytes, value: Value, now_ms: int) -> None:
        self.key = key
        self.value: Value | None = value
        self.expires_at_ms: int | None = None
        self.bucket: Bucket | None = None
        self.seen: int = now_ms
        """When it was last used, in Unix ms; under an LFU policy Redis' packed counter instead."""
        self.version: int = 0
        """Which state this is, see ``cluster/replication/versions.py``; 0 while nobody asks."""


def size_of(value: Value | None) -> int:
    """Return the estimated bytes of a value's payload."""
    if value is None:
        return 0
    if value.__class__ is bytes or value.__class__ is bytearray:
        return len(value)
    assert isinstance(value, Hash)
    return value.size_bytes
