"""What commands and the dispatcher may ask of loaders; see the loading package."""

from typing import Final, Protocol

from ..keyspace.entry import Entry
from ..protocol.replies import ErrorReply

RESERVED: Final = b"respcache:"
"""Keys that begin so hold what respcache notes for itself; no loader is asked for them."""


class Wait(Protocol):
    """The time for which a missing key is being loaded; its owner is busy for as long."""

    @property
    def error(self) -> ErrorReply | None:
        """What those who have waited are answered; None: their commands run."""

    @property
    def is_over(self) -> bool: ...


class Loads(Protocol):
    """All loaders of a server."""

    def covers(self, db: int, key: bytes) -> bool:
        """Say whether a loader is there for such keys."""

    def wait_for(self, db: int, key: bytes) -> Wait | None:
        """Have a missing key loaded; None if nobody has to wait, because it has no value."""

    def is_due(self, entry: Entry, db: int) -> bool:
        """Say whether a key that is read has so little time left that it may be loaded anew."""

    def note_read(self, db: int, entry: Entry) -> None:
        """Have a key loaded anew, if it is due."""

    def overtake(self, db: int, key: bytes) -> None:
        """Note that a key is written or deleted without a look at what was there."""

    def prefixes(self) -> list[tuple[int, bytes, int, bool]]:
        """Return database, first bytes of the keys, ``ahead_ms`` and whether writes concern it, of every loader."""

    def takes_writes(self, db: int, key: bytes) -> bool:
        """Say whether what is written at this key goes to a database."""
