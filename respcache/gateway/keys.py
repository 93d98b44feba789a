"""``/v1/keys``: a key is a resource, its value the body.

Every step is a command of the Redis protocol, so guards, events, loading and the cluster are those of any client. A conditional
write is WATCH, a look, and MULTI ... EXEC. The ETag is a digest of the value: equal tags mean equal values, at any node.

A content type other than ``application/octet-stream`` is kept beside the value, under a key of its own with the same slot and life; it
names the value's tag, so that a value written by somebody else has no type rather than a wrong one.
"""

from collections.abc import Generator
from hashlib import blake2b
from typing import Any, Final

from .messages import BYTES, JSON, HttpError, Request, Response, Steps, json_response
from .routing import Routes
from .wire import Plain, as_json, fine

routes = Routes()

Step = Generator[list[bytes], Plain, Any]

KIND_PREFIX: Final = b"respcache:content-type:"

LONGEST_KIND: Final = 200

TRIES: Final = 10
"""A conditional write is tried so often when others write the same key in between."""


def tag_of(value: bytes) -> str:
    """Return the ETag of a value."""
    return f'"{blake2b(value, digest_size=16).hexdigest()}"'


def kind_key(key: bytes) -> bytes:
    """Return where a key's content type is kept; in the same slot where the key's own name allows it."""
    if b"}" in key or not key:
        return KIND_PREFIX + key
    return KIND_PREFIX + b"{" + key + b"}"


@routes.add("GET", "/v1/keys/{key}")
def get_key(request: Request) -> Steps:
    """Return a value as it was stored; a hash as a JSON object."""
    [key] = request.params
    value = yield [b"GET", key]
    if value.__class__ is not bytes:
        other: Response = yield from _get_other(key, value)
        return other
    tag = tag_of(value)
    life_ms = yield [b"PTTL", key]
    kind = yield from _kind_of(key, tag)
    headers = {"ETag": tag, "Cache-Control": _cache_control(life_ms), "Content-Type": kind}
    headers["Accept-Ranges"] = "bytes"
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(304, headers=headers)
    return _ranged(request, value, headers)


def _get_other(key: bytes, value: Plain) -> Step:
    """Answer for a key that holds no string."""
    if value is None:
        raise HttpError(404, "There is no such key.")
    if value.code != "WRONGTYPE":
        fine(value)
    fields = fine((yield [b"HGETALL", key]))
    life_ms = yield [b"PTTL", key]
    response = json_response(as_json(fields))
    response.headers["Cache-Control"] = _cache_control(life_ms)
    response.headers["ETag"] = tag_of(response.body)
    return response


def _kind_of(key: bytes, tag: str) -> Step:
    kept = yield [b"GET", kind_key(key)]
    if kept.__class__ is bytes:
        of, _, kind = kept.partition(b" ")
        if of == tag.encode():
            return kind.decode("latin-1")
    return BYTES


def _cache_control(life_ms: Plain) -> str:
    return f"max-age={life_ms // 1000}" if life_ms.__class__ is int and life_ms >= 0 else "no-cache"


