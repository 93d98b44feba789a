import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from respcache.loading.sql_database import Database
from respcache.loading.sql_errors import RefusedError, SqlError
from respcache.loading.sql_options import Limits, SqlTable

LIMITS = Limits(statement_ms=10_000, connect_s=1, pool_size=1, wait_s=0.1)
IMPATIENT = Limits(statement_ms=100, connect_s=1, pool_size=1, wait_s=0.1)
TABLE = {
    "url": "",
    "pattern": "user:{id}",
    "query": "select id, name from users where id in :keys order by id",
    "upsert": "insert into users values (:id, :name) on conflict (id) do update set name = excluded.name",
    "delete": "delete from users where id = :id",
}
Open = Callable[..., Database]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table users (id integer primary key, name text unique)")
        connection.executemany("insert into users values (?, ?)", [(1, "Ann"), (2, "Zoë"), (3, None)])
    return path


@pytest.fixture
def opened(file: Path) -> Iterator[Open]:
    with ExitStack() as open_ones:

        def opened(url: str = f"sqlite:///{file}", limits: Limits = LIMITS, **settings: Any) -> Database:
            database = Database(url, msgspec.convert(TABLE | settings, SqlTable), limits)
            database.start()
            open_ones.callback(database.close)
            return database

        yield opened


def rows(database: Database, *keys: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in database.select([(key,) for key in keys]).rows]


def test_rows_have_names(opened: Open) -> None:
    answer = opened().select([(2,), ("1",), (7,)])
    assert (answer.names, answer.types) == (["id", "name"], [None, None])
    assert [tuple(row) for row in answer.rows] == [(1, "Ann"), (2, "Zoë")]


def test_keys_of_several_values(opened: Open) -> None:
    database = opened(query="select * from users where (id, name) in :keys")
    assert [tuple(row) for row in database.select([(1, "Ann"), (2, "Ann")]).rows] == [(1, "Ann")]


def test_what_is_bound_is_never_read_as_sql(opened: Open) -> None:
    assert rows(opened(), "1) or (1=1", "1'; drop table users; --", "2") == [(2, "Zoë")]


def test_a_transaction_is_done_in_its_order(opened: Open) -> None:
    database = opened()
    database.write(
        [
            ("delete", [{"id": 1}]),
            ("upsert", [{"id": 2, "name": "Ann"}, {"id": 4, "name": "Bob'); --"}]),
            ("delete", [{"id": 3}, {"id": 9}]),
        ]
    )
    assert rows(database, 1, 2, 3, 4) == [(2, "Ann"), (4, "Bob'); --")]


def test_a_transaction_is_done_as_a_whole_or_not_at_all(opened: Open) -> None:
    database = opened()
    with pytest.raises(RefusedError, match=r"^UNIQUE constraint failed: users\.name$"):
        database.write(
            [("delete", [{"id": 3}]), ("upsert", [{"id": 4, "name": "x"}, {"id": 5, "name": "Ann"}])]
        )
    assert [key for key, _ in rows(database, 1, 2, 3, 4, 5)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select id from user where id in :keys", "no such table: user"),
        ("delete from users where id in :keys", "the query returns no rows: it is no select"),
        ("select id from users whree id in :keys", 'near "id": syntax error'),
    ],
)
def test_what_fails_is_told_in_one_line(opened: Open, query: str, message: str) -> None:
    with pytest.raises(SqlError) as failure:
        rows(opened(query=query), "a value")
    assert str(failure.value).startswith(message)
    assert "a value" not in str(failure.value)
    assert failure.value.__suppress_context__ or failure.value.__context__ is None  # it would show values


def test_a_file_that_is_not_there_is_not_made(opened: Open, tmp_path: Path) -> None:
    with pytest.raises(SqlError, match="unable to open database file"):
        rows(opened(f"sqlite:///{tmp_path}/other.db"), 1)
    assert not (tmp_path / "other.db").exists()


def test_a_file_may_come_later(opened: Open, file: Path, tmp_path: Path) -> None:
    database = opened(f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(SqlError):
        rows(database, 1)
    file.rename(tmp_path / "other.db")
    assert rows(database, 1) == [(1, "Ann")]


def test_a_query_that_takes_too_long_is_interrupted_and_leaves_its_connection_usable(opened: Open) -> None:
    endless = "with recursive n(x) as (select id union all select x + 1 from n) select count(*) from n"
    query = f"select id from users where id in :keys and (id = 3 or ({endless}) > 0)"
    database = opened(query=query, limits=IMPATIENT)
    for _ in range(2):
        with pytest.raises(SqlError, match="the statement took longer than 100 ms"):
            rows(database, 1)
        assert rows(database, 3) == [(3,)]


def test_a_lock_that_is_held_too_long_is_an_error(opened: Open, file: Path) -> None:
    database = opened(limits=IMPATIENT)
    with closing(sqlite3.connect(file)) as other:
        other.execute("begin immediate")
        with pytest.raises(SqlError, match="database is locked"):
            database.write([("delete", [{"id": 1}])])
    database.write([("delete", [{"id": 1}])])
    assert rows(database, 1) == []


def test_calls_wait_for_a_connection_and_not_for_ever(opened: Open) -> None:
    database = opened()
    assert database._engine is not None
    with (
        database._engine.connect(),
        pytest.raises(SqlError, match=r"no connection became free within 0\.1 s"),
    ):
        rows(database, 1)
    assert rows(database, 1) == [(1, "Ann")]


def test_text_that_is_no_utf_8_fails_nobody(opened: Open, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("insert into users values (4, cast(x'63e9' as text))")
    assert rows(opened(), 1, 4) == [(1, "Ann"), (4, "c\udce9")]


def test_how_many_keys_one_query_may_ask_for(opened: Open) -> None:
    twice = opened(query="select id from users where id in :keys union select 1 where 2 in :keys")
    most = opened().most_keys(1)
    assert (opened().most_keys(3), twice.most_keys(1), opened().most_keys(10**6)) == (most // 3, most // 2, 1)
    assert len(rows(opened(), *range(-most + 4, 4))) == 3


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense of a secret", "url: write it as sqlite:///shop.db"),
        ("postgresql://app:p@ss:secret/word@db", "url: write it as sqlite:///shop.db"),
        ("oracel://app:secret@db/shop", "url: SQLAlchemy knows no database 'oracel'"),
        ("sqlite+pysqlite://", "name a file"),
        ("postgresql+asyncpg://app:secret@db/shop", "url: postgresql+asyncpg is for asyncio"),
        ("mysql+pymysql://app:secret@db/shop", "url: mysql+pymysql needs pymysql, which is not installed"),
    ],
)
def test_urls_that_lead_nowhere(opened: Open, url: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^url: ") as refusal:
        opened(url)
    assert message in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_missing_driver_is_an_extra(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(
        ValueError, match=r'^needs the extra respcache\[sql\]: pip install "respcache\[sql\]"$'
    ):
        opened("postgresql://db/shop")


def test_closing_twice_or_before_the_start_is_nothing(file: Path) -> None:
    database = Database(f"sqlite:///{file}", msgspec.convert(TABLE, SqlTable), LIMITS)
    database.close()
    database.start()
    assert rows(database, 1) == [(1, "Ann")]
    database.close()
    database.close()
