"""Strings whole: SET, GET and their kin.

What else gives a string a life is in ``string_lives.py``, parts of strings are in ``ranges.py``, numbers in ``increments.py``.

GET, SET, MGET and MSET carry most of a cache's load. They take their words as
they come, because the general parser would cost them more than the work itself.
"""

from collections.abc import Sequence
from typing import Final

from ..keyspace.journal import Notice
from ..keyspace.series import find_all, note_reads, put_all
from ..protocol.encoder import encode_strings
from ..protocol.replies import OK, Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .deadlines import UNITS_MS
from .errors import wrong_arity, wrong_type
from .series import Columns, Series
from .spec import CommandGroup, Flag
from .spread import Join, Over, Spread
from .string_lives import SET_NOTICE, deadline_of, parse_options, put_until
from .string_values import read_string, view_string

strings = CommandGroup("string")

DEL_NOTICE: Final = Notice("g", "del")

SET_OPTIONS: Final = {
    b"NX": "condition",
    b"XX": "condition",
    b"GET": "get",
    b"KEEPTTL": "expiration",
    **dict.fromkeys(UNITS_MS, "expiration"),
}

KEY_VALUE: Final = "key_value"


def _access_of_set(argv: Sequence[bytes]) -> Access:
    """SET reads only with GET; so a client that may only write can use it without."""
    if any(word.upper() == b"GET" for word in argv[3:]):
        return Access.RW | Access.ACCESS | Access.UPDATE
    return Access.OW | Access.UPDATE


def _depends_on_old(argv: Sequence[bytes]) -> bool:
    """SET with a condition or with GET asks what is there."""
    return any(word.upper() in (b"NX", b"XX", b"GET") for word in argv[3:])


def _get_all(context: Context, columns: Columns) -> bytes | None:
    found = find_all(context.db, columns[0])
    if found is None:
        return None
    wire = encode_strings(found.values, context.client.protocol)
    if wire is not None:  # else one of them is no string
        note_reads(context.db, found)
    return wire


def _set_all(context: Context, columns: Columns) -> bytes | None:
    keys, values = columns
    return b"+OK\r\n" * len(keys) if put_all(context.db, keys, values, SET_NOTICE) else None


