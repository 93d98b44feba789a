"""Numbers in clients' words, as strictly as Redis reads them, and as Redis writes them."""

import math
import re
from typing import Final

from .errors import DB_OUT_OF_RANGE, NOT_A_FLOAT, NOT_AN_INTEGER, CommandError

INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1
"""C's ``int``, in which Redis keeps the numbers of databases."""
INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_FLOAT: Final = re.compile(
    rb"[+-]?(?:(\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|0[xX]([0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)"
    rb"(?:[pP][+-]?\d+)?|inf(?:inity)?)",
    re.IGNORECASE,
).fullmatch


def parse_integer(raw: bytes, message: str = NOT_AN_INTEGER) -> int:
    """Parse a 64-bit integer without plus sign, spaces, leading zeros or underscores."""
    try:
        number = int(raw)
    except ValueError:
        raise CommandError(message) from None
    if b"%d" % number != raw or not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(message)
    return number


def parse_float(raw: bytes, message: str = NOT_A_FLOAT) -> float:
    """Parse what C's strtod takes whole and in range, except NaN: decimal, hexadecimal and infinite numbers."""
    found = _FLOAT(raw)
    if found is None:
        raise CommandError(message)
    text = raw.decode()
    try:
        number = float.fromhex(text) if found[2] else float(text)
    except (ValueError, OverflowError):
        raise CommandError(message) from None
    digits = found[1] or found[2]
    if digits and (math.isinf(number) or (number == 0 and digits.strip(b"0."))):
        raise CommandError(message)
    return number


def parse_database(raw: bytes) -> int:
    """Parse a database number; whether it exists is for the caller."""
    number = parse_integer(raw, "invalid DB index")
    if number < 0:
        raise CommandError(DB_OUT_OF_RANGE)
    return number
