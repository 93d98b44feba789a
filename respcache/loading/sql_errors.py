"""What a database's errors say to operators and clients: one line, without values and without the password.

Drivers quote values in some of their messages. Those of PostgreSQL are known by their SQLSTATE, and SQLite's have none; of any other
driver nothing is said but the name of the error.
"""

from collections.abc import Iterable
from typing import Final

from .values import WrongAnswerError

LONGEST: Final = 200
"""Characters of a message; where several servers were tried it names them all."""

TELLING: Final = frozenset(
    {"08", "0A", "23", "25", "26", "28", "34", "3D", "3F", "40", "42", "44", "53", "54", "55", "57", "58"}
)
"""Classes of SQLSTATE whose messages name tables, constraints and limits. The others, above all 22 and errors that somebody's own
functions raise, quote what they were given."""

FOREIGN_KEY: Final = "23503"


class SqlError(Exception):
    """The database did not do what it was asked; another try may help."""


class RefusedError(WrongAnswerError):
    """The database does not take a value; another try would not help."""


def postgresql_message(error: BaseException) -> str:
    """Return what an error of psycopg says. One without SQLSTATE is about the connection, unless it is a DataError."""
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return type(error).__name__ if type(error).__name__ == "DataError" else str(error)
    message: str | None = getattr(getattr(error, "diag", None), "message_primary", None)
    return message if message and state[:2] in TELLING else f"{type(error).__name__} (SQLSTATE {state})"


def is_of_foreign_key(error: BaseException) -> bool:
    """Whether a row that another one belongs to is not there: yet, perhaps."""
    return getattr(error, "sqlstate", None) == FOREIGN_KEY or str(error) == "FOREIGN KEY constraint failed"


def one_line(message: str, secrets: Iterable[str] = ()) -> str:
    """Return a message in one line of bounded length, without the secrets."""
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    line = " ".join(message.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
