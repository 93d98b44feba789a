r"""From replies to bytes, for RESP2 and RESP3.

``ENCODERS`` has a function for each class of reply and version, found by exact class:
a session's loop looks them up itself, which saves a call, and writes the very
commonest replies without any. Everybody else calls `encode`.
What is here is plain Python, and says how replies are written; both names stand for
the compiled twin (``_speedups/replies.pyx``) where there is one.

Replies within replies are not encoded by calls within calls. One loop walks
through all levels with a stack of iterators, and gathers parts that are joined
at the end. So each byte of a value is copied once, however deep it lies (a join
at every level would copy it once per level), and how deep a reply may be is not
Python's recursion limit's to say: no reply, however odd, can end a session.
A header, a value and its line end are parts of their own: formatted together, ten
values of 32 bytes cost a third more, and long values are copied twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias

from .._speedups import best_encoders
from . import replies
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

# Any: a table of functions, each for the class under which it stands, is more than the type system can say.
Encoder: TypeAlias = Callable[[Any], bytes]
Opener: TypeAlias = Callable[[Any], tuple[bytes, Iterable[Any]]]
"""Splits a reply that holds others into its header and these."""

_SMALL_INTEGERS: Final = {number: b":%d\r\n" % number for number in range(-16, 1024)}
"""A look-up costs a third of formatting; counters, flags and lengths are mostly small."""

SHORT_BULK_BYTES: Final = 1024
BULK_HEADERS: Final = [b"$%d\r\n" % size for size in range(SHORT_BULK_BYTES)]
"""A look-up instead of formatting, for all values but long ones, where it does not count."""


_BULK_STARTS: Final = [header[:-2] for header in BULK_HEADERS]
_start_of_bulk = _BULK_STARTS.__getitem__


def encode_strings(strings: Sequence[Any], protocol: int) -> bytes | None:
    """Return the replies of commands that each answer a string or None, one behind the other: 150 ns each where ``encode`` takes 400.

    None if one of them is anything else. Any: that is found out here, because joining tells at no cost.
    """
    try:
        lines = [b""] * (2 * len(strings) + 1)
        lines[0:-1:2] = map(_start_of_bulk, map(len, strings))
        lines[1::2] = strings
        return b"\r\n".join(lines)
    except (TypeError, IndexError):  # something is missing, or long, or no string
        pass
    nothing = b"$-1" if protocol == 2 else b"_"
    try:
        lines = []
        for text in strings:
            if text is None:
                lines.append(nothing)
            else:
                size = len(text)
                lines += (_BULK_STARTS[size] if size < SHORT_BULK_BYTES else b"$%d" % size, text)
        return b"\r\n".join((*lines, b""))
    except TypeError:
        return None


def format_double(number: float) -> bytes:
    """Format as Redis 7.0 does, for both versions: 17 significant digits, as C's ``%.17g``."""
    return b"%.17g" % number


# -- replies that hold no others ------------------------------------------------


def _bulk(text: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(text), text)


def _integer(number: int) -> bytes:
    return _SMALL_INTEGERS.get(number) or b":%d\r\n" % number


def _wire(reply: SimpleString | ErrorReply | Raw) -> bytes:
    return reply.wire


def _verbatim(reply: Verbatim) -> bytes:
    return b"=%d\r\n%b:%b\r\n" % (len(reply.text) + 4, reply.format.encode("ascii"), reply.text)


