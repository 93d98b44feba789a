"""What commands and the dispatcher may ask of loaders; see the loading package."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from ..keyspace.entry import Entry
from ..protocol.replies import ErrorReply

RESERVED: Final = b"respcache:"
"""Keys that begin so hold what respcache notes for itself; no loader is asked for them."""

MOVED_AWAY: Final = ErrorReply("TRYAGAIN", "the owner of the key has changed while it was being loaded")
"""The error of a wait that has ended because its key was another node's. Who finds the key served here again asks anew."""


class Wait(Protocol):
    """The time for which a missing key is being loaded; its owner is busy for as long."""

    @property
    def error(self) -> ErrorReply | None:
        """What those who have waited are answered; None: their commands run."""

    @property
    def is_over(self) -> bool: ...
    @property
    def is_absent(self) -> bool:
        """Whether there is nothing to be had, as those who have waited must take it."""


class Loads(Protocol):
    """All loaders of a server."""

    def covers(self, db: int, key: bytes) -> bool:
        """Say whether a loader is there for such keys."""

    def wait_for(self, db: int, key: bytes) -> Wait | None:
        """Have a missing key loaded; None if nobody has to wait, because it has no value or is busy otherwise."""

    def is_due(self, entry: Entry, db: int) -> bool:
        """Say whether a key that is read has so little time left that it may be loaded anew."""

    def note_read(self, db: int, entry: Entry) -> None:
        """Have a key loaded anew, if it is due."""

    def overtake(self, db: int, key: bytes) -> None:
        """Note that a key is written or deleted now."""

    def prefixes(self) -> list[tuple[int, bytes, int, bool]]:
        """Return database, first bytes of the keys, ``ahead_ms`` and whether writes concern it, of every loader."""

    def takes_writes(self, db: int, key: bytes) -> bool:
        """Say whether what is written at this key goes to a database."""


class LoaderReport(msgspec.Struct, frozen=True):
    """How one loader stands."""

    name: str
    pattern: str
    db: int
    state: str
    """``paused``; ``stuck``, if all calls that may run are overdue; else what its breaker says."""
    breaker: str
    """``closed``, ``open`` or ``half-open``."""
    now: Mapping[str, int]
    """How many keys and calls there are of each kind at this moment."""
    totals: Mapping[str, int]
    """What it has done since the start."""
    settings: Mapping[str, str | int | float]
    last_failure: str
    """Why a key could not be loaded, the last time; empty if that has not happened yet."""


class LoaderControls(Protocol):
    """All loaders of a server, for those who look after them."""

    def reports(self) -> Sequence[LoaderReport]:
        """Tell of every loader, in the order in which they are asked for a key."""

    def state_of(self, db: int, key: bytes) -> str | None:
        """Return where a key stands; None if no loader is there for such keys."""

    def request(self, db: int, key: bytes) -> bool:
        """Load a key if it is not there; say whether it is there or on its way."""

    def refresh(self, db: int, key: bytes) -> bool:
        """Load a key, there or not; say whether it is on its way."""

    def forget(self, db: int, key: bytes) -> str | None:
        """Know nothing of a key any more, and return where it stood; what is on its way is thrown away when it comes."""

    def pause(self, name: str) -> bool:
        """Call a loader no more; say whether there is one of that name."""

    def resume(self, name: str) -> bool:
        """Undo ``pause``; say whether there is one of that name."""
