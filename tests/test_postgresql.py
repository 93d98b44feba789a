"""The PostgreSQL that other tests rely on: it asks for the password, keeps its data over a restart, and is missed where it must be there."""

from pathlib import Path

import psycopg
import pytest

from tests import postgresql as module
from tests import servers
from tests.postgresql import PostgreSQL, running_postgresql


@pytest.mark.postgresql
def test_databases_are_empty_and_outlive_a_restart(postgresql: PostgreSQL) -> None:
    name = postgresql.make_database()
    with postgresql.connect(name) as connection:
        connection.execute("create table once (id integer)")
    postgresql.stop()
    with pytest.raises(psycopg.OperationalError):
        postgresql.connect(name)
    postgresql.start()
    with postgresql.connect(name) as connection:
        assert connection.execute("select count(*) from once").fetchone() == (0,)
    with (
        postgresql.connect(postgresql.make_database()) as connection,
        pytest.raises(psycopg.ProgrammingError),
    ):
        connection.execute("select 1 from once")


@pytest.mark.postgresql
def test_nobody_is_let_in_without_the_password(postgresql: PostgreSQL) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="127.0.0.1", port=postgresql.port, user="tester", password="guess")


@pytest.mark.parametrize(
    ("is_required", "outcome"), [(False, pytest.skip.Exception), (True, pytest.fail.Exception)]
)
def test_where_it_is_not_installed(
    is_required: bool, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(servers, "TOOLS_ARE_REQUIRED", is_required)
    with pytest.raises(outcome, match="postgresql is not installed"), running_postgresql():
        pass
