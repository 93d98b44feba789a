"""The loader with a real PostgreSQL: limits, errors, hostile keys, and a server that goes away and comes back."""

import logging
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from respcache.loading import Change, LoadError, Missing
from respcache.loading.sql_errors import RefusedError, SqlError
from tests.loading.conftest import MakeLoader
from tests.postgresql import PASSWORD, PostgreSQL

pytestmark = pytest.mark.postgresql

WRITING = {
    "write": "through",
    "key_type": "integer",
    "value": "hash",
    "upsert": "insert into users (id, name, age) values (:id, :name, :age)"
    " on conflict (id) do update set name = excluded.name, age = excluded.age",
    "delete": "delete from users where id = :id",
}


@pytest.fixture
def loader(postgresql_loader: MakeLoader) -> MakeLoader:
    return postgresql_loader


def test_rows_become_documents_and_hashes(loader: MakeLoader) -> None:
    keys = [b"user:1", b"user:2", b"user:3"]
    assert loader().bulk_load(keys) == {
        b"user:1": b'{"id":1,"name":"Ann","age":30}',
        b"user:2": '{"id":2,"name":"Zoë","age":null}'.encode(),
    }
    assert loader(value="hash").bulk_load(keys) == {
        b"user:1": {b"id": b"1", b"name": b"Ann", b"age": b"30"},
        b"user:2": {b"id": b"2", b"name": "Zoë".encode()},
    }
    assert loader(value="age").bulk_load(keys) == {b"user:1": b"30", b"user:2": Missing}


@pytest.mark.parametrize("key_type", [None, "integer", "text"])
def test_a_row_has_one_key_only_and_strangers_fail_nobody(loader: MakeLoader, key_type: str | None) -> None:
    settings = {"key_type": key_type} if key_type else {}
    strangers = [b"042", b"+42", b" 42", b"1\0", b"\xff", b""]
    found = loader(value="name", **settings).bulk_load([b"user:" + text for text in [b"42", *strangers]])
    assert found == {b"user:42": b"Bob"}


def test_what_no_integer_is_does_not_even_exist(loader: MakeLoader) -> None:
    made = loader(value="name")
    assert made.bulk_load([b"user:abc"]) == {}
    assert made.bulk_load([b"user:99999999999", b"user:1"]) == {b"user:1": b"Ann"}


def test_integers_may_be_too_large_for_the_column(loader: MakeLoader) -> None:
    found = loader(value="name", key_type="integer").bulk_load([b"user:99999999999", b"user:1"])
    assert found == {b"user:1": b"Ann"}


def test_a_row_that_fails_the_query_fails_alone(loader: MakeLoader) -> None:
    made = loader(query="select id, 10 / (id - 2) as share from users where id in :keys", value="share")
    found = made.bulk_load([b"user:1", b"user:2", b"user:42"])
    assert str(found.pop(b"user:2")) == "DivisionByZero (SQLSTATE 22012)"
    assert found == {b"user:1": b"-10", b"user:42": b"0"}


@pytest.mark.parametrize("key_type", [{}, {"shop": "text", "id": "integer"}])
def test_keys_of_several_values(loader: MakeLoader, key_type: dict[str, str]) -> None:
    made = loader(
        pattern="item:{shop}:{id}",
        query="select shop, id, name from items where (shop, id) in :keys",
        value="name",
        key_type=key_type,
    )
    keys = [b"item:a:1", b"item:a:2", b"item:a:02", b"item:b:c:1", b"item:a'b:1", b"item:a:x"]
    assert made.bulk_load(keys) == {b"item:a:1": b"apple", b"item:a:2": b"pear"}


def test_what_stands_in_keys_is_never_read_as_sql(loader: MakeLoader) -> None:
    made = loader(pattern="user:{name}", query="select name, age from users where name in :keys", value="age")
    hostile = ["') or ('1'='1", "'; drop table users; --", ":keys", "%(keys)s", "%s", "$1", "\\'", "é'"]
    assert made.bulk_load([f"user:{text}".encode() for text in hostile]) == {}
    assert made.bulk_load([b"user:Ann"]) == {b"user:Ann": b"30"}


@pytest.mark.parametrize("among", ["in :keys", "in /* each a parameter */ :keys"])
def test_thousands_of_keys_at_once(
    loader: MakeLoader, postgresql: PostgreSQL, postgresql_shop: str, among: str
) -> None:
    with postgresql.connect(postgresql_shop) as connection:
        connection.execute("insert into users select n, n::text from generate_series(100, 1099) n")
    made = loader(value="name", query=f"select id, name from users where id {among}")
    found = made.bulk_load([b"user:%d" % number for number in range(70_000, 99, -1)])
    assert found == {b"user:%d" % number: b"%d" % number for number in range(100, 1100)}


