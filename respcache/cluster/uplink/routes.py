"""The registry's interface over HTTP. Pure: a request comes in, an answer goes out.

    PUT    /v1/clusters/{name}/members/{id}   {"bus": "10.0.0.1:16379", "name": "10.0.0.1:6379", "ttl_s": 30}
           -> 200 with the member. Adds it or renews it for so many seconds (1 to 14400; 30 if not given).
              A bus host of 0.0.0.0 or :: becomes the address that the request came from. 507 when there is no room.
    GET    /v1/clusters/{name}/members/{id}   -> 200 {"id": ..., "bus": ..., "name": ...}, or 404
    DELETE /v1/clusters/{name}/members/{id}   -> 204, whether it was there or not
    GET    /v1/clusters/{name}/members        -> 200 {"members": [{"id": ..., "bus": ..., "name": ...}, ...]}
    GET    /healthz                           -> 200 {"status": "ok", "clusters": 1, "members": 3}

{name} is a cluster's name of up to 64 bytes, {id} a node's id of 40 hex digits. What is wrong is told as
{"error": "..."} with 400, 404, 405 or 413. A cluster that nobody has registered with has no members, and is no error.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import msgspec

from ..discovery.endpoints import Endpoint, EndpointError, is_anywhere, numeric_host, parse_endpoint
from .messages import ID_PATTERN, MOST_NAME_BYTES, Listing, Registration
from .registry import FullError, Registry

_MEMBERS: Final = re.compile(r"/v1/clusters/(?P<cluster>[^/]+)/members(?:/(?P<id>[^/]+))?")
_ID: Final = re.compile(ID_PATTERN)
_DECODER: Final = msgspec.json.Decoder(Registration)


@dataclass(frozen=True, slots=True)
class Request:
    """What has been asked. ``peer`` is the numeric address of whoever asks."""

    method: str
    target: str
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say. The body is JSON, or empty."""

    status: int
    body: bytes = b""
    allow: str = ""


class RequestError(Exception):
    """The request is wrong."""

    def __init__(self, status: int, text: str, allow: str = "") -> None:
        super().__init__(text)
        self.answer = error_answer(status, text, allow)


def error_answer(status: int, text: str, allow: str = "") -> Answer:
    """Say what is wrong."""
    return Answer(status, msgspec.json.encode({"error": text}), allow)


def answer(registry: Registry, request: Request, now_s: float) -> Answer:
    """Do what is asked, and say how it went."""
    try:
        return _routed(registry, request, now_s)
    except RequestError as error:
        return error.answer


def _routed(registry: Registry, request: Request, now_s: float) -> Answer:
    path = request.target.partition("?")[0]
    if path == "/healthz":
        _check_method(request, "GET")
        clusters, members = registry.count()
        return _json({"status": "ok", "clusters": clusters, "members": members})
    match = _MEMBERS.fullmatch(path)
    if match is None:
        raise RequestError(404, "no such path")
    cluster = _cluster_of(match["cluster"])
    if match["id"] is None:
        _check_method(request, "GET")
        return _json(Listing(registry.members(cluster, now_s)))
    if not _ID.fullmatch(match["id"]):
        raise RequestError(400, "an id is 40 hex digits in lower case")
    return _member(registry, request, cluster, match["id"], now_s)


def _member(registry: Registry, request: Request, cluster: str, id: str, now_s: float) -> Answer:
    _check_method(request, "GET", "PUT", "DELETE")
    if request.method == "PUT":
        try:
            return _json(registry.put(cluster, id, _registration(request), now_s))
        except FullError as error:
            raise RequestError(507, str(error)) from error
    if request.method == "DELETE":
        registry.remove(cluster, id)
        return Answer(204)
    member = registry.find(cluster, id, now_s)
    if member is None:
        raise RequestError(404, "no such member")
    return _json(member)


def _registration(request: Request) -> Registration:
    """Read and check what a node says about itself."""
    try:
        registration = _DECODER.decode(request.body)
        endpoint = parse_endpoint(registration.bus)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, EndpointError) as error:
        raise RequestError(400, str(error)) from error
    if not endpoint.port:
        raise RequestError(400, "the bus needs a port")
    if is_anywhere(endpoint.host):
        endpoint = Endpoint(numeric_host(request.peer) or request.peer, endpoint.port)
    return msgspec.structs.replace(registration, bus=str(endpoint))


def _cluster_of(quoted: str) -> str:
    name = unquote(quoted, errors="replace")
    if len(name.encode()) > MOST_NAME_BYTES or not name.isprintable() or " " in name:
        raise RequestError(400, f"the name of a cluster is a word of at most {MOST_NAME_BYTES} bytes")
    return name


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise RequestError(405, f"only {', '.join(allowed)}", ", ".join(allowed))


def _json(value: object) -> Answer:
    return Answer(200, msgspec.json.encode(value))
