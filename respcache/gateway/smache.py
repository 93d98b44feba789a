"""The calls of Smache, for those who come from there: ``/api``, ``/`` and ``/healthcheck``.

A key may be a string or an integer; ``1`` and ``"1"`` are the same key, and no other two are. The values that POST stores are
JSON, and come back as they were. A miss is a 200 with null; null, missing and empty keys are refused with 403.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ..commands.node import Node
from ..keyspace.slots import key_partition
from .describing import ANYTHING, answers, json_body, query, thing
from .messages import HttpError, Request, Steps, json_response
from .routing import Routes
from .wire import as_json, fine


class Posted(msgspec.Struct):
    """The body of ``POST /api``."""

    key: Any = None
    data: msgspec.Raw = msgspec.Raw(b"null")


POSTED_BODY: Final = msgspec.json.Decoder(Posted)
JSON_DATA: Final = msgspec.json.Decoder(msgspec.Raw)

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


class Homes:
    """Names the node that a key is at: by its address in a cluster, as members are named there."""

    def __init__(self, node: Node, name: str) -> None:
        """``name`` is that of the node itself, which is all that there is to say where it is alone."""
        self._node = node
        self._name = name
        self._version = -1
        self._names: dict[int, str] = {}

    def name_of(self, key: bytes) -> str:
        """Return the name of the node that answers for a key, as far as it is known here."""
        cluster = self._node.cluster
        if cluster is None:
            return self._name
        if cluster.version != self._version:
            self._version = cluster.version
            self._names.clear()
        partition = key_partition(key)
        name = self._names.get(partition)
        if name is None:
            owners = cluster.owners_of(partition)
            name = self._names[partition] = owners[0].address if owners else self._name
        return name


def smache_routes(node_of: Callable[[bytes], str]) -> Routes:
    """Return the routes; ``node_of`` names the node that owns a key."""
    routes = Routes()

    @routes.add("POST", "/api", POSTED)
    def post_api(request: Request) -> Steps:
        """Store ``{"key": ..., "data": ...}`` and return ``{"data": ...}``."""
        key, data = _posted(request.body)
        fine((yield [b"SET", key, data]))
        return json_response({"data": msgspec.Raw(data)})

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


def _posted(body: bytes) -> tuple[bytes, bytes]:
    """Return the key and the data, which stays as it is spelled: numbers keep their digits, and nothing is built to be taken apart again.

    Raises HttpError.
    """
    try:
        posted = POSTED_BODY.decode(body)
        if not body.isascii():
            body.decode()  # nobody has looked into strings of the data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HttpError(400, f'The body must be {{"key": ..., "data": ...}}: {error}') from None
    return _key_of(posted.key), bytes(posted.data)


def _data_of(value: bytes | None) -> Any:  # Any: JSON
    if value is None:
        return None
    try:
        data = JSON_DATA.decode(value)
        if not value.isascii():
            value.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return as_json(value)  # written by a Redis client
    return data
