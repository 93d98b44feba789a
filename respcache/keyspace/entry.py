"""One stored key: its value, its deadline, and what eviction and expiry note about it.

An ``Entry`` is the only object kept per key, so each slot is worth eight bytes
times a million. A collection counts its own size; a string's is its length.

Where there is compiled code, its ``Entry`` and ``Bucket`` (``_speedups/entry.pyx`` and ``buckets.pyx``) take the place of those
described here, whole and with the same attributes.
"""

from typing import ClassVar, Final, TypeAlias

from .._speedups import compiled_twin
from .hashes import Hash
from .lives import DefaultDeadline

Value: TypeAlias = bytes | bytearray | Hash
"""What a key can hold. ``bytes`` never change; ``bytearray`` is a string that
APPEND or SETRANGE has made (Redis' "raw" encoding), and is changed in place."""

TYPE_NAMES: Final[dict[type, str]] = {bytes: "string", bytearray: "string", Hash: "hash"}


@compiled_twin
class Bucket(set["Entry"]):
    """Entries that the expiry wheel looks at when ``due_ms`` has come."""

    __slots__ = ("due_ms",)

    def __init__(self, due_ms: int) -> None:
        super().__init__()
        self.due_ms = due_ms

    def __hash__(self) -> int:  # type: ignore[override]  # a bucket is itself, whatever it holds
        return id(self)


@compiled_twin
class Entry:
    """A live key. ``value`` is None once the key is gone: whoever still holds the entry can tell."""

    OWN_BYTES: ClassVar[int] = 80 + 2 * 33 + 14
    """Beside key and value: the entry (80; the slot of the version takes nothing of that, 72 were rounded up without it),
    two bytes headers (33 each) and the allocator's rounding. Measured with CPython 3.11: benchmarks/memory_per_key.py."""
    PLACE_BYTES: ClassVar[int] = 42 + 9
    """Its place in the dictionary and in the roster."""
    DEADLINE_BYTES: ClassVar[int] = 32 + 60
    """What a deadline adds: an integer and a place in one bucket of the wheel."""
    KEPT_BYTES: ClassVar[int] = 48 + 42
    """What a copy's version adds (docs/decisions/entry_versions.md), and a place in the table of its partition."""

    __slots__ = ("bucket", "expires_at_ms", "key", "seen", "value", "version")

    slack_bytes: ClassVar[int] = 0
    """What it takes in a database beyond what is reckoned, by the allocator's rounding: known for compiled entries."""

    def __init__(self, key: bytes, value: Value, now_ms: int) -> None:
        self.key = key
        self.value: Value | None = value
        self.expires_at_ms: int | None = None
        self.bucket: Bucket | None = None
        self.seen: int = now_ms
        """When it was last used, in Unix ms; under an LFU policy Redis' packed counter instead."""
        self.version: int = 0
        """Which state this is, see ``cluster/replication/versions.py``; 0 while nobody asks."""


@compiled_twin
def register_default_deadline(subclass: type[int]) -> None:
    """Compiled entries keep a deadline as a number and a mark, and ask here what to make of it; plain ones keep it."""


register_default_deadline(DefaultDeadline)

ENTRY_BYTES: Final = Entry.OWN_BYTES + Entry.PLACE_BYTES
"""Estimated memory of a key in a database beside its key and value bytes. A version is for its recorder to count."""

DEADLINE_BYTES: Final = Entry.DEADLINE_BYTES


def size_of(value: Value | None) -> int:
    """Return the estimated bytes of a value's payload."""
    if value is None:
        return 0
    if value.__class__ is bytes or value.__class__ is bytearray:
        return len(value)
    assert isinstance(value, Hash)
    return value.size_bytes