def _ranged(request: Request, value: bytes, headers: dict[str, str]) -> Response:
    """Return the whole value, or the one range that was asked for."""
    text = request.headers.get("range", "")
    conditional = request.headers.get("if-range", headers["ETag"])
    if not text.startswith("bytes=") or "," in text or conditional != headers["ETag"]:
        return Response(200, value, headers=headers)
    first_text, dash, last_text = text[6:].strip().partition("-")
    size = len(value)
    if not dash or not (first_text or last_text) or not (first_text + last_text).isdecimal():
        return Response(200, value, headers=headers)
    if first_text:
        first, last = int(first_text), min(int(last_text), size - 1) if last_text else size - 1
    else:
        first, last = max(size - int(last_text), 0), size - 1
    if first >= size or first > last:
        raise HttpError(416, "There is no such range.", {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(206, value[first : last + 1], headers=headers)


def _matches(condition: str, tag: str) -> bool:
    """Say whether a list of tags, or ``*``, names this one."""
    names = [name.strip().removeprefix("W/") for name in condition.split(",")]
    return bool(condition) and ("*" in names or tag in names)


@routes.add("PUT", "/v1/keys/{key}")
def put_key(request: Request) -> Steps:
    """Store the body; ``?ttl=`` in seconds, ``If-None-Match: *`` only where nothing is, ``If-Match`` only over that version."""
    [key] = request.params
    value = request.body
    life = _life_of(request)
    write = [[b"SET", key, value, *life]]
    kind = request.headers.get("content-type", BYTES)
    tag = tag_of(value)
    if kind != BYTES:
        if len(kind) > LONGEST_KIND:
            raise HttpError(400, f"A content type may have {LONGEST_KIND} characters.")
        write.append([b"SET", kind_key(key), tag.encode() + b" " + kind.encode("latin-1", "replace"), *life])
    is_new = yield from _write_if(request, key, write)
    return Response(201 if is_new else 204, headers={"ETag": tag})


def _life_of(request: Request) -> list[bytes]:
    text = request.query.get("ttl", "")
    if not text:
        return []
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.001 <= seconds < 1e12:
        raise HttpError(400, "ttl must be a number of seconds from 0.001 on.")
    return [b"PX", b"%d" % round(seconds * 1000)]


def _write_if(request: Request, key: bytes, writes: list[list[bytes]]) -> Step:
    """Write if the request's conditions hold; return whether there was nothing before. Raises HttpError 412."""
    if_match, if_none_match = request.headers.get("if-match", ""), request.headers.get("if-none-match", "")
    if not if_match and not if_none_match:
        there = fine((yield [b"EXISTS", key]))
        for command in writes:
            fine((yield command))
        return not there
    for _ in range(TRIES):
        fine((yield [b"WATCH", key]))
        tag = yield from _current_tag(key)
        holds = (not if_match or (tag is not None and _matches(if_match, tag))) and not (
            if_none_match and tag is not None and _matches(if_none_match, tag)
        )
        if not holds:
            yield [b"UNWATCH"]
            raise HttpError(412, "The key is not as the request wants it.")
        fine((yield [b"MULTI"]))
        for command in writes[:1]:
            fine((yield command))
        done = fine((yield [b"EXEC"]))
        if done is not None:
            for reply in done:
                fine(reply)
            for command in writes[1:]:
                fine((yield command))
            return tag is None
    raise HttpError(503, "Others write the key all the time; try again.", {"Retry-After": "1"})


def _current_tag(key: bytes) -> Step:
    """Return the tag of what a key holds; None for nothing."""
    value = yield [b"GET", key]
    if value.__class__ is bytes:
        return tag_of(value)
    if value is None:
        return None
    if value.code != "WRONGTYPE":
        fine(value)
    return tag_of(json_response(as_json(fine((yield [b"HGETALL", key])))).body)


@routes.add("DELETE", "/v1/keys/{key}")
def delete_key(request: Request) -> Steps:
    """Delete a key; ``If-Match`` only in that version."""
    [key] = request.params
    if request.headers.get("if-match"):
        yield from _write_if(request, key, [[b"DEL", key], [b"DEL", kind_key(key)]])
        return Response(204)
    gone = fine((yield [b"DEL", key]))
    yield [b"DEL", kind_key(key)]
    if not gone:
        raise HttpError(404, "There is no such key.")
    return Response(204)


@routes.add("PATCH", "/v1/keys/{key}/ttl")
def patch_ttl(request: Request) -> Steps:
    """Give a key so many seconds to live: ``{"ttl": 60}``; null for ever."""
    [key] = request.params
    wanted = request.json()
    ttl = wanted.get("ttl", ...) if isinstance(wanted, dict) else ...
    if ttl is None:
        there = fine((yield [b"EXISTS", key]))
        fine((yield [b"PERSIST", key]))
        yield [b"PERSIST", kind_key(key)]
    elif isinstance(ttl, int | float) and not isinstance(ttl, bool) and 0.001 <= ttl < 1e12:
        life_ms = b"%d" % round(ttl * 1000)
        there = fine((yield [b"PEXPIRE", key, life_ms]))
        yield [b"PEXPIRE", kind_key(key), life_ms]
    else:
        raise HttpError(400, 'The body must be {"ttl": seconds} or {"ttl": null}.')
    if not there:
        raise HttpError(404, "There is no such key.")
    return json_response({"ttl": ttl})


@routes.add("GET", "/v1/keys")
def list_keys(request: Request) -> Steps:
    """Return some keys and the cursor of the next ones: ``?match=`` glob, ``?cursor=``, ``?count=``."""
    cursor, count = request.query.get("cursor", "0"), request.query.get("count", "100")
    if not cursor.isdecimal() or not count.isdecimal() or not 1 <= int(count) <= 1000:
        raise HttpError(400, "cursor and count are numbers, and count at most 1000.")
    words = [b"SCAN", cursor.encode(), b"COUNT", count.encode()]
    if request.query.get("match"):
        words += [b"MATCH", request.query["match"].encode("utf-8", "surrogateescape")]
    cursor, found = fine((yield words))
    keys = [as_json(key) for key in found if not key.startswith(KIND_PREFIX)]
    return json_response({"cursor": as_json(cursor), "keys": keys})


__all__ = ["JSON", "kind_key", "routes", "tag_of"]
