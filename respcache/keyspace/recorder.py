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
        """The entry is new, or all of its value; version 0 tells which."""

    def patched(self, db: int, entry: Entry, patch: Patch) -> None:
        """A part of the value was changed in place; an emptied hash will be removed at once."""

    def retimed(self, db: int, entry: Entry) -> None:
        """A client has changed the deadline."""

    def renewed(self, db: int, entry: Entry) -> None:
        """A read has moved the deadline on."""

    def removed(self, db: int, entry: Entry) -> None:
        """A client has deleted the entry."""

    def dropped(self, db: int, entry: Entry) -> None:
        """The entry has expired, or made room."""

    def flushed(self, db: int) -> None:
        """All entries of a database have gone at once."""
