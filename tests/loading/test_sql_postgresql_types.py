"""The loader with a real PostgreSQL: text becomes what a column is, and a column what stands in JSON and hashes."""

import msgspec
import pytest

from respcache.loading import Change
from respcache.loading.sql_errors import SqlError
from tests.loading.conftest import MakeLoader
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.postgresql

ONE = "00000000-0000-0000-0000-000000000001"
TWO = "00000000-0000-0000-0000-000000000002"
THING = {
    "id": ONE,
    "small": 5,
    "big": 9223372036854775807,
    "price": "123456789012345678901234567.50",
    "ratio": 1e22,
    "ok": True,
    "colour": "red",
    "at": "2026-01-31T21:04:05.000600Z",
    "local": "2026-01-31T23:04:05",
    "day": "2026-01-31",
    "hour": "05:06:00",
    "span": "P1DT2S",
    "document": {"a": [1, "é", None]},
    "words": ["x y", 'z"'],
    "raw": "AP8=",
    "host": "10.0.0.1",
    "parent": None,
}
COLUMNS = ", ".join(THING)
THINGS = {
    "pattern": "thing:{id}",
    "query": "select * from things where id in :keys",
    "write": "through",
    "key_type": "uuid",
    "types": {"raw": "bytes", "words": "array"},
    "upsert": f"insert into things ({COLUMNS}) values ({', '.join(f':{name}' for name in THING)})"
    f" on conflict (id) do update set ({COLUMNS}) = ({', '.join(f'excluded.{name}' for name in THING)})",
    "delete": "delete from things where id = :id",
}


@pytest.fixture
def loader(postgresql_loader: MakeLoader) -> MakeLoader:
    return postgresql_loader


@pytest.mark.parametrize("key_type", [None, "uuid"])
def test_uuids_have_one_spelling(
    loader: MakeLoader, postgresql: PostgreSQL, postgresql_shop: str, key_type: str | None
) -> None:
    with postgresql.connect(postgresql_shop) as connection:
        connection.execute("insert into things (id, small) values (%s, 5)", [ONE])
    settings = {"key_type": key_type} if key_type else {}
    made = loader(
        pattern="thing:{id}",
        query="select id, small from things where id in :keys",
        value="small",
        **settings,
    )
    keys = [f"thing:{text}" for text in (ONE, TWO, f"{{{ONE}}}", ONE.replace("-", ""), "x")]
    assert made.bulk_load([key.encode() for key in keys]) == {f"thing:{ONE}".encode(): b"5"}


@pytest.mark.parametrize(
    ("column", "settings"),
    [
        ("varchar(5)", {}),
        ("text", {}),
        ("numeric", {"key_type": "integer"}),
        ("bigint", {"key_type": "integer"}),
        ("numeric", {}),
    ],
)
@pytest.mark.parametrize("among", ["in :keys", "in /* each a parameter */ :keys"])
def test_columns_of_many_types_are_compared(
    loader: MakeLoader, column: str, settings: dict[str, str], among: str
) -> None:
    rows = f"(select n::{column} as id from generate_series(1, 9) n) as numbers"
    made = loader(query=f"select id from {rows} where id {among}", value="id", **settings)
    assert made.bulk_load([b"user:1", b"user:9", b"user:10"]) == {b"user:1": b"1", b"user:9": b"9"}


def test_enums_may_be_compared_as_text(loader: MakeLoader) -> None:
    rows = "(select 'red'::colour as id) as colours"
    keys = [b"user:red", b"user:green", b"user:blue"]
    found = loader(query=f"select id from {rows} where id in :keys", value="id").bulk_load(keys)
    assert str(found.pop(b"user:blue")) == "InvalidTextRepresentation (SQLSTATE 22P02)"
    assert found == {b"user:red": b"red"}
    made = loader(query=f"select id from {rows} where id::text in :keys", value="id")
    assert made.bulk_load(keys) == {b"user:red": b"red"}


def test_keys_that_a_column_cannot_have_fail_alone(loader: MakeLoader) -> None:
    made = loader(
        pattern="day:{born}", query="select born, name from users where born in :keys", value="name"
    )
    days = [
        b"day:1996-01-31",
        b"day:1996-01-30",
        b"day:yesterday evening",
        b"day:31.1.1996",
        b"day:2026-02-31",
    ]
    found = made.bulk_load(days)
    assert found.pop(b"day:1996-01-31") == b"Ann"
    assert {key: str(error) for key, error in found.items()} == {
        b"day:yesterday evening": "InvalidDatetimeFormat (SQLSTATE 22007)",
        b"day:31.1.1996": "DatetimeFieldOverflow (SQLSTATE 22008)",
        b"day:2026-02-31": "DatetimeFieldOverflow (SQLSTATE 22008)",
    }


def test_a_row_that_python_cannot_hold_fails_alone(loader: MakeLoader) -> None:
    made = loader(
        query="select id, case id when 2 then date 'infinity' end as day from users where id in :keys"
    )
    found = made.bulk_load([b"user:1", b"user:2"])
    assert str(found.pop(b"user:2")) == "DataError"
    assert found == {b"user:1": b'{"id":1,"day":null}'}


def test_every_type_is_written_and_loaded_as_a_document(loader: MakeLoader) -> None:
    made, key = loader(**THINGS), f"thing:{ONE}".encode()
    price = b"123456789012345678901234567.50"
    document = msgspec.json.encode(THING).replace(b'"%b"' % price, price)
    made.bulk_write([Change(key, document)])
    loaded = made.bulk_load([key])[key]
    assert isinstance(loaded, bytes)
    assert b'"price":' + price in loaded
    assert msgspec.json.decode(loaded.replace(price, b'"%b"' % price)) == THING


def test_every_type_is_written_and_loaded_as_a_hash(loader: MakeLoader) -> None:
    made, key = loader(**THINGS, value="hash"), f"thing:{ONE}".encode()
    row = {b"raw": b"\0\xff"}
    for name, value in THING.items():
        if value is not None and name not in ("raw", "ratio"):
            row[name.encode()] = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    made.bulk_write([Change(key, row)])
    assert made.bulk_load([key]) == {key: row}


def test_a_row_that_another_one_waits_for_may_come_later(loader: MakeLoader) -> None:
    made = loader(**THINGS)
    child = Change(f"thing:{TWO}".encode(), msgspec.json.encode({"parent": ONE}))
    with pytest.raises(SqlError, match="violates foreign key constraint"):
        made.bulk_write([child])
    made.bulk_write([Change(f"thing:{ONE}".encode(), b"{}"), child])
    assert len(made.bulk_load([child.key])) == 1