def test_changes_are_written_in_their_order(loader: MakeLoader) -> None:
    made = loader(**WRITING)
    made.bulk_write(
        [
            Change(b"user:1", None),
            Change(b"user:7", {b"name": b"Ann", b"age": b"8"}),
            Change(b"user:2", {b"name": b"'); drop table users; --", b"id": b"9"}),
            Change(b"user:abc", None),
        ]
    )
    assert made.bulk_load([b"user:1", b"user:2", b"user:7", b"user:9"]) == {
        b"user:2": {b"id": b"2", b"name": b"'); drop table users; --"},
        b"user:7": {b"id": b"7", b"name": b"Ann", b"age": b"8"},
    }


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({b"name": b"Ann"}, 'duplicate key value violates unique constraint "users_name_key"'),
        ({b"age": b"a secret"}, "InvalidTextRepresentation (SQLSTATE 22P02)"),
        ({b"age": b"99999"}, "NumericValueOutOfRange (SQLSTATE 22003)"),
        ({b"name": b"a\0b"}, "'name' has a NUL character"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_all_that_came_with_it(
    loader: MakeLoader, fields: dict[bytes, bytes], text: str
) -> None:
    made = loader(**WRITING)
    bad = Change(b"user:9", fields)
    for changes in ([bad], [Change(b"user:2", None), bad, Change(b"user:8", {})]):
        with pytest.raises(LoadError) as refusal:
            made.bulk_write(changes)
        assert str(refusal.value) == text
    assert made.bulk_load([b"user:2", b"user:8", b"user:9"]).keys() == {b"user:2"}


@pytest.mark.parametrize("is_writing", [False, True])
def test_a_server_that_was_away_is_found_at_the_next_try(
    loader: MakeLoader, postgresql: PostgreSQL, is_writing: bool
) -> None:
    made = loader(**WRITING)
    keys = [b"user:1"]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(made.bulk_load, [keys] * 8))  # several connections, which will all be dead
    postgresql.stop()
    try:
        with pytest.raises(SqlError, match=f"port {postgresql.port} failed: Connection refused"):
            made.bulk_load(keys)
    finally:
        postgresql.start()
    if is_writing:
        made.bulk_write([Change(b"user:1", {b"name": b"Eve"})])
    expected = {b"id": b"1", b"name": b"Eve"} if is_writing else {b"id": b"1", b"name": b"Ann", b"age": b"30"}
    assert made.bulk_load(keys) == {b"user:1": expected}


def test_a_restart_in_between_is_not_even_noticed(loader: MakeLoader, postgresql: PostgreSQL) -> None:
    made = loader(value="name")
    for _ in range(2):
        assert made.bulk_load([b"user:1"]) == {b"user:1": b"Ann"}
        postgresql.stop()
        postgresql.start()
    assert made.bulk_load([b"user:1"]) == {b"user:1": b"Ann"}


@pytest.mark.parametrize("settings", [{"timeout_ms": 300}, {"statement_timeout_ms": 300}])
def test_a_query_that_takes_too_long_ends_at_the_server(loader: MakeLoader, settings: dict[str, int]) -> None:
    made = loader(query="select id, pg_sleep(50 * (2 - id))::text from users where id in :keys", **settings)
    with pytest.raises(SqlError, match=r"^canceling statement due to statement timeout$"):
        made.bulk_load([b"user:1"])
    assert made.bulk_load([b"user:2"]) == {b"user:2": b'{"id":2,"pg_sleep":""}'}


def test_the_database_may_decide_how_long_a_query_takes(loader: MakeLoader) -> None:
    query = "select id, current_setting('statement_timeout') as limit from users where id in :keys"
    assert loader(query=query, value="limit").bulk_load([b"user:1"]) == {b"user:1": b"5s"}
    assert loader(query=query, value="limit", statement_timeout_ms=0).bulk_load([b"user:1"]) == {
        b"user:1": b"0"
    }


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"query": "select id from people where id in :keys"}, 'relation "people" does not exist'),
        ({"query": "select id, nam from users where id in :keys"}, 'column "nam" does not exist'),
        (
            {"query": "select id from users where name in :keys", "key_type": "integer"},
            "operator does not exist",
        ),
    ],
)
def test_a_query_that_is_wrong_is_told_in_one_line(
    loader: MakeLoader, settings: dict[str, str], text: str
) -> None:
    with pytest.raises(SqlError) as failure:
        loader(**settings).bulk_load([b"user:1"])
    assert text in str(failure.value)
    assert "\n" not in str(failure.value)


def test_neither_errors_nor_logs_have_the_password_or_values(
    loader: MakeLoader, postgresql: PostgreSQL, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "another p@ssword"
    made = loader(
        url=f"postgresql://tester:{quote(secret)}@127.0.0.1:{postgresql.port}/nowhere?sslmode=prefer&password={quote(secret)}"
    )
    with pytest.raises(SqlError, match='password authentication failed for user "tester"') as failure:
        made.bulk_load([b"user:1"])
    refused = loader(**WRITING)
    with pytest.raises(RefusedError) as refusal:
        refused.bulk_write([Change(b"user:1", {b"age": b"a value"})])
    told = f"{failure.value} {refusal.value} {made!r} {refused!r} {caplog.text}"
    assert not [
        word for word in (secret, quote(secret), PASSWORD, quote(PASSWORD), "a value") if word in told
    ]


def test_text_is_utf_8_even_in_a_database_that_knows_no_encodings(
    loader: MakeLoader, postgresql: PostgreSQL
) -> None:
    name = postgresql.make_database("SQL_ASCII")
    made = loader(
        url=f"postgresql://tester:${{PASSWORD}}@127.0.0.1:{postgresql.port}/{name}",
        query="select id, 'Zoë' as name from (select 1 as id) as users where id in :keys",
    )
    assert made.bulk_load([b"user:1"]) == {b"user:1": '{"id":1,"name":"Zoë"}'.encode()}


def test_connections_are_no_more_than_is_said(
    loader: MakeLoader, postgresql: PostgreSQL, postgresql_shop: str
) -> None:
    made = loader(pool_size=2)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(made.bulk_load, [[b"user:1"]] * 64))
    assert found == [{b"user:1": b'{"id":1,"name":"Ann","age":30}'}] * 64
    count = "select count(*) from pg_stat_activity where application_name = 'respcache' and datname = %s"
    with postgresql.connect(postgresql_shop) as connection:
        row = connection.execute(count, [postgresql_shop]).fetchone()
    assert row is not None
    assert 1 <= row[0] <= 2
