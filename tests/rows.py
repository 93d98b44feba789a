"""Tests that hold every row of a table to one claim, and name each row that fails.

    @every_row(("line", "words"), LINES)
    def test_a_line_has_these_words(line: bytes, words: list[bytes]) -> None:
        assert split_inline(line) == words

``pytest.mark.parametrize`` says the same and makes a test of each row, which is counted, handed out and reported in several
processes: 4 ms of them. It is for rows that need fixtures of their own, that take long, or that one wants to run alone.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from reprlib import Repr
from typing import Any, Final

import pytest

Test = Callable[..., None]

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def every_row(
    names: str | Sequence[str], table: Iterable[Any], *, called: Callable[[Any], str] = _SHORT.repr
) -> Callable[[Test], Test]:
    """Call a test with each row of a table: the one argument of that name, or one for each of the names.

    ``called`` says what a row is called where it fails. Fixtures are the same for all rows.
    """
    rows = list(table)

    def decorate(test: Test) -> Test:
        @wraps(test)
        def test_every_row(**fixtures: Any) -> None:  # whatever the test asks for
            failed = []
            for row in rows:
                values = {names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))
                try:
                    test(**fixtures, **values)
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"row: {called(row)}")
                    failed.append((called(row), error))
            if failed:
                told = ", ".join(name for name, _ in failed)
                raise BaseExceptionGroup(
                    f"{len(failed)} of {len(rows)} rows: {told}", [error for _, error in failed]
                )

        assert rows, "a table without rows proves nothing"
        signature = inspect.signature(test)
        kept = [it for it in signature.parameters.values() if it.name not in _all(names)]
        test_every_row.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]  # pytest reads it
        return test_every_row

    return decorate


def _all(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names
