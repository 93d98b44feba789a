"""A loader over an SQLite file, for servers that tests start: it counts the rows that it writes."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from respcache.loading import Change, Loader

TABLES = """
create table if not exists items (key blob primary key, value blob);
create table if not exists counts (calls integer, rows integer);
insert into counts select 0, 0 where not exists (select * from counts);
"""


class Items(Loader):
    """``down``, if it exists, is the time until which the database cannot be reached."""

    pattern = "item:*"

    def __init__(self, path: str) -> None:
        self._path = path
        self._down = Path(path + ".down")

    def start(self) -> None:
        with closing(self._open()) as connection:
            connection.executescript(TABLES)

    def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        with closing(self._open()) as connection:
            marks = ", ".join("?" * len(keys))
            rows = connection.execute(f"select key, value from items where key in ({marks})", keys)
            return {bytes(key): bytes(value) for key, value in rows}

    def bulk_write(self, changes: Sequence[Change]) -> None:
        with closing(self._open()) as connection, connection:
            gone = [(change.key,) for change in changes if change.value is None]
            stored = [(change.key, change.value) for change in changes if change.value is not None]
            connection.executemany("delete from items where key = ?", gone)
            connection.executemany("insert or replace into items values (?, ?)", stored)
            connection.execute("update counts set calls = calls + 1, rows = rows + ?", (len(changes),))

    def _open(self) -> sqlite3.Connection:
        if self._down.exists():
            time.sleep(0.01)
            raise ConnectionError("the database is away")
        return sqlite3.connect(self._path, timeout=10)


def rows(path: str) -> dict[bytes, bytes]:
    """Return everything that is in the database."""
    with closing(sqlite3.connect(path)) as connection:
        return {bytes(key): bytes(value) for key, value in connection.execute("select * from items")}


def counts(path: str) -> tuple[int, int]:
    """Return how many calls have written, and how many rows."""
    with closing(sqlite3.connect(path)) as connection:
        calls, count = connection.execute("select calls, rows from counts").fetchone()
        return calls, count
