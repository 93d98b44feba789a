"""Strings and how long they live: GETEX, SETEX and PSETEX, and how options that say it are read, for SET as well."""

from collections.abc import Mapping, Sequence
from typing import Final

from ..keyspace.database import Database
from ..keyspace.journal import Notice
from ..protocol.replies import OK, Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .deadlines import ABSOLUTE, UNITS_MS, deadline_of_option
from .errors import SYNTAX, CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait
from .string_values import read_string

string_lives = CommandGroup("string")

SET_NOTICE: Final = Notice("$", "set")
EXPIRE_NOTICE: Final = Notice("g", "expire")
PERSIST_NOTICE: Final = Notice("g", "persist")
DEL_NOTICE: Final = Notice("g", "del")

GETEX_OPTIONS: Final = {b"PERSIST": "expiration", **dict.fromkeys(UNITS_MS, "expiration")}


def parse_options(words: Sequence[bytes], kinds: Mapping[bytes, str]) -> dict[str, bytes]:
    """Read options in any order: the one chosen of each kind, and the ``time`` that follows it."""
    chosen: dict[str, bytes] = {}
    rest = iter(words)
    for word in rest:
        option = word.upper()
        kind = kinds.get(option)
        if kind is None or chosen.setdefault(kind, option) != option:
            raise CommandError(SYNTAX)
        if option in UNITS_MS:
            time = next(rest, None)
            if time is None:
                raise CommandError(SYNTAX)
            chosen["time"] = time
    return chosen


def deadline_of(chosen: Mapping[str, bytes], context: Context, command: str) -> int | None:
    """Return the deadline that the options ask for, if they do."""
    if "time" not in chosen:
        return None
    time = parse_integer(chosen["time"])
    return deadline_of_option(chosen["expiration"], time, context.clock.now_ms, command)


def put_until(db: Database, key: bytes, value: bytes, deadline_ms: int) -> None:
    """Store a string that lives until then, and tell of both."""
    db.put(key, value, SET_NOTICE, deadline_ms)
    db.notify(key, EXPIRE_NOTICE)


@string_lives.command(
    "GETEX",
    since="6.2.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.FAST,
    traits=Trait.KEEPS_VALUES,
    args=(
        arg.key("key", Access.RW | Access.ACCESS | Access.UPDATE),
        arg.one_of(
            "expiration",
            arg.integer("seconds", token="EX"),
            arg.integer("milliseconds", token="PX"),
            arg.unix_time("unix-time-seconds", token="EXAT"),
            arg.unix_time("unix-time-milliseconds", token="PXAT"),
            arg.flag("PERSIST"),
        ),
    ),
    raw=True,
)
def getex(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the string that a key holds, and set or take away its expiry.

    A moment that has passed deletes the key.

    >>> SET session abc
    OK
    >>> GETEX session EX 10
    abc
    >>> TTL session
    10
    """
    db, key = context.db, argv[1]
    chosen = parse_options(argv[2:], GETEX_OPTIONS)
    value = read_string(db, key)
    if value is None:
        return None
    deadline_ms = deadline_of(chosen, context, "getex")
    entry = db.entries[key]
    if deadline_ms is None:
        if chosen:
            db.persist(entry, PERSIST_NOTICE)
    elif deadline_ms <= context.clock.now_ms and chosen["expiration"] in ABSOLUTE:
        db.remove(key, DEL_NOTICE)
    else:
        db.expire_at(entry, deadline_ms, EXPIRE_NOTICE)
    return value


@string_lives.command(
    "SETEX",
    since="2.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM,
    args=(arg.key("key", Access.OW | Access.UPDATE), arg.integer("seconds"), arg.string("value")),
)
def setex(context: Context, key: bytes, seconds: int, value: bytes) -> Reply:
    """Store a string that lives for some seconds.

    >>> SETEX session 10 abc
    OK
    >>> TTL session
    10
    """
    put_until(context.db, key, value, deadline_of_option(b"EX", seconds, context.clock.now_ms, "setex"))
    return OK


@string_lives.command(
    "PSETEX",
    since="2.6.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM,
    args=(arg.key("key", Access.OW | Access.UPDATE), arg.integer("milliseconds"), arg.string("value")),
)
def psetex(context: Context, key: bytes, milliseconds: int, value: bytes) -> Reply:
    """Store a string that lives for some milliseconds.

    >>> PSETEX session 1500 abc
    OK
    >>> PTTL session
    1500
    """
    put_until(context.db, key, value, deadline_of_option(b"PX", milliseconds, context.clock.now_ms, "psetex"))
    return OK