_FLAT: Final[dict[type, Encoder]] = {
    bytes: _bulk,
    bytearray: _bulk,
    str: lambda text: _bulk(text.encode("utf-8", "surrogateescape")),
    int: _integer,
    SimpleString: _wire,
    ErrorReply: _wire,
    Raw: _wire,
    NoReply: lambda _: b"",
}
_FLAT_2: Final[dict[type, Encoder]] = {
    bool: lambda truth: b":1\r\n" if truth else b":0\r\n",
    float: lambda number: _bulk(format_double(number)),
    type(None): lambda _: b"$-1\r\n",
    NullArray: lambda _: b"*-1\r\n",
    Verbatim: lambda reply: _bulk(reply.text),
    BigNumber: lambda reply: _bulk(b"%d" % reply.value),
}
_FLAT_3: Final[dict[type, Encoder]] = {
    bool: lambda truth: b"#t\r\n" if truth else b"#f\r\n",
    float: lambda number: b",%b\r\n" % format_double(number),
    type(None): lambda _: b"_\r\n",
    NullArray: lambda _: b"_\r\n",
    Verbatim: _verbatim,
    BigNumber: lambda reply: b"(%d\r\n" % reply.value,
}


# -- replies that hold others -----------------------------------------------------


def _open_array(items: Any) -> tuple[bytes, Iterable[Any]]:
    return b"*%d\r\n" % len(items), items


def _opener_of_items(mark: bytes) -> Opener:
    return lambda reply: (b"%b%d\r\n" % (mark, len(reply.items)), reply.items)


_NESTED: Final[dict[type, Opener]] = {
    list: _open_array,
    tuple: _open_array,
    Several: lambda reply: (b"", reply.replies),
}
_NESTED_2: Final[dict[type, Opener]] = {
    Unordered: _opener_of_items(b"*"),
    Push: _opener_of_items(b"*"),
    Pairs: lambda reply: (b"*%d\r\n" % (2 * len(reply.items)), chain.from_iterable(reply.items)),
    dict: lambda reply: (b"*%d\r\n" % (2 * len(reply)), chain.from_iterable(reply.items())),
}
_NESTED_3: Final[dict[type, Opener]] = {
    Unordered: _opener_of_items(b"~"),
    Push: _opener_of_items(b">"),
    Pairs: lambda reply: (b"%%%d\r\n" % len(reply.items), chain.from_iterable(reply.items)),
    dict: lambda reply: (b"%%%d\r\n" % len(reply), chain.from_iterable(reply.items())),
}


# -- both together ----------------------------------------------------------------


def _walker(flat: dict[type, Encoder], nested: dict[type, Opener]) -> Callable[[bytes, Iterable[Any]], bytes]:
    find = flat.get

    def walk(header: bytes, children: Iterable[Any]) -> bytes:
        parts = [header]
        append = parts.append
        outer: list[Iterator[Any]] = []
        level = iter(children)
        while True:
            for child in level:
                if child.__class__ is bytes:
                    size_bytes = len(child)
                    append(
                        BULK_HEADERS[size_bytes] if size_bytes < SHORT_BULK_BYTES else b"$%d\r\n" % size_bytes
                    )
                    append(child)
                    append(b"\r\n")
                elif (encoder := find(child.__class__)) is not None:
                    append(encoder(child))
                else:
                    header, children = nested[child.__class__](child)
                    append(header)
                    outer.append(level)
                    level = iter(children)
                    break
            else:
                if not outer:
                    return b"".join(parts)
                level = outer.pop()

    return walk


def _build(flat: dict[type, Encoder], nested: dict[type, Opener]) -> dict[type, Encoder]:
    walk = _walker(flat, nested)

    def encoder_of(opener: Opener) -> Encoder:
        return lambda reply: walk(*opener(reply))

    return flat | {kind: encoder_of(opener) for kind, opener in nested.items()}


PLAIN_ENCODERS: Final[dict[int, dict[type, Encoder]]] = {
    2: _build(_FLAT | _FLAT_2, _NESTED | _NESTED_2),
    3: _build(_FLAT | _FLAT_3, _NESTED | _NESTED_3),
}


def encode_plainly(reply: Reply, version: int) -> bytes:
    """Do what `encode` does where nothing is compiled."""
    return PLAIN_ENCODERS[version][reply.__class__](reply)


_encode, ENCODERS = best_encoders(encode_plainly, PLAIN_ENCODERS, replies.OK, vars(replies))

encode: Final[Callable[[Reply, int], bytes]] = _encode
"""Return the wire form of a reply for a client of this protocol version, 2 or 3."""
