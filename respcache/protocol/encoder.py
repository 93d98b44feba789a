"""From replies to bytes, for RESP2 and RESP3.

One function per class of reply and version, found by exact class, so that the
session's loop can look them up itself and save a call for the commonest replies.
"""

from collections.abc import Callable
from typing import Any, Final

from .replies import (
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

Encoder = Callable[[Any], bytes]

_SMALL: Final = {number: b":%d\r\n" % number for number in range(-16, 1024)}


def _integer(number: int) -> bytes:
    return _SMALL.get(number) or b":%d\r\n" % number


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def _wire(reply: SimpleString | ErrorReply | Raw) -> bytes:
    return reply.wire


def _items(mark: bytes, encoders: dict[type, Encoder]) -> Callable[[Any], bytes]:
    def encode_items(items: Any) -> bytes:
        parts = [b"%b%d\r\n" % (mark, len(items))]
        parts += [
            b"$%d\r\n%b\r\n" % (len(item), item) if item.__class__ is bytes else encoders[item.__class__](item)
            for item in items
        ]
        return b"".join(parts)

    return encode_items


def format_double(number: float) -> bytes:
    if number != number:
        return b"nan"
    if number in (float("inf"), float("-inf")):
        return b"inf" if number > 0 else b"-inf"
    return b"%d" % int(number) if number == int(number) and abs(number) < 1e17 else b"%.17g" % number


def _build(version: int) -> dict[type, Encoder]:
    new = version == 3
    encoders: dict[type, Encoder] = {}
    array = _items(b"*", encoders)
    unordered = _items(b"~" if new else b"*", encoders)
    push = _items(b">" if new else b"*", encoders)

    def encode_one(reply: Any) -> bytes:
        return encoders[reply.__class__](reply)

    def pairs(reply: Any) -> bytes:
        head = b"%%%d\r\n" % len(reply) if new else b"*%d\r\n" % (2 * len(reply))
        return head + b"".join([encode_one(part) for pair in reply for part in pair])

    encoders.update(
        {
            bytes: _bulk,
            bytearray: _bulk,
            str: lambda reply: _bulk(reply.encode("utf-8", "surrogateescape")),
            int: _integer,
            bool: (lambda reply: b"#t\r\n" if reply else b"#f\r\n") if new else lambda reply: b":%d\r\n" % reply,
            float: (lambda reply: b",%b\r\n" % format_double(reply))
            if new
            else lambda reply: _bulk(format_double(reply)),
            type(None): lambda reply: b"_\r\n" if new else b"$-1\r\n",
            list: array,
            tuple: array,
            dict: lambda reply: pairs(list(reply.items())),
            SimpleString: _wire,
            ErrorReply: _wire,
            Raw: _wire,
            Verbatim: (
                lambda reply: b"=%d\r\n%b:%b\r\n" % (len(reply.text) + 4, reply.format.encode(), reply.text)
            )
            if new
            else lambda reply: _bulk(reply.text),
            BigNumber: (lambda reply: b"(%d\r\n" % reply.value)
            if new
            else lambda reply: _bulk(b"%d" % reply.value),
            Unordered: lambda reply: unordered(reply.items),
            Push: lambda reply: push(reply.items),
            Pairs: lambda reply: pairs(reply.items),
            NullArray: lambda reply: b"_\r\n" if new else b"*-1\r\n",
            Several: lambda reply: b"".join(map(encode_one, reply.replies)),
            NoReply: lambda reply: b"",
        }
    )
    return encoders


ENCODERS: Final[dict[int, dict[type, Encoder]]] = {2: _build(2), 3: _build(3)}


def encode(reply: Reply, version: int) -> bytes:
    """Return the wire form of a reply for a client of this protocol version."""
    return ENCODERS[version][reply.__class__](reply)
