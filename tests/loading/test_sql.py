"""The loader with SQLite; ``test_sql_postgresql.py`` has what differs with a server."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from respcache.loading import Change, LoadError, Missing
from respcache.loading.options import LoaderSettingsError, options_of
from respcache.loading.sql import SqlLoader, sql_loader
from respcache.loading.sql_database import Database
from respcache.loading.sql_errors import RefusedError, SqlError
from respcache.loading.values import WrongAnswerError

SCHEMA = """
create table users (id integer primary key, name text unique, email text, score real, photo blob);
insert into users values (1, 'Ann', 'ann@example.com', 1.5, x'00ff'), (2, 'Zoë', null, null, null), (42, 'Bob', null, 2, null);
create table items (shop text, id integer, name text, primary key (shop, id));
insert into items values ('a', 1, 'apple'), ('a', 2, 'pear'), ('b:c', 1, 'plum');
"""
WRITING = {
    "write": "through",
    "key_type": "integer",
    "value": "hash",
    "query": "select id, name, score from users where id in :keys",
    "upsert": "insert into users (id, name, score) values (:id, :name, :score)"
    " on conflict (id) do update set name = excluded.name, score = excluded.score",
    "delete": "delete from users where id = :id",
}
ITEMS = {
    "pattern": "item:{shop}:{id}",
    "query": "select shop, id, name from items where (shop, id) in :keys",
    "value": "name",
}
Make = Callable[..., SqlLoader]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
    return path


@pytest.fixture
def loader(file: Path) -> Iterator[Make]:
    with ExitStack() as started:

        def make(**settings: Any) -> SqlLoader:
            table = {
                "url": f"sqlite:///{file}",
                "pattern": "user:{id}",
                "query": "select id, name, email from users where id in :keys",
            }
            made, _ = sql_loader(table | settings)
            made.start()
            started.callback(made.close)
            return made

        yield make


def test_a_table_becomes_a_loader_and_the_settings_that_all_loaders_have(file: Path) -> None:
    table = {
        "url": f"sqlite:///{file}",
        "pattern": "user:{id}",
        "query": "select * from users where id in :keys",
        "expiration": 60,
    }
    made, general = sql_loader(table)
    options = options_of(made, general)
    assert (options.name, options.pattern, options.expiration) == ("sql-user-id", "user:*", 60)
    assert repr(made) == "<SqlLoader sql-user-id of 'user:{id}'>"


def test_rows_become_documents(loader: Make) -> None:
    assert loader().bulk_load([b"user:1", b"user:2", b"user:3"]) == {
        b"user:1": b'{"id":1,"name":"Ann","email":"ann@example.com"}',
        b"user:2": '{"id":2,"name":"Zoë","email":null}'.encode(),
    }


def test_rows_become_hashes(loader: Make) -> None:
    made = loader(value="hash", query="select * from users where id in :keys")
    assert made.bulk_load([b"user:1", b"user:2"]) == {
        b"user:1": {
            b"id": b"1",
            b"name": b"Ann",
            b"email": b"ann@example.com",
            b"score": b"1.5",
            b"photo": b"\0\xff",
        },
        b"user:2": {b"id": b"2", b"name": "Zoë".encode()},
    }


def test_a_column_becomes_a_value_and_null_is_none(loader: Make) -> None:
    assert loader(value="email").bulk_load([b"user:1", b"user:2"]) == {
        b"user:1": b"ann@example.com",
        b"user:2": Missing,
    }


@pytest.mark.parametrize("key_type", [None, "integer", "text"])
def test_a_row_has_one_key_only(loader: Make, key_type: str | None) -> None:
    settings = {"key_type": key_type} if key_type else {}
    strangers = [
        b"042",
        b"42.0",
        b"+42",
        b" 42",
        b"0x2a",
        "٤٢".encode(),
        b"\xff",
        b"",
        b"1\0",
        b"4e1",
        b"9" * 40,
    ]
    found = loader(value="name", **settings).bulk_load([b"user:" + text for text in [b"42", *strangers]])
    assert found == {b"user:42": b"Bob"}


def test_what_stands_in_keys_is_never_read_as_sql(loader: Make, file: Path) -> None:
    hostile = [
        b"1 or 1=1",
        b"1) or (1=1",
        b"1'; drop table users; --",
        b":keys",
        b"%(keys)s",
        b"?",
        b"Ann' --",
    ]
    keys = [b"user:" + text for text in hostile]
    by_name = loader(
        pattern="user:{name}", value="email", query="select name, email from users where name in :keys"
    )
    assert loader().bulk_load(keys) == by_name.bulk_load(keys) == {}
    assert by_name.bulk_load([b"user:Ann"]) == {b"user:Ann": b"ann@example.com"}


def test_a_column_without_a_type_needs_the_type_of_its_keys(loader: Make, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executescript("create table loose (id, name); insert into loose values (7, 'Eve')")
    settings = {"query": "select id, name from loose where id in :keys", "value": "name"}
    assert loader(**settings, key_type="integer").bulk_load([b"user:7"]) == {b"user:7": b"Eve"}
    assert loader(**settings).bulk_load([b"user:7"]) == {}


def test_keys_of_several_values(loader: Make) -> None:
    made = loader(**ITEMS)
    assert made.pattern == "item:*:*"
    assert made.bulk_load([b"item:a:1", b"item:a:2", b"item:a:02", b"item:b:c:1", b"item:b:1"]) == {
        b"item:a:1": b"apple",
        b"item:a:2": b"pear",
    }


@pytest.mark.parametrize("key_type", [{"id": "integer"}, {"shop": "text"}, {"shop": "text", "id": "integer"}])
def test_types_of_several_values(loader: Make, key_type: dict[str, str]) -> None:
    found = loader(**ITEMS, key_type=key_type).bulk_load([b"item:a:1", b"item:a:x", b"item:x:1"])
    assert found == {b"item:a:1": b"apple"}


def test_the_key_may_be_another_column(loader: Make) -> None:
    made = loader(key="owner", query="select name as owner, id from users where name in :keys")
    assert made.bulk_load([b"user:Ann", b"user:ann"]) == {b"user:Ann": b'{"owner":"Ann","id":1}'}


def test_thousands_of_keys_at_once(loader: Make, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(
            "insert into users (id) values (?)", [(number,) for number in range(100, 1100)]
        )
    found = loader(value="id").bulk_load([b"user:%d" % number for number in range(40_100, 99, -1)])
    assert found == {b"user:%d" % number: b"%d" % number for number in range(100, 1100)}


def test_several_rows_for_one_key_are_an_error_of_this_key(loader: Make) -> None:
    made = loader(key="shop", pattern="shop:{id}", query="select shop, name from items where shop in :keys")
    found = made.bulk_load([b"shop:a", b"shop:b:c"])
    assert found[b"shop:b:c"] == b'{"shop":"b:c","name":"plum"}'
    assert isinstance(found[b"shop:a"], WrongAnswerError)
    assert str(found[b"shop:a"]) == "the query has several rows for this key"


def test_a_row_that_is_no_value_is_an_error_of_this_key(loader: Make, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("update users set name = cast(x'63e9' as text) where id = 1")
    found = loader().bulk_load([b"user:1", b"user:2"])
    assert str(found[b"user:1"]) == "the row cannot become a value: UnicodeEncodeError"
    assert found[b"user:2"] == '{"id":2,"name":"Zoë","email":null}'.encode()
    assert loader(value="name").bulk_load([b"user:1"]) == {b"user:1": b"c\xe9"}


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"key": "user_id"}, "no column 'user_id', and it says whose row it is"),
        ({"value": "age"}, "no column 'age', and it shall be the value"),
        ({"query": "select id, name, name from users where id in :keys"}, "two columns 'name'"),
    ],
)
def test_columns_that_the_query_lacks_are_named(loader: Make, settings: dict[str, str], text: str) -> None:
    with pytest.raises(WrongAnswerError, match=text):
        loader(**settings).bulk_load([b"user:1"])


def test_nothing_is_asked_for_keys_that_can_have_no_row(loader: Make) -> None:
    assert loader(query="select nonsense in :keys", key_type="integer").bulk_load([b"user:abc"]) == {}


def test_a_database_that_fails_fails_the_call(loader: Make) -> None:
    with pytest.raises(SqlError, match="no such table: people"):
        loader(query="select id from people where id in :keys").bulk_load([b"user:1"])


def refusing(*refused: str) -> Callable[[Database, list[tuple[str, ...]]], Any]:
    """Return a ``select`` that refuses queries which have one of these keys, as a server does that cannot convert them."""
    real = Database.select

    def select(self: Database, keys: list[tuple[str, ...]]) -> Any:
        if any(value in refused for key in keys for value in key):
            raise RefusedError("InvalidDatetimeFormat")
        return real(self, keys)

    return select


def test_a_key_that_fails_the_query_fails_alone(loader: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "select", refusing("3", "x"))
    keys = [b"user:1", b"user:2", b"user:3", b"user:x", b"user:42"]
    found = loader(value="name").bulk_load(keys)
    assert {key: str(found.pop(key)) for key in keys[2:4]} == dict.fromkeys(
        keys[2:4], "InvalidDatetimeFormat"
    )
    assert found == {b"user:1": b"Ann", b"user:2": "Zoë".encode(), b"user:42": b"Bob"}


def test_a_database_that_refuses_everything_is_not_asked_for_ever(
    loader: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def select(self: Database, keys: list[tuple[Any, ...]]) -> Any:
        raise RefusedError("division by zero")

    monkeypatch.setattr(Database, "select", select)
    found = loader().bulk_load([b"user:%d" % number for number in range(50)])
    assert {str(error) for error in found.values()} == {"division by zero"}
    with pytest.raises(SqlError, match="took longer than"):
        loader(timeout_ms=1).bulk_load([b"user:%d" % number for number in range(100_000)])


def test_changes_are_written_and_loaded_again(loader: Make) -> None:
    made = loader(**WRITING)
    made.bulk_write(
        [
            Change(b"user:1", {b"name": b"Eve'); --", b"score": b"2.50", b"unknown": b"x"}),
            Change(b"user:2", None),
            Change(b"user:7", {b"name": "Zoë".encode()}),
            Change(b"user:abc", None),
        ]
    )
    assert made.bulk_load([b"user:1", b"user:2", b"user:7"]) == {
        b"user:1": {b"id": b"1", b"name": b"Eve'); --", b"score": b"2.5"},
        b"user:7": {b"id": b"7", b"name": "Zoë".encode()},
    }


def test_documents_are_written_as_they_are_loaded(loader: Make) -> None:
    made = loader(**WRITING | {"value": "json"})
    document = '{"id":7,"name":"Zoë \\"Z\\"","score":2.5}'.encode()
    made.bulk_write([Change(b"user:7", document)])
    assert made.bulk_load([b"user:7"]) == {b"user:7": document}


def test_a_column_is_written_as_bytes_where_it_is_said_so(loader: Make) -> None:
    upsert = "insert into users (id, photo) values (:id, :photo) on conflict (id) do update set photo = excluded.photo"
    query = "select id, photo from users where id in :keys"
    settings = WRITING | {"value": "photo", "upsert": upsert, "query": query, "types": {"photo": "bytes"}}
    made = loader(**settings)
    made.bulk_write([Change(b"user:1", b"\xff\0"), Change(b"user:9", b"text")])
    assert made.bulk_load([b"user:1", b"user:9"]) == {b"user:1": b"\xff\0", b"user:9": b"text"}


def test_a_name_that_a_deletion_leaves_free_can_be_taken(loader: Make) -> None:
    made = loader(**WRITING)
    made.bulk_write([Change(b"user:1", None), Change(b"user:9", {b"name": b"Ann"})])
    assert made.bulk_load([b"user:1", b"user:9"]) == {b"user:9": {b"id": b"9", b"name": b"Ann"}}


def test_without_a_statement_for_it_a_deletion_stays_in_the_cache(loader: Make) -> None:
    made = loader(**WRITING | {"delete": ""})
    made.bulk_write([Change(b"user:1", None)])
    assert b"user:1" in made.bulk_load([b"user:1"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change(b"user:9", {b"name": b"Ann"}), "UNIQUE constraint failed: users.name"),
        (Change(b"user:9", b"text"), "the database takes hashes for such keys"),
        (Change(b"user:09", {b"name": b"x"}), "no row has such a key: they are like 'user:{id}'"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_all_that_came_with_it(
    loader: Make, change: Change, text: str
) -> None:
    made = loader(**WRITING)
    with pytest.raises(LoadError) as refusal:
        made.bulk_write([Change(b"user:2", {b"name": b"Eve"}), change])
    assert str(refusal.value) == text
    assert made.bulk_load([b"user:2"]) == {b"user:2": {b"id": b"2", b"name": "Zoë".encode()}}
    with pytest.raises(LoadError):
        made.bulk_write([change])


def test_a_row_that_another_one_waits_for_may_come_later(loader: Make, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(
            "create trigger t before insert on users begin select raise(abort, 'FOREIGN KEY constraint failed'); end"
        )
    with pytest.raises(SqlError, match="FOREIGN KEY constraint failed"):
        loader(**WRITING).bulk_write([Change(b"user:9", {b"name": b"x"})])


def test_variables_of_the_environment(file: Path) -> None:
    table = {
        "url": "sqlite:///${FILE}",
        "pattern": "user:{id}",
        "query": "select id from users where id in :keys",
    }
    made, _ = sql_loader(table, {"FILE": str(file)})
    made.start()
    assert made.bulk_load([b"user:1"]) == {b"user:1": b'{"id":1}'}
    made.close()
    with pytest.raises(
        LoaderSettingsError, match=r"^loader sql-user-id: url: the environment has no variable FILE$"
    ):
        sql_loader(table, {})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"timeout_ms": "5s"}, "loader sql-user-id: Expected `int`, got `str` - at `$.timeout_ms`"),
        ({"url": "postgresql://a:secret@b:c/d"}, "loader sql-user-id: url: write it as"),
        (
            {"url": "sqlite://", "name": "users"},
            "loader users: url: each connection would have a database of its own",
        ),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_connected(
    loader: Make, settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(LoaderSettingsError) as refusal:
        loader(**settings)
    assert str(refusal.value).startswith(text)
    assert "secret" not in str(refusal.value)


def test_without_sqlalchemy_the_extra_is_named(loader: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "respcache.loading.sql_database", None)
    with pytest.raises(
        LoaderSettingsError, match=r'sql-user-id: needs the extra respcache\[sql\]: pip install "respcache'
    ):
        loader()


def test_sqlalchemy_is_not_imported_before_there_is_a_table() -> None:
    code = "import sys, respcache.loading.sql, respcache.loading.assembly; print(sys.modules.keys() & {'sqlalchemy', 'psycopg'})"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "set()\n"
