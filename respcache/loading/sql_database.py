"""A database by SQLAlchemy Core: one engine, its pool of connections, and the statements of one table of settings.

Its methods block, and may run in several threads at a time. A connection is tried before it is used, so that one whose server was restarted is replaced
without anybody noticing. This module imports SQLAlchemy, and so is imported only when there is a table ``[[loading.sql]]``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

import msgspec
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    TextClause,
    bindparam,
    create_engine,
    event,
    exc,
    make_url,
    text,
)
from sqlalchemy.pool import QueuePool

from .sql_arrays import array_of, query_by_array
from .sql_drivers import Driver, driver_for
from .sql_errors import RefusedError, SqlError, is_of_foreign_key, one_line
from .sql_options import EXTRA, PARAMETER, Limits, SqlTable
from .sql_rows import Row

Verb: TypeAlias = Literal["upsert", "delete"]

URL_EXAMPLES: Final = "sqlite:///shop.db, or as postgresql://user:${PASSWORD}@host/shop"
SHORTEST_SECRET: Final = 4


class Answer(msgspec.Struct, frozen=True):
    """Rows, and what is known of their columns."""

    names: list[str]
    types: list[str | None]
    rows: Sequence[Row]


class Database:
    """What one loader asks and tells its database.

    Raises ValueError if it can never be reached as the URL says. Nothing is connected before the first statement.
    """

    def __init__(self, url: str, settings: SqlTable, limits: Limits) -> None:
        self._driver = _driver_of(url, limits)
        self._secrets = _secrets_of(self._driver.url)
        self._writing = {"upsert": text(settings.upsert), "delete": text(settings.delete)}
        occurrences = PARAMETER.findall(settings.query).count("keys")
        by_array = query_by_array(settings.query, occurrences) if self._driver.takes_text_for_all else None
        self._query_by_array = None if by_array is None else text(by_array)
        self._query = text(settings.query).bindparams(bindparam("keys", expanding=True))
        # A parameter that stands twice in the query may be sent twice.
        self._most_values = self._driver.most_parameters // occurrences
        self._limits = limits
        self._engine: Engine | None = None

    @property
    def takes_text_for_all(self) -> bool:
        return self._driver.takes_text_for_all

    def most_keys(self, width: int) -> int:
        """Return for how many keys of so many values one query may ask."""
        return max(self._most_values // width, 1)

    def start(self) -> None:
        self._engine = create_engine(
            self._driver.url,
            poolclass=QueuePool,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=self._driver.connect_arguments,
            pool_size=self._limits.pool_size,
            max_overflow=0,
            pool_timeout=self._limits.wait_s,
        )
        event.listen(self._engine, "connect", lambda connection, record: self._driver.prepare(connection))

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()

    def select(self, keys: Sequence[tuple[Any, ...]]) -> Answer:
        """Return the rows of these keys. Raises RefusedError if a value cannot be what the database wants, or SqlError."""
        query, values = self._bound(keys)
        with self._connected("AUTOCOMMIT") as connection:
            result = connection.execute(query, {"keys": values})
            if not result.returns_rows:
                raise SqlError("the query returns no rows: it is no select")
            assert result.cursor is not None, "it returns rows"
            columns = result.cursor.description or ()
            return Answer(list(result.keys()), self._driver.types_of(columns), result.all())

    def write(self, work: Sequence[tuple[Verb, Sequence[Mapping[str, Any]]]]) -> None:
        """Do all of it, in this order and in one transaction, or nothing. Raises RefusedError or SqlError."""
        with self._connected() as connection, connection.begin():
            for verb, parameters in work:
                connection.execute(self._writing[verb], parameters)

    def _bound(self, keys: Sequence[Any]) -> tuple[TextClause, Any]:
        if len(keys[0]) > 1:
            return self._query, list(keys)
        if self._query_by_array is not None:
            return self._query_by_array, array_of(keys)
        return self._query, [value for (value,) in keys]

    @contextmanager
    def _connected(self, isolation: Literal["AUTOCOMMIT"] | None = None) -> Iterator[Connection]:
        assert self._engine is not None, "not started"
        try:
            with self._engine.connect() as connection:
                if isolation is not None:
                    connection.execution_options(isolation_level=isolation)
                with self._driver.limited(connection.connection.dbapi_connection):
                    yield connection
        except exc.SQLAlchemyError as error:
            raise self._told(error) from None  # the error holds values, and a log would show them

    def _told(self, error: exc.SQLAlchemyError) -> Exception:
        if isinstance(error, exc.TimeoutError):
            return SqlError(f"no connection became free within {self._limits.wait_s:g} s")
        if not isinstance(error, exc.DBAPIError) or error.orig is None:
            return SqlError(type(error).__name__)
        message = one_line(self._driver.message_of(error.orig), self._secrets)
        is_refusal = isinstance(error, exc.DataError | exc.IntegrityError) and not is_of_foreign_key(
            error.orig
        )
        return RefusedError(message) if is_refusal else SqlError(message)


def _driver_of(url: str, limits: Limits) -> Driver:
    name = url.partition("://")[0]
    try:
        driver = driver_for(_url_of(url), limits)
        dialect = driver.url.get_dialect()
        if dialect.is_async:
            raise ValueError(f"url: {name} is for asyncio; leave the part behind the + out")
        dialect.import_dbapi()
    except exc.NoSuchModuleError:
        raise ValueError(f"url: SQLAlchemy knows no database {name!r}") from None
    except ImportError as error:
        is_ours = driver.url.drivername == "postgresql+psycopg"
        raise ValueError(
            EXTRA if is_ours else f"url: {name} needs {error.name}, which is not installed"
        ) from None
    return driver


def _url_of(url: str) -> URL:
    """Read a URL, of which no error may show a part: who forgets to quote has parts of the password anywhere."""
    try:
        return make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ValueError(f"url: write it as {URL_EXAMPLES}") from None


def _secrets_of(url: URL) -> list[str]:
    """Return what no message may show, unless it is so short that it would be found in any text."""
    candidates = [url.password, url.query.get("password")]
    return [word for word in candidates if isinstance(word, str) and len(word) >= SHORTEST_SECRET]
