"""Default expiration: how long a key lives when nobody says.

One life for every key, and lives for glob patterns, of which the first that
matches wins. An explicit expiry (EX, EXPIRE ...) or PERSIST always wins over a
default, until the key is next created, or replaced under ``on-write``.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from .glob import compile_glob

RENEWALS_TOLD: Final = 10
"""Where copies have to be told, a read renews a life only when that makes it longer by more than a tenth: or each
GET would be a write on several nodes. So a key that nobody uses may die up to a tenth of its life early."""


class Renewal(enum.Enum):
    """What starts a default life anew; named as the setting ``expiration-renew`` is."""

    ON_WRITE = "on-write"
    """Redis' way: whatever replaces the value. A change in place keeps the deadline."""
    ON_CREATE = "on-create"
    """Kashup's way: only the key's creation."""
    ON_ACCESS = "on-access"
    """Sliding: every read and write."""


class PatternLife(msgspec.Struct, frozen=True):
    """A life in milliseconds, or None for ever, of the keys that match a glob pattern."""

    pattern: bytes
    life_ms: int | None


class DefaultDeadline(int):
    """A deadline in Unix ms that a default life has set, and may set anew; one that a client gave is a plain int."""

    __slots__ = ()


class Lives:
    """Answers which default life a key has."""

    def __init__(
        self,
        life_ms: int | None,
        patterns: Sequence[PatternLife] = (),
        renewal: Renewal = Renewal.ON_WRITE,
    ) -> None:
        self._life_ms = life_ms
        self._patterns = [(compile_glob(rule.pattern), rule.life_ms) for rule in patterns]
        self.renewal = renewal
        self.is_sliding = renewal is Renewal.ON_ACCESS

    def life_ms(self, key: bytes) -> int | None:
        """Return the default life of ``key`` in milliseconds, None for ever."""
        for matches, life_ms in self._patterns:
            if matches(key):
                return life_ms
        return self._life_ms
