"""What the tables of ``nested`` may hold, checked by msgspec. Imported only when there is one."""

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from .errors import InvalidValueError
from .nested import INFINITY, ExpirationRule, SinkSpecification

LONGEST_LIFE_SECONDS = 10**12
"""About 32,000 years; what the setting ``expiration`` can hold."""

Table = TypeVar("Table")


class _ExpirationTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pattern: Annotated[str, msgspec.Meta(min_length=1)]
    seconds: Annotated[float, msgspec.Meta(ge=0.001, lt=LONGEST_LIFE_SECONDS)] | Literal["infinity"]


class _SinkTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"class_path": "class"}):
    class_path: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
    options: dict[str, Any] = msgspec.field(default_factory=dict)  # the user's own: any JSON value


class Schema:
    """The functions that ``nested`` needs, behind one lazy import."""

    @staticmethod
    def expiration_rules(text: str) -> tuple[ExpirationRule, ...]:
        return tuple(
            ExpirationRule(
                table.pattern, None if table.seconds == INFINITY else round(float(table.seconds) * 1000)
            )
            for table in _decode(text, list[_ExpirationTable])
        )

    @staticmethod
    def sink_specifications(text: str) -> tuple[SinkSpecification, ...]:
        return tuple(
            SinkSpecification(table.class_path, table.options) for table in _decode(text, list[_SinkTable])
        )

    @staticmethod
    def tables(text: str) -> tuple[dict[str, Any], ...]:
        return tuple(_decode(text, list[dict[str, Any]]))

    @staticmethod
    def json(value: object) -> str:
        return msgspec.json.encode(value).decode()


def _decode(text: str, type_: type[list[Table]]) -> list[Table]:
    try:
        return msgspec.json.decode(text.encode("utf-8", "surrogateescape"), type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # RecursionError: a deep nest of brackets is bad input, not our fault.
        raise InvalidValueError(f"argument must be a JSON list of objects: {error}", str(error)) from None
