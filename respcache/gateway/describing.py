"""Words for what OpenAPI is told of a route, beside its address and its handler's docstring."""

from collections.abc import Mapping
from typing import Any, Final

from .messages import JSON, PROBLEM

Described = dict[str, Any]  # Any: JSON

WORD: Final[Described] = {"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}
COMMAND: Final[Described] = {
    "type": "array",
    "minItems": 1,
    "items": WORD,
    "examples": [["SET", "greeting", "hello"]],
}
ANYTHING: Final[Described] = {}


def query(
    name: str, about: str, schema: Mapping[str, Any] | None = None, *, is_required: bool = False
) -> Described:
    """Describe a word behind the question mark."""
    return _parameter("query", name, about, schema, is_required)


def header(name: str, about: str) -> Described:
    """Describe a header of the request."""
    return _parameter("header", name, about, None, False)


def _parameter(
    place: str, name: str, about: str, schema: Mapping[str, Any] | None, is_required: bool
) -> Described:
    return {
        "name": name,
        "in": place,
        "description": about,
        "required": is_required,
        "schema": schema or {"type": "string"},
    }


def json_body(schema: Mapping[str, Any]) -> Described:
    """Describe a body in JSON."""
    return {"required": True, "content": {JSON: {"schema": schema}}}


def raw_body() -> Described:
    """Describe a body that is taken as it is."""
    return {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}


def answers(**by_status: str | tuple[str, Mapping[str, Any]]) -> Described:
    """Describe answers, ``s200=...``, with the schema of their JSON where they have some; problems are added to them."""
    told: Described = {}
    for status, about in by_status.items():
        text, schema = about if isinstance(about, tuple) else (about, None)
        told[status[1:]] = {"description": text}
        if schema is not None:
            told[status[1:]]["content"] = {JSON: {"schema": schema}}
    told["4XX"] = told["5XX"] = {
        "description": "A problem (RFC 9457)",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    return told


def thing(**properties: Mapping[str, Any]) -> Described:
    """Describe an object of JSON by its properties."""
    return {"type": "object", "properties": properties}
