"""How the databases differ: in how they are connected to, how long they may take, and what they make of text.

SQLite and PostgreSQL are known, and tested. Any other database that SQLAlchemy knows gets what is common to all.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from sqlalchemy import URL

from .sql_errors import postgresql_message
from .sql_options import Limits

RawConnection: TypeAlias = Any
"""A connection of the driver's."""

Description: TypeAlias = Sequence[Sequence[Any]]
"""What PEP 249 tells of columns."""

SQLITE_PARAMETERS: Final = 32_766 if sqlite3.sqlite_version_info >= (3, 32) else 999
POSTGRESQL_PARAMETERS: Final = 65_535
OTHER_PARAMETERS: Final = 1000
"""Oracle takes no more in a list; the others do."""

SQLITE_STEPS: Final = 20_000
"""Steps of SQLite's machine between two looks at the clock: about a millisecond."""

POSTGRESQL_TYPES: Final = {20: "integer", 21: "integer16", 23: "integer32", 2950: "uuid"}
"""Of types that have one spelling for each value, by their OIDs in pg_type."""


class Driver:
    """What is common to all databases."""

    takes_text_for_all: bool = False
    """Whether a text without a type becomes whatever the column is, and one that is an array an array of such."""
    most_parameters: int = OTHER_PARAMETERS

    def __init__(self, url: URL, limits: Limits) -> None:
        self.url = url
        self.limits = limits

    @property
    def connect_arguments(self) -> dict[str, Any]:
        return {}

    def prepare(self, connection: RawConnection) -> None:
        """Set what a new connection needs."""

    @contextmanager
    def limited(self, connection: RawConnection) -> Iterator[None]:
        """Let no statement of the block take longer than it may."""
        yield

    def types_of(self, columns: Description) -> list[str | None]:
        """Return the columns' types as ``is_value_of`` knows them; None where they are not known."""
        return [None] * len(columns)

    def message_of(self, error: BaseException) -> str:
        return type(error).__name__


class SQLite(Driver):
    """A file, which must be there: one that SQLite creates for a mistyped name would only hide the mistake."""

    most_parameters = SQLITE_PARAMETERS

    def __init__(self, url: URL, limits: Limits) -> None:
        name = url.database or ":memory:"
        if name == ":memory:" or "mode=memory" in name or url.query.get("mode") == "memory":
            raise ValueError("url: each connection would have a database of its own in memory; name a file")
        if not name.startswith("file:"):
            path = f"file:{quote(str(Path(name).absolute()))}"
            url = url.set(database=path, query={"mode": "rw", **url.query, "uri": "true"})
        super().__init__(url, limits)

    @property
    def connect_arguments(self) -> dict[str, Any]:
        busy_ms = self.limits.statement_ms or 5000
        return {"timeout": busy_ms / 1000, "check_same_thread": False}

    def prepare(self, connection: RawConnection) -> None:
        # A column may hold what is no UTF-8. It must not fail the rows around it.
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")

    @contextmanager
    def limited(self, connection: RawConnection) -> Iterator[None]:
        if not self.limits.statement_ms:
            yield
            return
        deadline = time.monotonic() + self.limits.statement_ms / 1000
        connection.set_progress_handler(lambda: time.monotonic() > deadline, SQLITE_STEPS)
        try:
            yield
        finally:
            connection.set_progress_handler(None, SQLITE_STEPS)

    def message_of(self, error: BaseException) -> str:
        if str(error) == "interrupted":
            return f"the statement took longer than {self.limits.statement_ms} ms"
        return str(error)


class PostgreSQL(Driver):
    """By psycopg, which binds a str without a type."""

    takes_text_for_all = True
    most_parameters = POSTGRESQL_PARAMETERS

    def __init__(self, url: URL, limits: Limits) -> None:
        super().__init__(url.set(drivername="postgresql+psycopg"), limits)

    @property
    def connect_arguments(self) -> dict[str, Any]:
        """Return what is set of a connection, as far as the URL does not set it."""
        ours = {
            "application_name": "respcache",
            "client_encoding": "UTF8",
            "connect_timeout": self.limits.connect_s,
            # A server that has vanished is noticed within some ten seconds, and not by the kernel after a quarter of an hour.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        }
        arguments: dict[str, Any] = {
            name: value for name, value in ours.items() if name not in self.url.query
        }
        # The number of keys differs, and with it the statement: few would be found prepared. And PgBouncer need not know them.
        arguments["prepare_threshold"] = None
        if self.limits.statement_ms:
            # The last one counts, so that the URL may say otherwise.
            theirs = self.url.normalized_query.get("options", ())
            arguments["options"] = " ".join([f"-c statement_timeout={self.limits.statement_ms}", *theirs])
        return arguments

    def types_of(self, columns: Description) -> list[str | None]:
        return [POSTGRESQL_TYPES.get(column[1]) for column in columns]

    def message_of(self, error: BaseException) -> str:
        return postgresql_message(error)


def driver_for(url: URL, limits: Limits) -> Driver:
    """Return the driver of a URL. Raises ValueError for a database that cannot be used as the URL says."""
    match url.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return SQLite(url, limits)
        case "postgres" | "postgresql" | "postgresql+psycopg":
            return PostgreSQL(url, limits)
        case _:
            return Driver(url, limits)
