import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import make_url

from respcache.loading import sql_drivers
from respcache.loading.sql_drivers import Driver, PostgreSQL, SQLite, driver_for
from respcache.loading.sql_options import Limits

FOREVER = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"
FINITE = FOREVER.replace("from n)", "from n limit 50000)")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def limits(statement_ms: int = 100) -> Limits:
    return Limits(statement_ms=statement_ms, connect_s=7, pool_size=1, wait_s=1)


def driver(url: str, statement_ms: int = 100) -> Driver:
    return driver_for(make_url(url), limits(statement_ms))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="name a file"):
        driver(url)


def test_a_file_is_opened_only_if_it_is_there() -> None:
    made = driver("sqlite:////shop.db?cache=shared").url
    assert dict(made.query) == {"mode": "rw", "uri": "true", "cache": "shared"}


def test_a_path_is_quoted_and_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert driver("sqlite:///a%b#c d.db").url.database == f"file:{tmp_path}/a%25b%23c%20d.db"


def test_a_uri_of_sqlite_is_left_as_it_is() -> None:
    url = "sqlite:///file:/shop.db?mode=ro&uri=true"
    assert driver(url).url == make_url(url)


def test_sqlite_is_interrupted(connection: sqlite3.Connection) -> None:
    made = driver("sqlite:///x")
    with pytest.raises(sqlite3.OperationalError) as failure, made.limited(connection):
        connection.execute(FOREVER).fetchall()
    assert made.message_of(failure.value) == "the statement took longer than 100 ms"
    assert connection.execute(FINITE).fetchone() == (50_000,)


def test_the_time_of_one_statement_is_not_taken_from_the_next(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now_s=0.0)
    monkeypatch.setattr(sql_drivers, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    made = driver("sqlite:///x")
    for clock.now_s in (0.0, 1.0, 2.0):
        with made.limited(connection):
            assert connection.execute(FINITE).fetchone() == (50_000,)
    clock.now_s = 3.0
    assert connection.execute(FINITE).fetchone() == (50_000,)


def test_without_a_limit_sqlite_takes_its_time(connection: sqlite3.Connection) -> None:
    made = driver("sqlite:///x", 0)
    with made.limited(connection):
        assert connection.execute(FINITE).fetchone() == (50_000,)
    assert made.connect_arguments["timeout"] == 5


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_by_psycopg(name: str) -> None:
    made = driver(f"{name}://app:secret@db/shop")
    assert isinstance(made, PostgreSQL)
    assert made.url.render_as_string(hide_password=False) == "postgresql+psycopg://app:secret@db/shop"


def test_what_the_url_says_of_a_connection_comes_first() -> None:
    made = driver(
        "postgresql://db/shop?connect_timeout=60&options=-c%20statement_timeout=9&application_name=x"
    )
    arguments = made.connect_arguments
    assert "connect_timeout" not in arguments
    assert "application_name" not in arguments
    assert arguments["options"] == "-c statement_timeout=100 -c statement_timeout=9"


def test_what_is_set_of_a_connection() -> None:
    arguments = driver("postgresql://db/shop").connect_arguments
    assert (arguments["connect_timeout"], arguments["options"]) == (7, "-c statement_timeout=100")
    assert "options" not in driver("postgresql://db/shop", 0).connect_arguments


def test_types_are_known_by_their_numbers() -> None:
    columns = [("a", number) for number in (20, 21, 23, 2950, 25)]
    assert driver("postgresql://db/shop").types_of(columns) == [
        "integer",
        "integer16",
        "integer32",
        "uuid",
        None,
    ]
    assert driver("sqlite:///x").types_of(columns) == [None] * 5


def test_other_databases_get_what_is_common_to_all() -> None:
    made = driver("mysql+pymysql://app@db/shop")
    assert type(made) is Driver
    assert made.message_of(ValueError("a value")) == "ValueError"
    with made.limited(SimpleNamespace()):
        made.prepare(SimpleNamespace())
    assert (made.connect_arguments, made.types_of([("a", 1)])) == ({}, [None])


def test_sqlite_is_known_by_both_of_its_names() -> None:
    assert {type(driver(f"{name}:///x")) for name in ("sqlite", "sqlite+pysqlite")} == {SQLite}
