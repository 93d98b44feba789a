"""Who is told of every change so that it can be repeated elsewhere: the copies of a cluster's partitions.

The journal tells what happened in Redis' words, to clients; a recorder hears what is there now, with
the entry itself. Without a cluster there is none, and a change costs one test.
"""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from .entry import Entry

Patch: TypeAlias = tuple[int, bytes] | tuple[Sequence[bytes], Sequence[bytes]]
"""What has changed within a value: of a string, what stands at which offset now (not behind the old end);
of a hash, fields and values in turns, and the fields that are gone."""


class Recorder(Protocol):
    """Told at once and in order, after the change. Must not block, raise, or change the keyspace."""

    entry_bytes: int
    """Estimated memory of what is kept beside each entry."""

    def stored(self, db: int, entry: Entry) -> None:
        """Note an entry that is new (its version is 0), or all of its value."""

    def patched(self, db: int, entry: Entry, patch: Patch) -> None:
        """Note what was changed in place. A hash that was emptied will be removed at once."""

    def retimed(self, db: int, entry: Entry) -> None:
        """Note that a client has changed the deadline."""

    def renewed(self, db: int, entry: Entry) -> None:
        """Note that a read has moved the deadline on."""

    def removed(self, db: int, entry: Entry) -> None:
        """Note that a client has deleted the entry."""

    def dropped(self, db: int, entry: Entry) -> None:
        """Note that the entry has expired, or made room."""

    def flushed(self, db: int) -> None:
        """Note that all entries of a database have gone at once."""
