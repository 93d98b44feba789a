"""What SCAN and HSCAN share: how a cursor and the options behind it are read.

They are not parsed from the declaration, because redis-server reads them at a
peculiar moment: the cursor first, then the key, and the options only when there
is something to scan.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..keyspace.glob import Matcher, compile_glob
from .errors import SYNTAX, CommandError
from .numbers import parse_integer

DEFAULT_PLACES: Final = 10
CURSOR_MODULUS: Final = 2**64

_CURSOR: Final = re.compile(rb"[+-]?\d+").fullmatch


class ScanOptions(NamedTuple):
    """What may follow a cursor."""

    matches: Matcher | None
    places: int
    """COUNT: how many places to look at."""

    type_name: bytes | None
    without_values: bool


def parse_cursor(raw: bytes) -> int:
    """Read a cursor as C's strtoul does: a sign is allowed (-1 is the largest), and nothing at all is 0."""
    digits = raw.lstrip(b"+-").lstrip(b"0") or b"0"
    # Twenty digits are enough for any cursor, and Python refuses to read thousands of them.
    if (raw and _CURSOR(raw) is None) or len(digits) > 20 or int(digits) >= CURSOR_MODULUS:
        raise CommandError("invalid cursor")
    return (-int(digits) if raw.startswith(b"-") else int(digits)) % CURSOR_MODULUS


def parse_scan_options(words: Sequence[bytes], *, takes_type: bool, takes_no_values: bool) -> ScanOptions:
    """Read the words behind the cursor; of a repeated option the last one counts."""
    matches, places, type_name, without_values = None, DEFAULT_PLACES, None, False
    rest = iter(words)
    for word in rest:
        option = word.upper()
        if option == b"NOVALUES" and takes_no_values:
            without_values = True
            continue
        value = next(rest, None)
        if value is None:
            raise CommandError(SYNTAX)
        if option == b"COUNT":
            places = parse_integer(value)
            if places < 1:
                raise CommandError(SYNTAX)
        elif option == b"MATCH":
            matches = None if value == b"*" else compile_glob(value)
        elif option == b"TYPE" and takes_type:
            type_name = value
        else:
            raise CommandError(SYNTAX)
    return ScanOptions(matches, places, type_name, without_values)
