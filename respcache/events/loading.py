"""What happens to keys that are loaded from a database: the part of the vocabulary that only loaders speak."""

from typing import ClassVar, Final

from .record import Event, KeyEvent


class LoadingEvent(KeyEvent, frozen=True):
    """What all events about a key that a loader is asked for have."""

    loader: str
    """Its name."""
    reason: str = ""
    """Why it has failed; empty where nothing has."""


class CacheMiss(LoadingEvent, frozen=True):
    """A command needs the key, which is not there: the loader will be asked."""

    kind: ClassVar[str] = "cache_miss"


class Blocked(LoadingEvent, frozen=True):
    """A command waits for the key."""

    kind: ClassVar[str] = "blocked"


class Loaded(LoadingEvent, frozen=True):
    """The key has come, and is there now."""

    kind: ClassVar[str] = "loaded"


class Refreshed(LoadingEvent, frozen=True):
    """The key's value was loaded anew, or found to be still right."""

    kind: ClassVar[str] = "refreshed"


class LoadFailed(LoadingEvent, frozen=True):
    """The key could not be loaded, and is not tried any more until it is asked for again."""

    kind: ClassVar[str] = "failed"


class LoadTimedOut(LoadingEvent, frozen=True):
    """Nobody waits for the key any more; if it still comes, it is kept."""

    kind: ClassVar[str] = "timed_out"


class NoKey(LoadingEvent, frozen=True):
    """There is no such key where it was looked for."""

    kind: ClassVar[str] = "no_key"


class Disappeared(LoadingEvent, frozen=True):
    """The key is gone where it came from, so it was removed here."""

    kind: ClassVar[str] = "disappeared"


LOADING: Final[frozenset[type[Event]]] = frozenset(
    {CacheMiss, Blocked, Loaded, Refreshed, LoadFailed, LoadTimedOut, NoKey, Disappeared}
)
"""What loaders do."""

WAITING: Final[frozenset[type[Event]]] = frozenset({CacheMiss, Blocked})
"""Those of them that there may be as many of as commands; for each of the others a database was asked."""
