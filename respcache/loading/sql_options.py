"""A table ``[[loading.sql]]``: what can be set, and everything about it that can be wrong before a database is asked.

It knows nothing of SQLAlchemy. What a table sets of a loader in general (``Options``) is handed on.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec

from .key_pattern import KeyPattern
from .options import LONGEST_MS, OPTION_NAMES, OTHER_NAMES, LoaderSettingsError, Options
from .sql_keys import KeyType

ColumnType: TypeAlias = Literal["array", "boolean", "bytes", "integer", "real"]
"""What a field is made before it is bound, where the database would not make it so by itself."""

WHOLE_ROWS: Final = ("json", "hash")
"""What ``value`` may be; anything else is the name of a column."""

EXTRA: Final = 'needs the extra respcache[sql]: pip install "respcache[sql]"'

PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""As SQLAlchemy finds them: not in ``x::text``, and not behind a backslash."""

SHORTEST_CONNECT_S: Final = 2
"""psycopg waits no less."""

IN_PARENTHESES: Final = re.compile(r"\(\s*:keys\s*\)")
VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
USER_AND_PASSWORD: Final = re.compile(r"(?<=://)[^/?]*(?=@)")
NOT_IN_NAMES: Final = re.compile(r"[\s:=,{}*?\[\]\\]+")


