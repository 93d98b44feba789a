"""What is known of keys without asking the database again: that there is no value, or, with ``key_exists``, that there is one.

Bounded in every way, because clients choose the keys: so many keys and no more, of which the first to be forgotten anyway go
first; and a long key is kept as its digest. Everything takes the same time, however many there are.
"""

import hashlib
from collections import OrderedDict
from typing import Final, TypeAlias

LONGEST_NAME_BYTES: Final = 128
"""Longer keys are kept as 32 bytes of BLAKE2b."""

SWEPT_PER_NOTE: Final = 2
"""More than are added, so that what is over goes as fast as it comes."""

SWEPT_PER_COUNT: Final = 10_000
"""About two milliseconds' worth."""

CLOCK_SLACK_MS: Final = 1000
"""A clock that is set back by more than this makes all deadlines worthless."""

BYTES_PER_KEY: Final = 250
"""Of tables, links and deadlines, beside the key's own bytes; measured with 100,000 keys in CPython 3.11."""

Name: TypeAlias = bytes | int
"""A key, or its digest as a number: a key that a client chooses can never be taken for a digest."""

Deadlines: TypeAlias = OrderedDict[Name, int]
"""The oldest first. Only an ordered dictionary gives its first item away without looking at all that went before."""


class Known:
    """Keys of one loader; the time of day is handed in."""

    __slots__ = ("_absent", "_latest_ms", "_most", "_name_bytes", "_present")

    def __init__(self, most: int) -> None:
        self._most = most
        self._absent: Deadlines = OrderedDict()
        self._present: Deadlines = OrderedDict()
        self._name_bytes = 0
        self._latest_ms = 0

    def note_absent(self, key: bytes, now_ms: int, life_ms: int) -> None:
        """Remember for so long that a key has no value."""
        self._note(self._absent, key, now_ms, life_ms)

    def note_present(self, key: bytes, now_ms: int, life_ms: int) -> None:
        """Remember for so long that a key has a value."""
        self._note(self._present, key, now_ms, life_ms)

    def is_absent(self, key: bytes, now_ms: int) -> bool:
        """Say whether a key is known to have no value."""
        return self._holds(self._absent, key, now_ms)

    def is_present(self, key: bytes, now_ms: int) -> bool:
        """Say whether a key is known to have a value."""
        return self._holds(self._present, key, now_ms)

    def forget(self, key: bytes) -> None:
        """Know nothing of a key any more."""
        name = _name_of(key)
        for deadlines in (self._absent, self._present):
            self._drop(deadlines, name)

    def clear(self) -> None:
        """Know nothing any more."""
        self._absent.clear()
        self._present.clear()
        self._name_bytes = 0

    def sweep(self, now_ms: int, most: int = SWEPT_PER_COUNT) -> None:
        """Drop up to so many keys of each kind that are over, the oldest first."""
        self._check_clock(now_ms)
        for deadlines in (self._absent, self._present):
            self._sweep(deadlines, now_ms, most)

    def counts(self, now_ms: int) -> tuple[int, int]:
        """Return how many keys are known to be absent and to be present, after a sweep; keys with longer lives than others may hide some that are over."""
        self.sweep(now_ms)
        return len(self._absent), len(self._present)

    @property
    def size_bytes(self) -> int:
        """Return about how much memory it takes."""
        return BYTES_PER_KEY * len(self) + self._name_bytes

    def __len__(self) -> int:
        return len(self._absent) + len(self._present)

    # -- within ------------------------------------------------------------------

    def _note(self, deadlines: Deadlines, key: bytes, now_ms: int, life_ms: int) -> None:
        self._check_clock(now_ms)
        self.forget(key)
        for swept in (self._absent, self._present):
            self._sweep(swept, now_ms, SWEPT_PER_NOTE)
        if life_ms <= 0 or self._most <= 0:
            return
        while len(self) >= self._most:
            self._drop_first()
        name = _name_of(key)
        deadlines[name] = now_ms + life_ms
        self._name_bytes += _size_of(name)

    def _holds(self, deadlines: Deadlines, key: bytes, now_ms: int) -> bool:
        self._check_clock(now_ms)
        name = _name_of(key)
        deadline_ms = deadlines.get(name)
        if deadline_ms is None:
            return False
        if deadline_ms <= now_ms:
            self._drop(deadlines, name)
            return False
        return True

    def _drop(self, deadlines: Deadlines, name: Name) -> None:
        if deadlines.pop(name, None) is not None:
            self._name_bytes -= _size_of(name)

    def _drop_first(self) -> None:
        """Drop the oldest of its kind: of two kinds, the one that would be forgotten sooner."""
        first = min(
            (next(iter(kind.values())), at) for at, kind in enumerate((self._absent, self._present)) if kind
        )
        name, _ = (self._absent, self._present)[first[1]].popitem(last=False)
        self._name_bytes -= _size_of(name)

    def _sweep(self, deadlines: Deadlines, now_ms: int, most: int) -> None:
        for _ in range(min(most, len(deadlines))):
            name, deadline_ms = next(iter(deadlines.items()))
            if deadline_ms > now_ms:
                return
            self._drop(deadlines, name)

    def _check_clock(self, now_ms: int) -> None:
        if now_ms < self._latest_ms - CLOCK_SLACK_MS:
            self.clear()
            self._latest_ms = now_ms
        elif now_ms > self._latest_ms:
            self._latest_ms = now_ms


def _name_of(key: bytes) -> Name:
    if len(key) <= LONGEST_NAME_BYTES:
        return key
    return int.from_bytes(hashlib.blake2b(key, digest_size=32).digest())


def _size_of(name: Name) -> int:
    return len(name) if isinstance(name, bytes) else 32
