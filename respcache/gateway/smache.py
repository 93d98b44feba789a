"""The calls of Smache, for those who come from there: ``/api``, ``/`` and ``/healthcheck``.

A key may be a string or an integer; ``1`` and ``"1"`` are the same key, and no other two are. The values that POST stores are
JSON, and come back as they were. A miss is a 200 with null; null, missing and empty keys are refused with 403.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from .describing import ANYTHING, answers, json_body, query, thing
from .messages import HttpError, Request, Steps, json_response
from .routing import Routes
from .wire import as_json, fine

KEY_REFUSED: Final = "Null keys are not allowed."

POSTED: Final = {
    "requestBody": json_body(thing(key={"type": ["string", "integer"]}, data=ANYTHING)),
    "responses": answers(s200=("What was stored", thing(data=ANYTHING))),
}
GOT: Final = {
    "parameters": [query("key", "A string or an integer", is_required=True)],
    "responses": answers(s200=("What is stored, or null", thing(key=ANYTHING, node=ANYTHING, data=ANYTHING))),
}
HEALTHY: Final = {"responses": answers(s200=("It is there", {"type": "object"}))}


def smache_routes(node_of: Callable[[bytes], str]) -> Routes:
    """Return the routes; ``node_of`` names the node that owns a key."""
    routes = Routes()

    @routes.add("POST", "/api", POSTED)
    def post_api(request: Request) -> Steps:
        """Store ``{"key": ..., "data": ...}`` and return ``{"data": ...}``."""
        body = request.json()
        if not isinstance(body, dict):
            raise HttpError(400, 'The body must be {"key": ..., "data": ...}.')
        key = _key_of(body.get("key"))
        data = body.get("data")
        fine((yield [b"SET", key, msgspec.json.encode(data)]))
        return json_response({"data": data})

    @routes.add("GET", "/api", GOT)
    def get_api(request: Request) -> Steps:
        """Return ``{"key": ..., "node": ..., "data": ...}``; data is null for a miss."""
        text = request.query.get("key")
        key = _key_of(None if text == "null" else text)
        value = fine((yield [b"GET", key]))
        return json_response({"key": as_json(key), "node": node_of(key), "data": _data_of(value)})

    @routes.add("GET", "/healthcheck", HEALTHY, is_open=True)
    def healthcheck(request: Request) -> Steps:
        """Return an empty object: the server is there."""
        return json_response({})
        yield []  # a handler is a generator

    return routes


def _key_of(key: object) -> bytes:
    if isinstance(key, int) and not isinstance(key, bool):
        return b"%d" % key
    if not isinstance(key, str) or not key:
        raise HttpError(403, KEY_REFUSED)
    return key.encode("utf-8", "surrogateescape")


def _data_of(value: bytes | None) -> Any:  # Any: JSON
    if value is None:
        return None
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return as_json(value)  # written by a Redis client
