"""``/v1/keys``: which keys there are, and deleting many of them, in steps that nobody has to wait for."""

from typing import Final

from ..commands.loads import RESERVED
from .describing import ANYTHING, answers, query, thing
from .messages import HttpError, Request, Steps, Together, json_response
from .routing import Routes
from .tags import invalidate
from .wire import as_json, fine

routes = Routes()

MOST_KEYS: Final = 1000
"""Places looked at for one answer, or in one step."""

PLACES_PER_STEP: Final = b"500"


LISTED: Final = {
    "parameters": [
        query("match", "A pattern such as user:*"),
        query("cursor", "That of the answer before", {"type": "string", "pattern": "^[0-9]{1,20}$"}),
        query("count", "Places to look at", {"type": "integer", "minimum": 1, "maximum": MOST_KEYS}),
    ],
    "responses": answers(
        s200=("Some keys", thing(cursor={"type": "string"}, keys={"type": "array", "items": ANYTHING}))
    ),
}
DELETED: Final = {
    "parameters": [query("match", "A pattern such as user:*"), query("tag", "A tag, instead")],
    "responses": answers(s200=("How many keys are gone", thing(deleted={"type": "integer"}))),
}


@routes.add("GET", "/v1/keys", LISTED)
def list_keys(request: Request) -> Steps:
    """Return some keys and the cursor of the next ones, which is "0" at the end."""
    cursor, count = request.query.get("cursor", "0"), request.query.get("count", "100")
    if not _is_number(cursor) or not _is_number(count) or not 1 <= int(count) <= MOST_KEYS:
        raise HttpError(400, f"cursor and count are numbers, and count at most {MOST_KEYS}.")
    words = [b"SCAN", cursor.encode(), b"COUNT", count.encode()]
    if request.query.get("match"):
        words += [b"MATCH", request.query["match"].encode("utf-8", "surrogateescape")]
    following, found = fine((yield words))
    keys = [as_json(key) for key in found if not key.startswith(RESERVED)]
    return json_response({"cursor": as_json(following), "keys": keys})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


@routes.add("DELETE", "/v1/keys", DELETED)
def delete_keys(request: Request) -> Steps:
    """Delete all keys that match a pattern, or carry a tag; return how many there were.

    Works in steps, so keys that are written meanwhile may stay or go.
    """
    query = request.query
    pattern, tag = query.get("match", ""), query.get("tag", "")
    if bool(pattern) == bool(tag):
        raise HttpError(400, "This needs either match or tag; match=* for all keys.")
    if tag:
        deleted = yield from invalidate(tag.encode("utf-8", "surrogateescape"))
        return json_response({"deleted": deleted})
    words, deleted = [b"MATCH", pattern.encode("utf-8", "surrogateescape")], 0
    cursor = b"0"
    while True:
        cursor, found = fine((yield [b"SCAN", cursor, b"COUNT", PLACES_PER_STEP, *words]))
        keys = [key for key in found if not key.startswith(RESERVED)]
        for reply in (yield Together([[b"RESPCACHE.REMOVE", key] for key in keys])):
            deleted += fine(reply)
        if cursor == b"0":
            return json_response({"deleted": deleted})
