"""What an eviction policy that keeps its own order of a database's entries is told."""

from typing import Protocol

from .entry import Entry


class Follower(Protocol):
    """Such an order. Without one, a change of the entries costs one test."""

    entry_bytes: int
    """Estimated memory of that order for each entry, and for each entry with a deadline."""
    deadline_bytes: int

    def entry_added(self, entry: Entry) -> None: ...
    def entry_removed(self, entry: Entry) -> None: ...
    def deadline_set(self, entry: Entry) -> None: ...
    def emptied(self) -> None:
        """All entries have gone at once, without a word about each."""
