"""Replies as handlers of HTTP requests see them: plain values, whichever node has given them.

bytes, str, int, float, bool, None, lists, dictionaries with bytes or str as keys, and ``ErrorReply``.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import hiredis
import msgspec

from ..protocol.replies import (
    OK,
    BigNumber,
    ErrorReply,
    NoReply,
    NullArray,
    Pairs,
    Push,
    Raw,
    Reply,
    Several,
    SimpleString,
    Unordered,
    Verbatim,
)
from .messages import HttpError, sound

Plain: TypeAlias = Any  # see above

AS_THEY_ARE: Final = frozenset({bytes, str, int, float, bool, type(None), ErrorReply})


def plain(reply: Reply) -> Plain:  # noqa: C901, PLR0911, PLR0912  # a way out per class
    """Return a handler's reply as a plain value."""
    if reply.__class__ in AS_THEY_ARE:
        return reply
    if reply is OK:
        return "OK"
    if isinstance(reply, list):
        return [item if item.__class__ in AS_THEY_ARE else plain(item) for item in reply]
    match reply:
        case SimpleString(text):
            return text
        case bytearray():
            return bytes(reply)
        case Verbatim(text):
            return text
        case BigNumber(value):
            return b"%d" % value  # a number of JSON is a double to most who read it
        case Unordered(items) | Push(items) | Several(items):
            return [plain(item) for item in items]
        case Pairs(items):
            return {plain(key): plain(value) for key, value in items}
        case Mapping():
            return {key: plain(value) for key, value in reply.items()}
        case NullArray() | NoReply():
            return None
        case Raw(wire):
            return plain_of_wire(wire)
        case _:
            assert isinstance(reply, tuple)
            return [plain(item) for item in reply]


def plain_of_wire(wire: bytes) -> Plain:
    """Return the value of one reply that came from another node as RESP3."""
    reader = hiredis.Reader(errors="surrogateescape")
    reader.feed(wire)
    return _of_hiredis(reader.gets())


def _of_hiredis(value: Any) -> Plain:
    kind = value.__class__
    if kind is bytes or kind is int:  # nearly all: 13,000 of the 14,000 in a list of partitions
        return value
    if kind is list:
        return [_of_hiredis(one) for one in value]
    if isinstance(value, hiredis.ReplyError):
        code, _, message = str(value).partition(" ")
        return ErrorReply(code, message)
    if isinstance(value, dict):
        return {key: _of_hiredis(one) for key, one in value.items()}
    if isinstance(value, tuple | set | frozenset):
        return [_of_hiredis(one) for one in value]
    return value


STATUS_BY_CODE: Final[Mapping[str, int]] = {
    "WRONGTYPE": 409,
    "OOM": 507,
    "NOAUTH": 401,
    "NOPERM": 403,
    "TRYAGAIN": 503,
    "CLUSTERDOWN": 503,
    "TIMEOUT": 504,
    "LOADFAILED": 502,
    "LOADTIMEOUT": 504,
    "WRITEFAILED": 502,
    "WRITETIMEOUT": 504,
    "READONLY": 403,
    "TAGFULL": 409,
}
"""Which status an error of the Redis protocol becomes; 400 for any other."""


def fine(reply: Plain) -> Plain:
    """Return a reply that is no error; raises HttpError for one that is."""
    if reply.__class__ is ErrorReply:
        status = STATUS_BY_CODE.get(reply.code, 400)
        headers = {"Retry-After": "1"} if status == 503 else None
        raise HttpError(status, f"{reply.code} {reply.message}", headers)
    return reply


def as_json(value: Plain) -> Any:  # noqa: PLR0911  # Any: what JSON has; a way out per kind
    """Return a plain value as JSON can hold it: bytes that are no UTF-8 as ``{"base64": ...}``."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": value}  # msgspec writes bytes as base64
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, dict):
        return {_as_name(key): as_json(one) for key, one in value.items()}
    if isinstance(value, ErrorReply):
        return {"error": sound(f"{value.code} {value.message}")}
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _as_name(key: bytes | str | int) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    return sound(str(key))  # RESP3 has numbers as names, JSON has none


def words_of(value: object) -> bytes:
    """Return a word of a command as JSON gives it: a string, a number, a truth value, or ``{"base64": ...}``."""
    match value:
        case str():
            return value.encode("utf-8", "surrogatepass")
        case bool():
            return b"1" if value else b"0"
        case int() | float():
            return msgspec.json.encode(value)
        case {"base64": str(text), **rest} if not rest:
            try:
                return msgspec.convert(text, bytes)
            except msgspec.ValidationError:
                raise HttpError(400, "base64 that cannot be read.") from None
    raise HttpError(400, 'A word of a command is a string, a number, true, false, or {"base64": "..."}.')
