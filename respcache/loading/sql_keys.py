"""Which texts can be keys of a row: a number or a UUID has one spelling.

Row 42 is loaded for ``user:42``, and neither for ``user:042`` nor for ``user:+42``, which no change of row 42 would ever reach.
"""

import re
from typing import Final, Literal, TypeAlias

KeyType: TypeAlias = Literal["integer", "text", "uuid"]
"""What a placeholder's column holds, as settings say it."""

BITS: Final = {"integer": 64, "integer32": 32, "integer16": 16}
"""The widths of integers. The narrower ones are not for settings: a database may tell that a column has them."""

INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_value_of(key_type: str, text: str) -> bool:
    """Say whether a column of this type could hold the text, spelled so and not otherwise."""
    if key_type == "uuid":
        return UUID.fullmatch(text) is not None
    if key_type == "text":
        return "\0" not in text  # PostgreSQL has no such text
    if INTEGER.fullmatch(text) is None:
        return False
    beyond = 1 << (BITS[key_type] - 1)
    return -beyond <= int(text) < beyond
