"""Parts of strings: APPEND, GETRANGE, SETRANGE, SUBSTR.

What APPEND and SETRANGE change becomes a ``bytearray``, which grows in place: so a log
of a million appends is not copied a million times.
"""

from typing import Final

from ..keyspace.journal import Notice
from ..protocol.replies import Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .errors import CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait
from .string_values import check_length, find_string, view_string

ranges = CommandGroup("string")

APPEND_NOTICE: Final = Notice("$", "append")
SETRANGE_NOTICE: Final = Notice("$", "setrange")


@ranges.command(
    "APPEND",
    since="2.0.0",
    complexity="O(N), N being the length of what is appended; a growing string is moved now and then.",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(arg.key("key", Access.RW | Access.INSERT), arg.string("value")),
)
def append(context: Context, key: bytes, value: bytes) -> Reply:
    """Append to the string at a key, and return its new length.

    >>> APPEND log one
    3
    >>> APPEND log two
    6
    >>> GET log
    onetwo
    """
    db = context.db
    entry, old = find_string(db, key)
    check_length(context, len(old) + len(value))
    if entry is None:
        db.put(key, value, APPEND_NOTICE)
        return len(value)
    if isinstance(old, bytearray):
        offset = len(old)
        old += value
        db.modified(entry, APPEND_NOTICE, len(value), (offset, value))
        return len(old)
    joined = bytearray(old) + value
    db.put(key, joined, APPEND_NOTICE, keep_deadline=True)
    return len(joined)


@ranges.command(
    "GETRANGE",
    since="2.4.0",
    complexity="O(N), N being the length of what is returned.",
    flags=Flag.READONLY,
    args=(arg.key("key", Access.RO | Access.ACCESS), arg.integer("start"), arg.integer("end")),
)
def getrange(context: Context, key: bytes, start: int, end: int) -> Reply:
    """Return the bytes from ``start`` to ``end``, both included; negative places count from the string's end.

    >>> SET greeting "hello world"
    OK
    >>> GETRANGE greeting 0 4
    hello
    >>> GETRANGE greeting -5 -1
    world
    """
    value = view_string(context.db, key) or b""
    if start < 0 and end < 0 and start > end:
        return b""
    size_bytes = len(value)
    first = max(start + size_bytes, 0) if start < 0 else start
    last = (
        max(end + size_bytes, 0) if end < 0 else end
    )  # never before the first byte: GETRANGE k 0 -100 has one
    return bytes(value[first : last + 1])


@ranges.command(
    "SUBSTR",
    since="1.0.0",
    complexity="O(N), N being the length of what is returned.",
    flags=Flag.READONLY,
    args=(arg.key("key", Access.RO | Access.ACCESS), arg.integer("start"), arg.integer("end")),
    deprecated_since="2.0.0",
    replaced_by="`GETRANGE`",
)
def substr(context: Context, key: bytes, start: int, end: int) -> Reply:
    """Do as GETRANGE, under its former name.

    >>> SET greeting "hello world"
    OK
    >>> SUBSTR greeting 6 -1
    world
    """
    return getrange(context, key, start, end)


def _parse_offset(raw: bytes) -> int:
    offset = parse_integer(raw)
    if offset < 0:
        raise CommandError("offset is out of range")
    return offset


@ranges.command(
    "SETRANGE",
    since="2.2.0",
    complexity="O(N), N being the length of what is written, and of the gap before it if there is one.",
    flags=Flag.WRITE | Flag.DENYOOM,
    traits=Trait.OUTGROWS_ITS_WORDS,
    args=(
        arg.key("key", Access.RW | Access.UPDATE),
        arg.integer("offset", convert=_parse_offset),
        arg.string("value"),
    ),
)
def setrange(context: Context, key: bytes, offset: int, value: bytes) -> Reply:
    r"""Overwrite a part of the string at a key, and return the string's length.

    A gap behind a string that is too short is filled with zero bytes.

    >>> SET greeting "hello world"
    OK
    >>> SETRANGE greeting 6 redis
    11
    >>> GET greeting
    hello redis
    """
    db = context.db
    entry, old = find_string(db, key)
    end = offset + len(value)
    if not value:
        return len(old)
    check_length(context, end)
    changed = old if isinstance(old, bytearray) else bytearray(old)
    start = min(offset, len(old))  # a gap's zeros are part of what has changed
    grown_bytes = max(end - len(changed), 0)
    if grown_bytes:
        changed.extend(
            bytes(grown_bytes)
        )  # in one step: moving half a gigabyte takes as long as all the rest
    changed[offset:end] = value
    if entry is not None and changed is old:
        written = value if start == offset else bytes(changed[start:end])
        db.modified(entry, SETRANGE_NOTICE, grown_bytes, (start, written))
    else:
        db.put(key, changed, SETRANGE_NOTICE, keep_deadline=True)
    return len(changed)
