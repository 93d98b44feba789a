"""The loader for SQL databases: a table of settings with a query and, if wanted, an upsert and a delete. Its page is docs/loading-sql.md.

Its methods are plain functions, which run in worker threads. A query that fails for what one of its keys is (a text where a date is
wanted, a division by zero in its row) is asked again in halves, so that no key pays for another. What concerns the database as
a whole fails the call.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from .key_pattern import KeyPattern
from .loader import Change, Loader, LoadError, Stored
from .options import LoaderSettingsError, options_of
from .sql_changes import Changes, Parameters
from .sql_errors import RefusedError, SqlError
from .sql_keys import is_value_of
from .sql_options import EXTRA, Limits, SqlTable, expanded_url, limits_of, shown_name, sql_table_of
from .sql_rows import Row, RowError, place_of, spelling_of, value_maker

if TYPE_CHECKING:
    from .sql_database import Answer, Database, Verb

Values: TypeAlias = tuple[str, ...]
"""What stands in a key for its placeholders."""


def sql_loader(
    table: Mapping[str, Any], environment: Mapping[str, str] = os.environ
) -> tuple["SqlLoader", dict[str, Any]]:
    """Return the loader that a table ``[[loading.sql]]`` describes, and those of its settings that all loaders have.

    Raises LoaderSettingsError.
    """
    settings, general = sql_table_of(table)
    return SqlLoader(settings, general, shown_name(table), environment), general


class SqlLoader(Loader):
    """Loads rows; see docs/loading-sql.md."""

    def __init__(
        self, settings: SqlTable, general: Mapping[str, Any], name: str, environment: Mapping[str, str]
    ) -> None:
        self._keys = KeyPattern(settings.pattern)
        self.pattern, self.name = self._keys.glob, name
        options = options_of(self, general)
        self._settings = settings
        self._timeout_s = options.timeout_ms / 1000
        self._key_columns = settings.key_columns or list(self._keys.names)
        self._types: list[str | None] = [*settings.key_types(self._keys.names)]
        # Not those that are learned: a column of the result may be another than the one that is compared.
        self._integers = {place for place, known in enumerate(self._types) if known == "integer"}
        self._has_learned_types = None not in self._types
        try:
            self._database = _database_of(settings, limits_of(settings, options), environment)
        except ValueError as error:
            raise LoaderSettingsError(f"loader {name}: {error}") from None
        self._changes = Changes(settings, as_text=self._database.takes_text_for_all)

    def __repr__(self) -> str:
        return f"<SqlLoader {self.name} of {self._keys.text!r}>"

    def start(self) -> None:
        self._database.start()

    def close(self) -> None:
        self._database.close()

    def bulk_load(self, keys: list[bytes]) -> dict[bytes, Stored | LoadError | Any]:
        """Return what there is; LoadError for a key whose row cannot be had, and Missing for a NULL that would be the value."""
        asked = {
            tuple(values.values()): key for key in keys if (values := self._keys.values(key)) is not None
        }
        found: dict[bytes, Any] = {}
        deadline = time.monotonic() + self._timeout_s
        waiting = self._cut(list(asked))
        while waiting:
            some = [values for values in waiting.pop() if self._can_be(values)]
            if not some:
                continue
            if time.monotonic() > deadline:
                raise SqlError(f"the queries for one batch took longer than {self._timeout_s:g} s")
            try:
                answer = self._database.select([self._bound(values) for values in some])
            except RefusedError as error:
                if not self._has_learned_types:
                    self._ask_for_types()
                    waiting.append(some)
                elif len(some) > 1:
                    waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
                else:
                    found[asked[some[0]]] = error
            else:
                self._learn_types(answer)
                self._take(answer, asked, found)
        return found

    def bulk_write(self, changes: Sequence[Change]) -> None:
        """Write all changes in one transaction, or none.

        Raises LoadError for a change that can never be written, and SqlError if another try may help. Neither says
        which of several changes it was: call it for each of them, to know.
        """
        work: list[tuple[Verb, Parameters]] = []
        for change in changes:
            verb: Verb = "delete" if change.value is None else "upsert"
            if verb == "delete" and not self._settings.delete:
                continue
            parameters = self._changes.parameters_of(change)
            if parameters is not None:
                work.append((verb, parameters))
        # In their order: one row may need what the deletion of another leaves free, such as a unique name.
        if work:
            runs = groupby(work, key=itemgetter(0))
            self._database.write([(verb, [parameters for _, parameters in run]) for verb, run in runs])

    def _cut(self, asked: list[Values]) -> list[list[Values]]:
        most = self._database.most_keys(len(self._keys.names))
        return [asked[start : start + most] for start in range(0, len(asked), most)]

    def _can_be(self, values: Values) -> bool:
        """Whether a row could have these values. PostgreSQL would fail the whole query for one that is none."""
        return all(
            is_value_of(known or "text", value) for known, value in zip(self._types, values, strict=True)
        )

    def _bound(self, values: Values) -> tuple[str | int, ...]:
        """Return what is bound for a key."""
        if not self._integers:
            return values
        return tuple(int(value) if place in self._integers else value for place, value in enumerate(values))

    def _ask_for_types(self) -> None:
        """Ask for no row, to know its columns: NULL is every type's, and equals nothing."""
        with suppress(RefusedError):  # then they stay unknown, and keys that are none cost a query each
            self._learn_types(self._database.select([(None,) * len(self._types)]))
        self._has_learned_types = True

    def _learn_types(self, answer: "Answer") -> None:
        """Know from now on what the columns are of which the settings do not say it."""
        if self._has_learned_types:
            return
        types = [answer.types[place] for place in self._key_places(answer)]
        self._types = [known or learned for known, learned in zip(self._types, types, strict=True)]
        self._has_learned_types = True

    def _take(self, answer: "Answer", asked: Mapping[Values, bytes], found: dict[bytes, Any]) -> None:
        """Put what the rows are worth to what was found."""
        places = self._key_places(answer)
        make = value_maker(self._settings.value, answer.names)
        for row in answer.rows:
            key = asked.get(tuple(spelling_of(row[place]) for place in places))
            if key is not None:
                found[key] = (
                    RowError("the query has several rows for this key") if key in found else _made(make, row)
                )

    def _key_places(self, answer: "Answer") -> list[int]:
        return [place_of(column, answer.names, "it says whose row it is") for column in self._key_columns]


def _made(make: Callable[[Row], Stored | Any], row: Row) -> Stored | Any:
    """Return the value of a row; LoadError if it is none, such as text that is no UTF-8 in JSON."""
    try:
        return make(row)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return RowError(f"the row cannot become a value: {type(error).__name__}")


def _database_of(settings: SqlTable, limits: Limits, environment: Mapping[str, str]) -> "Database":
    try:
        from .sql_database import Database  # noqa: PLC0415 - 0.3 s, which a server without such loaders need not spend
    except ImportError:
        raise ValueError(EXTRA) from None
    return Database(expanded_url(settings.url, environment), settings, limits)
