"""What a command answers: Python values, and a small class for each RESP type that Python lacks.

A handler returns a `Reply` and never thinks of bytes or of protocol versions;
``encoder.py`` turns it into RESP2 or RESP3 for the client it is meant for.
Ordinary values stand for themselves:

=============== ========================== ==========================
value           RESP2                      RESP3
=============== ========================== ==========================
bytes, str      bulk string                bulk string (str as UTF-8)
int             integer                    integer
bool            integer 1 or 0             boolean
float           bulk string                double
None            null bulk string           null
list, tuple     array                      array
dict            flat array                 map
=============== ========================== ==========================

Everything else is one of the classes below. They are immutable records; texts
that travel in a line of their own never hold a line break (it becomes a space,
as in Redis), so no reply can end early and pass the rest off as another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, Union

import msgspec

_LINE_BREAKS: Final = str.maketrans("\r\n", "  ")


def _as_line(text: str) -> bytes:
    """Encode a text that must stay on one line; bytes decoded with ``surrogateescape`` come back unchanged."""
    return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class SimpleString:
    """A status such as OK."""

    text: str
    wire: bytes = field(init=False, repr=False, compare=False)
    """The encoded reply, the same in both versions."""

    def __post_init__(self) -> None:
        text = self.text.translate(_LINE_BREAKS)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "wire", b"+%b\r\n" % _as_line(text))


OK: Final = SimpleString("OK")
QUEUED: Final = SimpleString("QUEUED")
PONG: Final = SimpleString("PONG")


class ErrorReply(msgspec.Struct, frozen=True):
    """An error: its code is the first word (``ERR``, ``WRONGTYPE``), for programs; the message is for people.

    Arguments quoted in a message may be decoded with ``surrogateescape``: they leave as the bytes they were.
    """

    code: str
    message: str

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "code", self.code.translate(_LINE_BREAKS))
        msgspec.structs.force_setattr(self, "message", self.message.strip("\r\n").translate(_LINE_BREAKS))

    @property
    def wire(self) -> bytes:
        """The encoded reply, the same in both versions."""
        return b"-%b %b\r\n" % (_as_line(self.code), _as_line(self.message))


class Verbatim(msgspec.Struct, frozen=True):
    """A text for people; RESP3 adds its three-letter format, RESP2 has only the bulk string."""

    text: bytes
    format: str = "txt"


class BigNumber(msgspec.Struct, frozen=True):
    """An integer of any size; RESP2 has only a bulk string for it."""

    value: int


class Unordered(msgspec.Struct, frozen=True):
    """Distinct items in no order: a set in RESP3, an array in RESP2."""

    items: Sequence["Reply"]


class Push(msgspec.Struct, frozen=True):
    """A message that no command asked for: a push in RESP3, an array in RESP2."""

    items: Sequence["Reply"]


class Pairs(msgspec.Struct, frozen=True):
    """A map in a given order whose keys may be any reply; a flat array in RESP2."""

    items: Sequence[tuple["Reply", "Reply"]]


class NullArray(msgspec.Struct, frozen=True):
    """No array at all, as EXEC answers when a watched key changed; RESP3 has one null for everything."""


NULL_ARRAY: Final = NullArray()


class Several(msgspec.Struct, frozen=True):
    """Several replies, one after another, to one command: ``SUBSCRIBE a b``."""

    replies: Sequence["Reply"]


class Raw(msgspec.Struct, frozen=True):
    """Ready-made bytes of the protocol; whoever makes them answers for them."""

    wire: bytes


class NoReply(msgspec.Struct, frozen=True):
    """Nothing is sent, as after ``CLIENT REPLY OFF``."""


NO_REPLY: Final = NoReply()

# Written with Union: a string in an alias that refers to itself cannot stand beside "|".
Reply: TypeAlias = Union[  # noqa: UP007
    bytes,
    bytearray,
    str,
    bool,
    int,
    float,
    Sequence["Reply"],
    Mapping[str, "Reply"],
    Mapping[bytes, "Reply"],
    SimpleString,
    ErrorReply,
    Verbatim,
    BigNumber,
    Unordered,
    Push,
    Pairs,
    NullArray,
    Several,
    Raw,
    NoReply,
    None,
]