class SqlTable(msgspec.Struct, frozen=True, kw_only=True):
    """What is set of the database. docs/loading-sql.md says what each of these means."""

    url: str
    pattern: str
    query: str
    key: str | list[str] | None = None
    key_type: KeyType | dict[str, KeyType] | None = None
    value: Annotated[str, msgspec.Meta(min_length=1)] = "json"
    upsert: str = ""
    delete: str = ""
    types: dict[str, ColumnType] = {}
    pool_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    statement_timeout_ms: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MS)] | None = None
    connect_timeout_s: Annotated[int, msgspec.Meta(ge=1, le=3600)] | None = None

    def __repr__(self) -> str:
        return f"SqlTable({self.pattern!r})"  # the URL may hold a password

    @property
    def key_columns(self) -> list[str] | None:
        """The columns that say whose row it is; None if they are called like the placeholders."""
        return [self.key] if isinstance(self.key, str) else self.key

    def key_types(self, names: tuple[str, ...]) -> list[KeyType | None]:
        """Return the type of each placeholder; None where nothing is said of it."""
        if isinstance(self.key_type, dict):
            return [self.key_type.get(name) for name in names]
        return [self.key_type] * len(names)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take, and how many connections there are."""

    statement_ms: int
    """0: the database decides."""
    connect_s: int
    pool_size: int
    wait_s: float
    """For a free connection."""


SQL_NAMES: Final = frozenset(SqlTable.__struct_fields__)


def shown_name(table: Mapping[str, Any]) -> str:
    """Return how a loader is called: as the table says, or after its pattern, so that no two are called the same."""
    name = table.get("name")
    if isinstance(name, str) and name:
        return name
    words = NOT_IN_NAMES.split(str(table.get("pattern", "")))
    return "-".join(["sql", *filter(None, words)])[:100]


def sql_table_of(table: Mapping[str, Any]) -> tuple[SqlTable, dict[str, Any]]:
    """Return what a table sets of the database, and what it sets of the loader in general.

    Raises LoaderSettingsError.
    """
    name = shown_name(table)
    own = {key: value for key, value in table.items() if key in SQL_NAMES}
    general = {key: value for key, value in table.items() if key not in SQL_NAMES}
    unknown = sorted(general.keys() - OPTION_NAMES - OTHER_NAMES.keys())
    if unknown:
        raise LoaderSettingsError(f"loader {name}: there is no setting {unknown[0]!r}")
    try:
        settings = msgspec.convert(own, SqlTable)
        placeholders = _pattern_of(settings).names
        _check_reading(settings, placeholders)
        _check_writing(settings, placeholders, general.get("write", general.get("write_mode")))
    except (msgspec.ValidationError, ValueError) as error:
        raise LoaderSettingsError(f"loader {name}: {error}") from None
    return settings, general


def expanded_url(template: str, environment: Mapping[str, str]) -> str:
    """Put variables of the environment into a URL; what stands for user or password may have any characters.

    Raises ValueError for a variable that is not set, or empty.
    """

    def value_of(found: re.Match[str]) -> str:
        if not environment.get(found[1]):
            raise ValueError(f"url: the environment has no variable {found[1]}")
        return environment[found[1]]

    if "${" in VARIABLE.sub("", template):
        raise ValueError("url has a ${ that begins no variable such as ${PASSWORD}")
    place = USER_AND_PASSWORD.search(template)
    start, end = place.span() if place else (0, 0)
    return (
        VARIABLE.sub(value_of, template[:start])
        + VARIABLE.sub(lambda found: quote(value_of(found), safe=""), template[start:end])
        + VARIABLE.sub(value_of, template[end:])
    )


def limits_of(settings: SqlTable, options: Options) -> Limits:
    """Return the limits that are set, or that fit what is set of the loader in general."""
    seconds = math.ceil(options.timeout_ms / 1000)
    threads = options.max_concurrent_batches + (options.write_mode != "none")  # one writes
    timeout_ms = settings.statement_timeout_ms
    return Limits(
        statement_ms=options.timeout_ms if timeout_ms is None else timeout_ms,
        connect_s=settings.connect_timeout_s or max(seconds, SHORTEST_CONNECT_S),
        pool_size=settings.pool_size or threads,
        wait_s=options.timeout_ms / 1000,
    )


def parameters_in(statement: str) -> set[str]:
    return set(PARAMETER.findall(statement))


def _pattern_of(settings: SqlTable) -> KeyPattern:
    try:
        return KeyPattern(settings.pattern)
    except ValueError as error:
        raise ValueError(f"pattern: {error}") from None


def _check_reading(settings: SqlTable, placeholders: tuple[str, ...]) -> None:
    parameters = parameters_in(settings.query)
    if "keys" not in parameters:
        raise ValueError('query lacks :keys; write it as in "select id, name from users where id in :keys"')
    if IN_PARENTHESES.search(settings.query):
        raise ValueError("query: write :keys without parentheses; it brings its own")
    _refuse_others(parameters - {"keys"}, "query", "only :keys is known there")
    columns = settings.key_columns
    if columns is not None and len(columns) != len(placeholders):
        raise ValueError(f"key needs a column for each of the placeholders {', '.join(placeholders)}")
    if isinstance(settings.key_type, dict):
        strangers = sorted(settings.key_type.keys() - set(placeholders))
        if strangers:
            raise ValueError(f"key_type: the pattern has no placeholder {strangers[0]!r}")


def _check_writing(settings: SqlTable, placeholders: tuple[str, ...], mode: object) -> None:
    keys = set(placeholders)
    if mode in ("through", "behind"):
        if not settings.upsert:
            raise ValueError(f'write = "{mode}" needs an upsert')
        if None in settings.key_types(placeholders):
            raise ValueError(f'write = "{mode}" needs a key_type: "integer", "text" or "uuid"')
    elif mode is None and (settings.upsert or settings.delete):
        raise ValueError('upsert and delete are for write = "through" or "behind"')
    for name, statement in (("upsert", settings.upsert), ("delete", settings.delete)):
        missing = sorted(keys - parameters_in(statement))
        if statement and missing:
            raise ValueError(f"{name} lacks :{missing[0]}, so it would not know which row")
    _refuse_others(parameters_in(settings.delete) - keys, "delete", "only the placeholders are known there")
    fields = parameters_in(settings.upsert) - keys
    if settings.value not in WHOLE_ROWS:
        _refuse_others(
            fields - {settings.value},
            "upsert",
            f"only the placeholders and :{settings.value} are known there",
        )
    strangers = sorted(settings.types.keys() - fields)
    if strangers:
        raise ValueError(f"types: upsert has no field :{strangers[0]}")


def _refuse_others(parameters: set[str], statement: str, reason: str) -> None:
    if parameters:
        raise ValueError(
            f"{statement} has :{min(parameters)}, but {reason} (a colon that is meant is written \\:)"
        )
