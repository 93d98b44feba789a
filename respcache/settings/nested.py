"""Settings that are lists of tables: lives by key pattern, and event sinks of the user's own.

As text (CONFIG, environment, flags) they are JSON; in the file they are TOML tables.
msgspec checks either against one schema. It is loaded only when there is a table to
check, because it costs as much start-up time as all other settings together.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from .errors import InvalidValueError
from .kinds import Kind, seconds_text, toml_string

if TYPE_CHECKING:
    from .nested_schema import Schema

INFINITY: Final = "infinity"


class ExpirationRule(msgspec.Struct, frozen=True):
    """Keys that match the glob live for ``life_ms``; None is for ever."""

    pattern: str
    life_ms: int | None


class SinkSpecification(msgspec.Struct, frozen=True):
    """A class of the user's, as ``package.module:Class``, and the keyword arguments to make one."""

    class_path: str
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)  # the user's own: any JSON value


class ExpirationRules(Kind[tuple[ExpirationRule, ...]]):
    """``[[expirations]]`` tables of ``pattern`` and ``seconds``; the first that matches a key counts."""

    allowed = '[[expirations]] tables, each with pattern = "user:*" and seconds = 60 or "infinity"'

    def parse(self, text: str, current: tuple[ExpirationRule, ...]) -> tuple[ExpirationRule, ...]:
        return _schema().expiration_rules(text) if text else ()

    def show(self, value: tuple[ExpirationRule, ...]) -> str:
        if not value:
            return ""
        return _schema().json([{"pattern": rule.pattern, "seconds": _seconds(rule)} for rule in value])

    def text_of_toml(self, value: object) -> str:
        return _text_of_tables(value)

    def toml(self, value: tuple[ExpirationRule, ...]) -> str:
        return _toml_list(
            f"{{ pattern = {toml_string(rule.pattern)}, seconds = {_toml_value(_seconds(rule))} }}"
            for rule in value
        )


class SinkSpecifications(Kind[tuple[SinkSpecification, ...]]):
    """``[[events.sinks]]`` tables of ``class`` and, if it needs any, ``options``."""

    allowed = '[[events.sinks]] tables, each with class = "package.module:Class" and perhaps options = {...}'

    def parse(self, text: str, current: tuple[SinkSpecification, ...]) -> tuple[SinkSpecification, ...]:
        return _schema().sink_specifications(text) if text else ()

    def show(self, value: tuple[SinkSpecification, ...]) -> str:
        if not value:
            return ""
        return _schema().json([{"class": sink.class_path, "options": dict(sink.options)} for sink in value])

    def text_of_toml(self, value: object) -> str:
        return _text_of_tables(value)

    def toml(self, value: tuple[SinkSpecification, ...]) -> str:
        return _toml_list(
            f"{{ class = {toml_string(sink.class_path)}, options = {_toml_value(sink.options)} }}"
            for sink in value
        )


class Tables(Kind[tuple[Mapping[str, Any], ...]]):
    """Tables whose words their reader knows, and checks when the server starts."""

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed

    def parse(self, text: str, current: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
        return _schema().tables(text) if text else ()

    def show(self, value: tuple[Mapping[str, Any], ...]) -> str:
        return _schema().json([dict(table) for table in value]) if value else ""

    def text_of_toml(self, value: object) -> str:
        return _text_of_tables(value)

    def toml(self, value: tuple[Mapping[str, Any], ...]) -> str:
        return _toml_list(_toml_value(table) for table in value)


def _schema() -> "type[Schema]":
    from .nested_schema import Schema  # noqa: PLC0415 - see the module's docstring

    return Schema


def _text_of_tables(value: object) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise InvalidValueError("argument must be a list of tables")
    return _schema().json(value)


def _seconds(rule: ExpirationRule) -> int | float | str:
    if rule.life_ms is None:
        return INFINITY
    return rule.life_ms // 1000 if rule.life_ms % 1000 == 0 else float(seconds_text(rule.life_ms))


def _toml_list(tables: Iterable[str]) -> str:
    inner = ", ".join(tables)
    return f"[{inner}]"


def _toml_value(value: object) -> str:
    """Write what JSON can hold as inline TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return toml_string(value)
        case list() | tuple():
            return "[" + ", ".join(map(_toml_value, value)) + "]"
        case Mapping():
            pairs = ", ".join(
                f"{toml_string(str(key))} = {_toml_value(inner)}" for key, inner in value.items()
            )
            return f"{{ {pairs} }}" if pairs else "{}"
    raise InvalidValueError("argument holds something that TOML cannot")
