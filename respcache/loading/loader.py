"""What the author of a loader writes: a class that knows how to get the values of missing keys.

``bulk_load`` alone is needed, and a class without it cannot be made. It gets keys without duplicates, all of which match
``pattern``, and returns what it has found: a key that is not among the answers, or whose answer is ``Missing``, has no value.
Every method may be a coroutine function, which runs in the server's own trio loop and must not block it; or a plain function,
which runs in a worker thread, several at a time.

A value is bytes or str, for a string, or a mapping of such to such, for a hash; str is stored as UTF-8. ``Loaded`` gives one
key a life of its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

Text: TypeAlias = bytes | str
Stored: TypeAlias = Text | Mapping[Text, Text]
"""What a key can be given: a string, or the fields of a hash."""

Datum: TypeAlias = Any
"""What a loader's ``bulk_load`` has found for one key: whatever its ``new`` makes a value of."""

Seconds: TypeAlias = float | Literal["infinity"]


class Mark:
    """A value that stands for itself, such as ``Missing``."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


Missing: Final = Mark("Missing")
"""Instead of a datum or a value: the key has none, and that may be remembered (``negative_expiration``)."""

KEEP: Final = Mark("KEEP")
"""From ``refresh``: what is stored is still right, and begins its life anew."""


class Loaded(msgspec.Struct, frozen=True):
    """A value and how many seconds it lives, whatever the loader's ``expiration`` says."""

    value: Stored
    expiration: Seconds


class LoadError(Exception):
    """Raise it, or answer it for one key, where there is no way to know the value: its text is told to the client."""


class Change(msgspec.Struct, frozen=True):
    """One key for ``bulk_write``: its value of now, bytes or a dictionary of bytes; None if it was deleted."""

    key: bytes
    value: bytes | dict[bytes, bytes] | None


class Loader(ABC):
    """Derive from it, set ``pattern`` and write ``bulk_load``.

    The attributes are the loader's settings; a table ``[[loading.loaders]]`` may give others. Arguments of ``__init__`` come
    from that table's ``options``.
    """

    pattern: str = ""
    """Which keys it loads, as a Redis glob: ``user:*``. Of several loaders that match a key the first is asked."""
    name: str = ""
    """How LOADER, INFO and the log call it; empty for the name of the class."""
    db: int = 0
    """The number of the database in which it loads."""
    batch_size: int = 1000
    """Most keys for one call of ``bulk_load``."""
    batch_window_ms: float = 2
    """How long the first key of a batch waits for others."""
    max_concurrent_batches: int = 4
    """How many calls may run at once."""
    timeout_ms: int = 5000
    """How long a client waits for a key; then it is answered LOADTIMEOUT, and what still comes is kept."""
    tries: int = 10
    """How often a key is tried, as long as its time lasts, with pauses that double; the first counts."""
    retry_pause_ms: float = 50
    """The pause before the second try, to which up to as much again is added by chance."""
    expiration: Seconds = "infinity"
    """How many seconds a loaded value lives."""
    expiration_jitter: float = 0.1
    """By up to this share of it the life is shortened, by chance, so that what was loaded at once does not expire at once."""
    negative_expiration: float = 10
    """For how many seconds it is remembered that a key has no value; 0: it is not."""
    exists_expiration: float = 60
    """For how many seconds it is remembered that ``key_exists`` has said yes; 0: it is not."""
    refresh_ahead: float = 0
    """In the last share of its life a value that is read is loaded anew, while the old one is served; 0: never, 0.2: the last fifth."""
    on_failure: Literal["error", "stale", "miss"] = "error"
    """What a client gets where loading fails: an error; the value of before, which is kept for ``stale_seconds`` beyond its life; or nothing."""
    stale_seconds: float = 3600
    """For how long ``on_failure = "stale"`` keeps what has outlived its ``expiration``."""
    circuit_failures: int = 5
    """After so many failed calls in a row the loader is left in peace, and everybody is answered at once."""
    circuit_reset_ms: int = 500
    """For how long, until one call may try again."""
    write_mode: Literal["none", "through", "behind"] = "none"
    """Whether what clients write goes to the database: before they are answered, or later and in batches.
    In a table it is called ``write``, as the method is here."""
    write_window_ms: float = 100
    """With ``behind``: how long the first change of a batch waits for others, and for its own successors."""
    write_queue: int = 100_000
    """With ``behind``: of how many keys changes may wait; at this limit, writes go through."""

    @abstractmethod
    def bulk_load(self, keys: list[bytes]) -> "Mapping[bytes, Datum] | Awaitable[Mapping[bytes, Datum]]":
        """Return what there is for these keys; may raise anything, which fails the keys."""

    def new(self, key: bytes, datum: Datum) -> "Stored | Loaded | Mark | Awaitable[Stored | Loaded | Mark]":
        """Return the value for what ``bulk_load`` has found."""
        return datum  # type: ignore[no-any-return]  # by default it is one

    def refresh(
        self, key: bytes, old: bytes | dict[bytes, bytes], datum: Datum
    ) -> "Stored | Loaded | Mark | Awaitable[Stored | Loaded | Mark]":
        """Return the value that shall replace ``old``, or ``KEEP``."""
        return self.new(key, datum)

    # ``key_exists(key) -> bool`` is asked first where a loader has it; ``write(key, value)``, ``delete(key)`` and
    # ``bulk_write(changes: Sequence[Change])`` are called as ``write_mode`` says; ``start()`` before the first call and
    # ``close()`` after the last one. None of these is here, so that a loader can be asked what it has.


WRITERS: Final[Sequence[str]] = ("bulk_write", "write", "delete")
