"""From rows to values: a row becomes a JSON document, a hash, or one of its columns.

What a column becomes in JSON it becomes elsewhere too, without the quotes: ``12.50``, ``true``, ``2026-01-31``. Only bytes are base64 in
JSON, and themselves elsewhere. Times that know their zone are told in UTC, as the zone of a session is nobody's business. NULL, and what is
no number (NaN, infinity), is null in JSON, and is not there elsewhere.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from .loader import Missing, Stored
from .values import WrongAnswerError

Cell: TypeAlias = Any
"""What a driver makes of a column: it knows types that we do not."""

Row: TypeAlias = Sequence[Cell]

JSON: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
"""Decimals keep their digits; types of drivers, such as addresses and ranges, are shown as they show themselves."""

JSON_STRING: Final = msgspec.json.Decoder(str)


class RowError(WrongAnswerError):
    """Rows cannot become values; the text names columns, and no values."""


def text_of(cell: Cell) -> bytes | None:
    """Return what a column is in a hash, or by itself; None for NULL."""
    if type(cell) is int:
        return b"%d" % cell
    if isinstance(cell, str):
        # What was no UTF-8 in SQLite is here as surrogates, and leaves as it came.
        return cell.encode("utf-8", "surrogateescape")
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell)
    plain = _plain(cell)
    if plain is None:
        return None
    document = JSON.encode(plain)
    return JSON_STRING.decode(document).encode() if document.startswith(b'"') else document


def spelling_of(cell: Cell) -> str:
    """Return how a column must stand in a key for the row to be that key's; empty, as nothing in a key is, if it cannot."""
    if type(cell) is str:
        return cell
    try:
        return (text_of(cell) or b"").decode()
    except UnicodeDecodeError:
        return ""


def document_of(names: Sequence[str], row: Row) -> bytes:
    """Return a row as a JSON object without spaces, in the order of its columns."""
    return JSON.encode(dict(zip(names, map(_plain, row), strict=True)))


def value_maker(value: str, names: Sequence[str]) -> Callable[[Row], Stored | Any]:
    """Return what makes values of rows with these columns, or ``Missing``; ``value`` is as in the settings.

    Raises RowError.
    """
    if value not in ("json", "hash"):
        place = place_of(value, names, "it shall be the value")
        return lambda row: Missing if (text := text_of(row[place])) is None else text
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RowError(f"the query has two columns {twice[0]!r}; give one another name: ... as ...")
    if value == "json":
        return lambda row: document_of(names, row)
    fields = [name.encode() for name in names]
    return lambda row: {
        field: text for field, text in zip(fields, map(text_of, row), strict=True) if text is not None
    }


def place_of(name: str, names: Sequence[str], reason: str) -> int:
    """Return where a column stands. Raises RowError."""
    if names.count(name) != 1:
        how_many = "no column" if name not in names else "two columns"
        raise RowError(f"the query has {how_many} {name!r}, and {reason}")
    return names.index(name)


def _plain(cell: Cell) -> Cell:
    """Return what JSON shall make of a column."""
    if isinstance(cell, float | Decimal):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return cell.astimezone(UTC)
    return cell
