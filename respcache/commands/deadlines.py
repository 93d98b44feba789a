"""From the times that clients give to deadlines: Unix milliseconds, within 64 bits.

Every command that takes a time option (SET, GETEX) or a time (SETEX, EXPIRE ...) comes
here, so that what is too much is refused everywhere alike, in Redis' words.
"""

from typing import Final

from .errors import invalid_expire
from .numbers import INT64_MAX, INT64_MIN

UNITS_MS: Final = {b"EX": 1000, b"PX": 1, b"EXAT": 1000, b"PXAT": 1}
"""The options that take a time, and the milliseconds in one of its units."""

ABSOLUTE: Final = frozenset({b"EXAT", b"PXAT"})
"""Those of them that count from the epoch, not from now."""


def deadline_of_option(option: bytes, time: int, now_ms: int, command: str) -> int:
    """Return the deadline that SET's EX, PX, EXAT or PXAT asks for; a time must be positive there."""
    deadline_ms = time * UNITS_MS[option]
    if option not in ABSOLUTE:
        deadline_ms += now_ms
    if time <= 0 or deadline_ms > INT64_MAX:
        raise invalid_expire(command)
    return deadline_ms


def deadline_of_expire(time: int, unit_ms: int, base_ms: int, command: str) -> int:
    """Return the deadline that EXPIRE and its kin ask for; it may lie in any past."""
    time_ms = time * unit_ms
    if not INT64_MIN <= time_ms <= INT64_MAX - base_ms:
        raise invalid_expire(command)
    return time_ms + base_ms
