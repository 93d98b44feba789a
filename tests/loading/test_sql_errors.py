import sqlite3

import psycopg
import pytest

from respcache.loading.sql_errors import LONGEST, is_of_foreign_key, one_line, postgresql_message


def psycopg_error(state: str) -> psycopg.Error:
    return psycopg.errors.lookup(state)('told: "a value"')


def test_what_quotes_values_is_told_by_its_name() -> None:
    assert postgresql_message(psycopg_error("22P02")) == "InvalidTextRepresentation (SQLSTATE 22P02)"
    assert postgresql_message(psycopg_error("P0001")) == "RaiseException (SQLSTATE P0001)"
    assert postgresql_message(psycopg.DataError('cannot load "a value"')) == "DataError"


def test_errors_of_connecting_tell_why() -> None:
    assert postgresql_message(psycopg.OperationalError("connection refused")) == "connection refused"


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert one_line("\n a\n\tb  c\r\n") == "a b c"
    assert one_line("x" * 500) == "x" * (LONGEST - 3) + "..."


def test_secrets_are_covered() -> None:
    assert one_line("user app, password secret\nsecret", ["secret", ""]) == "user app, password *** ***"


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (psycopg_error("23503"), True),
        (psycopg_error("23505"), False),
        (sqlite3.IntegrityError("FOREIGN KEY constraint failed"), True),
        (sqlite3.IntegrityError("UNIQUE constraint failed: a.b"), False),
    ],
)
def test_rows_that_another_one_waits_for(error: Exception, answer: bool) -> None:
    assert is_of_foreign_key(error) == answer
