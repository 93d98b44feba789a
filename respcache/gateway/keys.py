"""``/v1/keys/{key}``: a key is a resource, its value the body.

Every step is a command, so guards, events, loading and the cluster are those of any client (``commands/resources.py``). The ETag
is a digest of the value: equal tags mean equal values, at any node.
"""

import re
from typing import Final

from ..commands.resources import FAILED, version_of
from .describing import answers, header, json_body, query, raw_body, thing
from .messages import BYTES, JSON, HttpError, Request, Response, Steps, json_response
from .preconditions import holds, range_of, versions
from .routing import Routes
from .tags import note_tags, tags_of
from .wire import Plain, as_json, fine

routes = Routes()

LONGEST_KIND: Final = 200

LONGEST_LIFE_S: Final = 1e12

_KIND = re.compile(rb"[\x21-\x7e][\x20-\x7e]*")

HARMLESS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
"""A value is shown by a browser as what it is said to be, and if it is a page, as one that may do nothing."""

NO_KEY: Final = "There is no such key."
CHANGED: Final = "The key is not as the request wants it."


def etag(version: bytes) -> str:
    """Return a version as an entity tag."""
    return f'"{version.decode()}"'


CONDITIONS: Final = [
    header("If-Match", "Only if the key is in one of these versions; * for any"),
    header("If-None-Match", "Only if it is in none of these; * for any"),
]
GOT: Final = {
    "parameters": [
        *CONDITIONS,
        header("Range", "A part of the value: bytes=0-99"),
        header("If-Range", "In this version"),
    ],
    "responses": answers(s200="The value", s206="A part of it", s304="The version is known"),
}
PUT: Final = {
    "parameters": [
        query("ttl", "Seconds to live", {"type": "number", "minimum": 0.001}),
        query("tags", "Names to delete it by, with commas between them"),
        header("Cache-Tags", "The same"),
        *CONDITIONS,
    ],
    "requestBody": raw_body(),
    "responses": answers(s201="A new key", s204="A new value"),
}
DELETED: Final = {"parameters": CONDITIONS, "responses": answers(s204="It is gone")}
TTL: Final = thing(ttl={"type": ["number", "null"]})
PATCHED: Final = {"requestBody": json_body(TTL), "responses": answers(s200=("The life", TTL))}


@routes.add("GET", "/v1/keys/{key}", GOT)
def get_key(request: Request) -> Steps:
    """Return a value as it was stored; a hash as a JSON object.

    ``ETag`` is its version, ``Cache-Control`` says how long it lives. Takes ``Range``, ``If-None-Match`` and ``If-Match``.
    """
    [key] = request.params
    found = fine((yield [b"RESPCACHE.READ", key]))
    if found is None:
        raise HttpError(404, NO_KEY)
    value, version, life_ms, kind = found
    if value.__class__ is bytes:
        shown = kind.decode("latin-1") if kind is not None and _KIND.fullmatch(kind) else BYTES
    else:
        value, shown = json_response(as_json(value)).body, JSON
    tag = etag(version)
    headers = {
        "ETag": tag,
        "Cache-Control": f"max-age={life_ms // 1000}" if life_ms >= 0 else "no-cache",
    }
    conditional = request.headers
    wanted = versions(conditional.get("if-match"), is_strong=True)
    if wanted is not None and not holds(wanted, version):
        raise HttpError(412, CHANGED, {"ETag": tag})
    known = versions(conditional.get("if-none-match"), is_strong=False)
    if known is not None and holds(known, version):
        return Response(304, headers=headers)
    headers |= {"Content-Type": shown, "Accept-Ranges": "bytes", **HARMLESS}
    chosen = range_of(request, tag, len(value)) if "range" in conditional else None
    if chosen is None:
        return Response(200, value, headers=headers)
    begin, end = chosen
    headers["Content-Range"] = f"bytes {begin}-{end - 1}/{len(value)}"
    return Response(206, value[begin:end], headers=headers)


@routes.add("PUT", "/v1/keys/{key}", PUT)
def put_key(request: Request) -> Steps:
    """Store the body and its content type; 201 for a new key, else 204.

    ``If-None-Match: *`` stores only where nothing is, ``If-Match`` only over that version. ``Cache-Tags: a, b`` lets the key be
    deleted by its tags.
    """
    [key] = request.params
    value = request.body
    life_ms = life_of(request.query.get("ttl", ""))
    tags = tags_of(request)
    version = version_of(value)
    words = [b"RESPCACHE.WRITE", key, value]
    if life_ms:
        words += [b"PX", b"%d" % life_ms]
    kind = request.headers.get("content-type", BYTES)
    if kind != BYTES:
        if len(kind) > LONGEST_KIND:
            raise HttpError(400, f"A content type may have {LONGEST_KIND} characters.")
        words += [b"KIND", kind.encode("latin-1", "replace")]
    words += _conditions(request)
    done = fine((yield words))
    if done == FAILED:
        raise HttpError(412, CHANGED)
    yield from note_tags(tags, key, version, life_ms)
    return Response(201 if done else 204, headers={"ETag": etag(version)})


def life_of(text: str) -> int:
    """Return the milliseconds of ``?ttl=``; 0 where there is none. Raises HttpError."""
    if not text:
        return 0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.001 <= seconds < LONGEST_LIFE_S:
        raise HttpError(400, "ttl must be a number of seconds from 0.001 on.")
    return round(seconds * 1000)


def _conditions(request: Request) -> list[bytes]:
    """Return the conditions of a request as options of a command."""
    words: list[bytes] = []
    wanted = versions(request.headers.get("if-match"), is_strong=True)
    if wanted is not None:
        words += [b"IFMATCH", wanted]
    known = versions(request.headers.get("if-none-match"), is_strong=False)
    if known is not None:
        words += [b"IFNONEMATCH", known]
    return words


@routes.add("DELETE", "/v1/keys/{key}", DELETED)
def delete_key(request: Request) -> Steps:
    """Delete a key; with ``If-Match`` only in that version."""
    [key] = request.params
    done: Plain = fine((yield [b"RESPCACHE.REMOVE", key, *_conditions(request)]))
    if done == FAILED:
        raise HttpError(412, CHANGED)
    if not done:
        raise HttpError(404, NO_KEY)
    return Response(204)


@routes.add("PATCH", "/v1/keys/{key}/ttl", PATCHED)
def patch_ttl(request: Request) -> Steps:
    """Give a key so many seconds to live: ``{"ttl": 60}``; null for ever."""
    [key] = request.params
    wanted = request.json()
    ttl = wanted.get("ttl", ...) if isinstance(wanted, dict) else ...
    if ttl is None:
        life_ms = 0
    elif isinstance(ttl, int | float) and not isinstance(ttl, bool) and 0.001 <= ttl < LONGEST_LIFE_S:
        life_ms = round(ttl * 1000)
    else:
        raise HttpError(400, 'The body must be {"ttl": seconds} or {"ttl": null}.')
    if not fine((yield [b"RESPCACHE.LIVE", key, b"%d" % life_ms])):
        raise HttpError(404, NO_KEY)
    return json_response({"ttl": ttl})
