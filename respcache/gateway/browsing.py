"""``/v1/browse``: some keys with their facts, for people who look for one; and the facts and fields of one key.

Looking through a million keys takes a second, so it is done in steps of a millisecond, with everybody else's turn between them; a page ends
when it is full, or when a twentieth of a second has been spent on it, and its cursor says where to go on. No loader is asked for a key because
somebody looks at it.
"""

import time
from collections.abc import Generator
from typing import Any, Final
from urllib.parse import quote_from_bytes

from ..commands.loads import RESERVED
from ..keyspace.glob import is_literal
from .describing import ANYTHING, answers, query, thing
from .messages import HttpError, Request, Steps, Together, json_response
from .routing import Routes
from .steps import REST
from .wire import Plain, as_json, fine

routes = Routes()

Step = Generator[list[bytes] | Together, Plain, Any]  # Any: said with each

PAGE_S: Final = 0.05
"""A quarter of what people take for at once; the rest is for the way there and back, and for a machine that has more to do."""

STEP_PLACES: Final = 1000
"""Keys looked at between two rests, once it is known that few of them fit: about a millisecond with a pattern."""

STEP_FACTS: Final = 100
"""Keys told of between two rests: about a millisecond."""

MOST_KEYS: Final = 500
MOST_FIELDS: Final = 1000
LONGEST_PATTERN: Final = 1024


CURSOR: Final = query("cursor", "That of the answer before", {"type": "string", "pattern": "^[0-9]{1,20}$"})
MATCH: Final = query("match", "A pattern such as user:*", {"type": "string", "maxLength": LONGEST_PATTERN})
FACTS: Final = thing(
    key=ANYTHING, path={"type": "string"}, type={"type": "string"}, ttl_ms={"type": ["integer", "null"]}
)
BROWSED: Final = {
    "parameters": [
        MATCH,
        query("type", "Only such keys: string or hash"),
        CURSOR,
        query("count", "Keys of a page", {"type": "integer", "minimum": 1, "maximum": MOST_KEYS}),
    ],
    "responses": answers(
        s200=("Some keys", thing(cursor={"type": "string"}, keys={"type": "array", "items": FACTS}))
    ),
}
FACTS_TOLD: Final = {"responses": answers(s200=("The facts", FACTS))}
FIELDS_TOLD: Final = {
    "parameters": [
        MATCH,
        CURSOR,
        query("count", "Places to look at", {"type": "integer", "minimum": 1, "maximum": MOST_FIELDS}),
    ],
    "responses": answers(
        s200=("Some fields", thing(cursor={"type": "string"}, fields={"type": "array", "items": ANYTHING}))
    ),
}


@routes.add("GET", "/v1/browse", BROWSED)
def browse(request: Request) -> Steps:
    """Return some keys with type, TTL, size, encoding and length, and the cursor of the next page.

    A page may have fewer keys than asked for, or none, and yet a cursor other than 0: then there is more to look through. A pattern without
    wildcards finds its key at once.
    """
    count, cursor = _number(request, "count", 50, MOST_KEYS), _cursor(request)
    pattern = request.query.get("match", "").encode("utf-8", "surrogateescape")
    kind = request.query.get("type", "")
    if len(pattern) > LONGEST_PATTERN:
        raise HttpError(400, f"A pattern may have {LONGEST_PATTERN} bytes.")
    if pattern and is_literal(pattern):
        found, cursor, looked_at = [pattern], b"0", 1
    else:
        found, cursor, looked_at = yield from _look_through(pattern, kind, cursor, count)
    told = yield from _facts_of(found)
    if kind:
        told = [one for one in told if one["type"] == kind]
    total = fine((yield [b"DBSIZE"]))
    return json_response({"cursor": as_json(cursor), "looked_at": looked_at, "total": total, "keys": told})


def _look_through(pattern: bytes, kind: str, cursor: bytes, count: int) -> Step:
    """Return the keys of a page, the next cursor, and about how many keys have been looked at."""
    more = [b"MATCH", pattern] if pattern else []
    more += [b"TYPE", kind.encode()] if kind else []
    places = min(count, STEP_PLACES)
    end_s = time.monotonic() + PAGE_S
    found: list[bytes] = []
    looked_at = 0
    while True:
        cursor, names = fine((yield [b"SCAN", cursor, b"COUNT", b"%d" % places, *more]))
        looked_at += places
        found += [name for name in names if not name.startswith(RESERVED)]
        if cursor == b"0" or len(found) >= count or time.monotonic() > end_s:
            return found, cursor, looked_at
        if len(found) * 4 < looked_at:
            places = min(places * 4, STEP_PLACES)
        yield REST


def _facts_of(keys: list[bytes]) -> Step:
    """Return the facts of the keys that are there still."""
    told: list[dict[str, Any]] = []
    for begin in range(0, len(keys), STEP_FACTS):
        some = keys[begin : begin + STEP_FACTS]
        replies = yield Together([[b"OBJECT", b"FACTS", key] for key in some])
        pairs = zip(some, map(fine, replies), strict=True)
        told += [_document(key, facts) for key, facts in pairs if facts is not None]
        yield REST
    return told


def _document(key: bytes, facts: list[Any]) -> dict[str, Any]:  # Any: as OBJECT FACTS has them
    kind, life_ms, size, encoding, length = facts
    return {
        "key": as_json(key),
        "path": quote_from_bytes(key, safe=""),
        "type": as_json(kind),
        "ttl_ms": None if life_ms < 0 else life_ms,
        "bytes": size,
        "encoding": as_json(encoding),
        "length": length,
    }


@routes.add("GET", "/v1/keys/{key}/facts", FACTS_TOLD)
def get_facts(request: Request) -> Steps:
    """Return type, TTL, size in memory, encoding and length of a key. No loader is asked for it."""
    [key] = request.params
    facts = fine((yield [b"OBJECT", b"FACTS", key]))
    if facts is None:
        raise HttpError(404, "There is no such key.")
    return json_response(_document(key, facts))


@routes.add("GET", "/v1/keys/{key}/fields", FIELDS_TOLD)
def list_fields(request: Request) -> Steps:
    """Return some fields of a hash with their values, and the cursor of the next."""
    [key] = request.params
    count, cursor = _number(request, "count", 100, MOST_FIELDS), _cursor(request)
    words = [b"HSCAN", key, cursor, b"COUNT", b"%d" % count]
    if request.query.get("match"):
        words += [b"MATCH", request.query["match"].encode("utf-8", "surrogateescape")]
    cursor, found = fine((yield words))
    pairs = zip(found[::2], found[1::2], strict=True)
    fields = [{"field": as_json(name), "value": as_json(value)} for name, value in pairs]
    return json_response({"cursor": as_json(cursor), "fields": fields})


def _number(request: Request, name: str, usual: int, most: int) -> int:
    text = request.query.get(name, str(usual))
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise HttpError(400, f"{name} is a number from 1 to {most}.")
    return int(text)


def _cursor(request: Request) -> bytes:
    text = request.query.get("cursor", "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        raise HttpError(400, "cursor is what the page before has told, or 0.")
    return text.encode()
