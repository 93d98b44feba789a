import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.loading import Missing
from respcache.loading.sql_rows import RowError, document_of, place_of, text_of, value_maker
from tests.rows import every_row

MOMENT = datetime(2026, 1, 31, 23, 4, 5, 600, tzinfo=timezone(timedelta(hours=2)))
CELLS = [
    (0, "0", b"0"),
    (-(2**63), "-9223372036854775808", b"-9223372036854775808"),
    (True, "true", b"true"),
    (1.5, "1.5", b"1.5"),
    (Decimal("12.50"), "12.50", b"12.50"),
    (Decimal("123456789012345678901234567890.1"), "123456789012345678901234567890.1", None),
    ("Zoë \"Z\" 'x'", '"Zoë \\"Z\\" \'x\'"', "Zoë \"Z\" 'x'".encode()),
    ("", '""', b""),
    (b"\x00\xff", '"AP8="', b"\x00\xff"),
    (memoryview(b"\xff"), '"/w=="', b"\xff"),
    (date(2026, 1, 31), '"2026-01-31"', b"2026-01-31"),
    (datetime(2026, 1, 31, 5), '"2026-01-31T05:00:00"', b"2026-01-31T05:00:00"),
    (MOMENT, '"2026-01-31T21:04:05.000600Z"', b"2026-01-31T21:04:05.000600Z"),
    (time(5, 6), '"05:06:00"', b"05:06:00"),
    (timedelta(days=1, seconds=2), '"P1DT2S"', b"P1DT2S"),
    (UUID(int=7), '"00000000-0000-0000-0000-000000000007"', b"00000000-0000-0000-0000-000000000007"),
    (IPv4Address("10.0.0.1"), '"10.0.0.1"', b"10.0.0.1"),
    ([1, "a", None], '[1,"a",null]', b'[1,"a",null]'),
    ({"a": {"b": 1.5}}, '{"a":{"b":1.5}}', b'{"a":{"b":1.5}}'),
]


@every_row(("cell", "in_json", "text"), CELLS)
def test_columns_in_json_and_elsewhere(cell: Any, in_json: str, text: bytes | None) -> None:
    assert document_of(["a"], [cell]).decode() == f'{{"a":{in_json}}}'
    assert text_of(cell) == (in_json.encode() if text is None else text)


@pytest.mark.parametrize("cell", [None, float("nan"), float("-inf"), Decimal("NaN"), Decimal("Infinity")])
def test_what_is_nothing(cell: Any) -> None:
    assert document_of(["a"], [cell]) == b'{"a":null}'
    assert text_of(cell) is None


def test_a_document_is_compact_and_keeps_the_order_of_the_columns() -> None:
    assert value_maker("json", ["id", "name"])((5, "Zoë")) == '{"id":5,"name":"Zoë"}'.encode()


def test_a_hash_leaves_out_what_is_null() -> None:
    make = value_maker("hash", ["id", "größe", "at"])
    assert make((5, None, MOMENT.astimezone(UTC))) == {b"id": b"5", b"at": b"2026-01-31T21:04:05.000600Z"}
    assert make((5, 1.0, None)) == {b"id": b"5", "größe".encode(): b"1.0"}


def test_a_column_by_itself() -> None:
    make = value_maker("name", ["id", "name"])
    assert (make((5, "Ann")), make((5, b"\xff")), make((5, ""))) == (b"Ann", b"\xff", b"")
    assert make((5, None)) is Missing


def test_text_that_was_no_utf_8_leaves_as_it_came() -> None:
    assert text_of(b"caf\xe9".decode("utf-8", "surrogateescape")) == b"caf\xe9"


def test_such_text_cannot_be_json() -> None:
    with pytest.raises(UnicodeEncodeError):
        document_of(["name"], [b"caf\xe9".decode("utf-8", "surrogateescape")])


@pytest.mark.parametrize("value", ["json", "hash"])
def test_a_whole_row_needs_different_names(value: str) -> None:
    with pytest.raises(RowError, match="two columns 'id'"):
        value_maker(value, ["id", "name", "id"])


def test_a_column_that_is_needed_is_there_once() -> None:
    assert place_of("b", ["a", "b"], "") == 1
    with pytest.raises(RowError, match="the query has no column 'c', and it is the key"):
        place_of("c", ["a", "b"], "it is the key")
    with pytest.raises(RowError, match="two columns 'a'"):
        value_maker("a", ["a", "a"])


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
        min_size=1,
    )
)
def test_documents_are_what_any_reader_of_json_reads(row: dict[str, Any]) -> None:
    document = document_of(list(row), list(row.values()))
    assert json.loads(document) == row
    assert msgspec.json.decode(document) == row