@strings.command(
    "GET",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.key("key", Access.RO | Access.ACCESS),),
    raw=True,
    series=Series(2, _get_all),
)
def get(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the string that a key holds.

    >>> SET greeting hello
    OK
    >>> GET greeting
    hello
    >>> GET nothing
    (nil)
    """
    value = context.db.read(argv[1])
    if value.__class__ is bytes or value is None:
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    raise wrong_type()


@strings.command(
    "SET",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM,
    args=(
        arg.key("key", Access.RW | Access.ACCESS | Access.UPDATE | Access.VARIABLE_FLAGS),
        arg.string("value"),
        arg.one_of("condition", arg.flag("NX"), arg.flag("XX"), since="2.6.12"),
        arg.flag("GET", optional=True, since="6.2.0"),
        arg.one_of(
            "expiration",
            arg.integer("seconds", token="EX", since="2.6.12"),
            arg.integer("milliseconds", token="PX", since="2.6.12"),
            arg.unix_time("unix-time-seconds", token="EXAT", since="6.2.0"),
            arg.unix_time("unix-time-milliseconds", token="PXAT", since="6.2.0"),
            arg.flag("KEEPTTL", since="6.0.0"),
        ),
    ),
    access_of_call=_access_of_set,
    depends=_depends_on_old,
    history=(
        ("2.6.12", "Takes `EX`, `PX`, `NX` and `XX`."),
        ("6.0.0", "Takes `KEEPTTL`."),
        ("6.2.0", "Takes `GET`, `EXAT` and `PXAT`."),
        ("7.0.0", "Takes `NX` and `GET` together."),
    ),
    raw=True,
    series=Series(3, _set_all),
)
def set_(context: Context, argv: Sequence[bytes]) -> Reply:
    """Store a string, whatever the key held before.

    Without KEEPTTL an old expiry goes with the old value. With GET the answer is
    the old string, whether or not NX or XX kept the new one from being stored.

    >>> SET session abc EX 10
    OK
    >>> SET session def NX
    (nil)
    >>> SET session def XX GET
    abc
    """
    if len(argv) > 3:
        return _set_with_options(context, argv)
    context.db.put(argv[1], argv[2], SET_NOTICE)
    return OK


def _set_with_options(context: Context, argv: Sequence[bytes]) -> Reply:
    db, key, value = context.db, argv[1], argv[2]
    if len(argv) == 5 and argv[3] in UNITS_MS:
        chosen = {"expiration": argv[3], "time": argv[4]}  # SET k v EX 10 takes 900 ns instead of 1,200
    else:
        chosen = parse_options(argv[3:], SET_OPTIONS)
    deadline_ms = deadline_of(chosen, context, "set")
    old = read_string(db, key) if "get" in chosen else None
    condition = chosen.get("condition")
    if condition is not None and db.has(key) == (condition == b"NX"):
        return old
    if deadline_ms is None:
        db.put(key, value, SET_NOTICE, keep_deadline="expiration" in chosen)
    else:
        put_until(db, key, value, deadline_ms)
    return old if "get" in chosen else OK


@strings.command(
    "GETDEL",
    since="6.2.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.FAST,
    args=(arg.key("key", Access.RW | Access.ACCESS | Access.DELETE),),
)
def getdel(context: Context, key: bytes) -> Reply:
    """Return the string that a key holds, and delete the key.

    >>> SET token abc
    OK
    >>> GETDEL token
    abc
    >>> GETDEL token
    (nil)
    """
    value = read_string(context.db, key)
    if value is not None:
        context.db.remove(key, DEL_NOTICE)
    return value


@strings.command(
    "GETSET",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(arg.key("key", Access.RW | Access.ACCESS | Access.UPDATE), arg.string("value")),
    deprecated_since="6.2.0",
    replaced_by="`SET` with the `!GET` argument",
)
def getset(context: Context, key: bytes, value: bytes) -> Reply:
    """Store a string and return the old one; SET with GET does the same.

    >>> SET lamp off
    OK
    >>> GETSET lamp on
    off
    """
    old = read_string(context.db, key)
    context.db.put(key, value, SET_NOTICE)
    return old


@strings.command(
    "SETNX",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(arg.key("key", Access.OW | Access.INSERT), arg.string("value")),
)
def setnx(context: Context, key: bytes, value: bytes) -> Reply:
    """Store a string unless the key exists; say whether that was done.

    >>> SETNX lock me
    1
    >>> SETNX lock you
    0
    """
    if context.db.has(key):
        return 0
    context.db.put(key, value, SET_NOTICE)
    return 1


@strings.command(
    "MGET",
    since="1.0.0",
    complexity="O(N), N being the number of keys.",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.key("key", Access.RO | Access.ACCESS, multiple=True),),
    tips=("request_policy:multi_shard",),
    raw=True,
    spread=Spread(Over.KEYS, Join.IN_KEY_ORDER),
)
def mget(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the strings that several keys hold: nothing for keys that do not exist, or hold no string.

    >>> MSET one 1 two 2
    OK
    >>> MGET one two three
    ['1', '2', None]
    """
    read = context.db.read
    found: list[Reply] = []
    for key in argv[1:]:
        value = read(key)
        if value.__class__ is not bytes and value is not None:
            value = bytes(value) if isinstance(value, bytearray) else None
        found.append(value)
    return found


@strings.command(
    "MSET",
    since="1.0.1",
    complexity="O(N), N being the number of keys.",
    flags=Flag.WRITE | Flag.DENYOOM,
    args=(arg.block(KEY_VALUE, arg.key("key", Access.OW | Access.UPDATE), arg.string("value")),),
    tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
    raw=True,
    spread=Spread(Over.KEYS, Join.ALL_OK, words_per_key=2),
)
def mset(context: Context, argv: Sequence[bytes]) -> Reply:
    """Store several strings at once: nobody sees some of them new and others old.

    >>> MSET one 1 two 2
    OK
    """
    if not len(argv) & 1:
        raise wrong_arity("mset")
    put = context.db.put
    for at in range(1, len(argv), 2):
        put(argv[at], argv[at + 1], SET_NOTICE)
    return OK


@strings.command(
    "MSETNX",
    since="1.0.1",
    complexity="O(N), N being the number of keys.",
    flags=Flag.WRITE | Flag.DENYOOM,
    args=(arg.block(KEY_VALUE, arg.key("key", Access.OW | Access.INSERT), arg.string("value")),),
    tips=("request_policy:multi_shard", "response_policy:agg_min"),
    raw=True,
)
def msetnx(context: Context, argv: Sequence[bytes]) -> Reply:
    """Store several strings if none of the keys exists; say whether that was done.

    >>> MSETNX one 1 two 2
    1
    >>> MSETNX two 2 three 3
    0
    >>> EXISTS three
    0
    """
    if not len(argv) & 1:
        raise wrong_arity("msetnx")
    if any(context.db.has(key) for key in argv[1::2]):
        return 0
    mset(context, argv)
    return 1


@strings.command(
    "STRLEN",
    since="2.2.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.key("key", Access.RO),),
)
def strlen(context: Context, key: bytes) -> Reply:
    """Return how many bytes the string at a key has.

    >>> SET greeting hello
    OK
    >>> STRLEN greeting
    5
    """
    return len(view_string(context.db, key) or b"")
