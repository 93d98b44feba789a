"""From changes to parameters: what a client has written becomes what an upsert or a delete binds.

Clients write text, and columns have types. PostgreSQL finds out itself what a text means for a column, as long as nobody claims
that it is a text: so there everything is bound as a text without a type (``as_text``). SQLite's columns have affinities and do the same, but a JSON
document's numbers are bound as numbers, for columns that have none. ``types`` is for what is left, such as bytes and arrays.
"""

import math
from base64 import b64decode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from .key_pattern import KeyPattern
from .loader import Change, LoadError
from .sql_arrays import array_literal
from .sql_keys import is_value_of
from .sql_options import ColumnType, SqlTable, parameters_in
from .sql_rows import JSON

Bound: TypeAlias = str | bytes | int | float | bool | None
Parameters: TypeAlias = dict[str, Bound]
Member: TypeAlias = Any
"""A part of a JSON document."""

DOCUMENT: Final = msgspec.json.Decoder(dict[str, Member], float_hook=Decimal)
"""Floats would lose digits that a column of decimals could keep."""

ARRAY: Final = msgspec.json.Decoder(list[Member], float_hook=Decimal)
TRUTHS: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class Changes:
    """Makes parameters as one table's settings say. LoadErrors name fields, and no values."""

    def __init__(self, settings: SqlTable, *, as_text: bool) -> None:
        self._pattern = KeyPattern(settings.pattern)
        self._key_types = settings.key_types(self._pattern.names)
        self._value = settings.value
        self._types: Mapping[str, ColumnType] = settings.types
        self._fields = sorted(parameters_in(settings.upsert) - set(self._pattern.names))
        self._as_text = as_text

    def parameters_of(self, change: Change) -> Parameters | None:
        """Return what is bound: the placeholders, and fields unless it is deleted; None if there is nothing to delete.

        Raises LoadError for a value that no row could hold.
        """
        parameters = self._placeholders(change.key)
        if change.value is None:
            return parameters
        if parameters is None:
            raise LoadError(f"no row has such a key: they are like {self._pattern.text!r}")
        return parameters | self._fields_of(change.value)

    def _placeholders(self, key: bytes) -> Parameters | None:
        values = self._pattern.values(key)
        if values is None:
            return None
        parameters: Parameters = {}
        for key_type, (name, value) in zip(self._key_types, values.items(), strict=True):
            if not is_value_of(key_type or "text", value):
                return None
            parameters[name] = int(value) if key_type == "integer" else value
        return parameters

    def _fields_of(self, value: bytes | dict[bytes, bytes]) -> Parameters:
        if isinstance(value, dict) != (self._value == "hash"):
            raise LoadError(
                f"the database takes {'hashes' if self._value == 'hash' else 'strings'} for such keys"
            )
        if self._value == "json":
            document = _document_of(value)
            return {field: self._of_member(field, document.get(field)) for field in self._fields}
        texts = value if isinstance(value, dict) else {self._value.encode(): value}
        return {field: self._of_bytes(field, texts.get(field.encode())) for field in self._fields}

    def _of_bytes(self, field: str, value: bytes | None) -> Bound:
        if value is None or self._types.get(field) == "bytes":
            return value
        try:
            return self._of_text(field, value.decode())
        except UnicodeDecodeError:
            raise LoadError(f'{field!r} is no UTF-8, and its type is not "bytes"') from None

    def _of_member(self, field: str, member: Member) -> Bound:
        if member is None:
            return None
        text = member if isinstance(member, str) else JSON.encode(member).decode()
        if self._types.get(field) == "bytes":
            return _bytes_of(field, text)
        if field in self._types or self._as_text or isinstance(member, str | list | dict):
            return self._of_text(field, text)
        if isinstance(member, Decimal):
            return float(member) if math.isfinite(float(member)) else text
        return member if is_value_of("integer", str(int(member))) else text

    def _of_text(self, field: str, text: str) -> Bound:
        match self._types.get(field):
            case "integer" if is_value_of("integer", text):
                return int(text)
            case "real" if (number := _number_of(text)) is not None:
                return number
            case "array" if (array := _array_of(text)) is not None:
                return array
            case "boolean" if text.lower() in TRUTHS:
                return TRUTHS[text.lower()]
            case None if not (self._as_text and "\0" in text):
                return text
            case None:
                raise LoadError(f"{field!r} has a NUL character")
            case name:
                raise LoadError(f"{field!r} is not of type {name!r}")


def _document_of(value: bytes | dict[bytes, bytes]) -> dict[str, Member]:
    try:
        return DOCUMENT.decode(value if isinstance(value, bytes) else b"")
    except (
        msgspec.MsgspecError,
        UnicodeDecodeError,
        RecursionError,
        ArithmeticError,
    ):  # too deep, or 1e9999999999999999999
        raise LoadError("the value is no JSON object") from None


def _bytes_of(field: str, text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise LoadError(f"{field!r} is no base64") from None


def _array_of(text: str) -> str | None:
    """Return a JSON array as PostgreSQL writes arrays, whatever they are arrays of; None for what is none."""
    try:
        items = ARRAY.decode(text)
    except (msgspec.MsgspecError, RecursionError, ArithmeticError):
        return None
    return array_literal(items)


def _number_of(text: str) -> float | None:
    """Return a finite number; None for what Python takes for one besides, such as 1_000."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
