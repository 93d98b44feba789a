"""How long keys live: setting, asking, taking away. Copies always get the deadline itself."""

from collections.abc import Callable, Sequence
from typing import Final

from ..keyspace.journal import Notice
from ..protocol.replies import Reply
from . import arguments as arg
from .arguments import Access, Arg
from .context import Context
from .deadlines import deadline_of_expire
from .errors import CommandError, shown_word
from .numbers import parse_integer
from .spec import AnyHandler, CommandGroup, Flag, Trait

expiry = CommandGroup("generic")

EXPIRE_NOTICE: Final = Notice("g", "expire")
PERSIST_NOTICE: Final = Notice("g", "persist")
DEL_NOTICE: Final = Notice("g", "del")

NO_KEY: Final = -2
NO_DEADLINE: Final = -1

CONDITIONS: Final = frozenset({b"NX", b"XX", b"GT", b"LT"})
CONDITION: Final = arg.one_of(
    "condition", arg.flag("NX"), arg.flag("XX"), arg.flag("GT"), arg.flag("LT"), since="7.0.0"
)


# -- setting -----------------------------------------------------------------


def _parse_conditions(words: Sequence[bytes]) -> set[bytes]:
    """Read EXPIRE's conditions, of which XX goes with GT or LT although COMMAND DOCS says otherwise."""
    chosen: set[bytes] = set()
    for word in words:
        option = word.upper()
        if option not in CONDITIONS:
            raise CommandError(f"Unsupported option {shown_word(word)}")
        chosen.add(option)
    if b"NX" in chosen and len(chosen) > 1:
        raise CommandError("NX and XX, GT or LT options at the same time are not compatible")
    if {b"GT", b"LT"} <= chosen:
        raise CommandError("GT and LT options at the same time are not compatible")
    return chosen


def _allow(conditions: set[bytes], old_ms: int | None, new_ms: int) -> bool:
    """Say whether all conditions let a deadline replace the old one; none at all is later than any."""
    if old_ms is None:
        return b"XX" not in conditions and b"GT" not in conditions
    return not (
        b"NX" in conditions
        or (b"GT" in conditions and new_ms <= old_ms)
        or (b"LT" in conditions and new_ms >= old_ms)
    )


def _expire(context: Context, argv: Sequence[bytes], command: str, unit_ms: int, base_ms: int) -> int:
    """Do what all four commands do; a deadline that has passed deletes the key."""
    conditions = _parse_conditions(argv[3:]) if len(argv) > 3 else None
    deadline_ms = deadline_of_expire(parse_integer(argv[2]), unit_ms, base_ms, command)
    key, db = argv[1], context.db
    entry = db.find(key)
    if entry is None or (conditions and not _allow(conditions, entry.expires_at_ms, deadline_ms)):
        return 0
    if deadline_ms <= context.clock.now_ms:
        db.remove(key, DEL_NOTICE)
    else:
        db.expire_at(entry, deadline_ms, EXPIRE_NOTICE)
    return 1


def _declare(name: str, since: str, time: Arg) -> Callable[[AnyHandler], AnyHandler]:
    return expiry.command(
        name,
        since=since,
        complexity="O(1)",
        flags=Flag.WRITE | Flag.FAST,
        traits=Trait.KEEPS_VALUES,
        args=(arg.key("key", Access.RW | Access.UPDATE), time, CONDITION),
        history=(("7.0.0", "Takes `NX`, `XX`, `GT` and `LT`."),),
        raw=True,
    )


@_declare("EXPIRE", "1.0.0", arg.integer("seconds"))
def expire(context: Context, argv: Sequence[bytes]) -> Reply:
    """Let a key live for some seconds from now; say whether that was done.

    NX asks that it has no expiry yet, XX that it has one, GT and LT that the new one is
    later or earlier. A time that is not positive deletes the key.

    >>> SET session abc
    OK
    >>> EXPIRE session 10
    1
    >>> EXPIRE session 5 GT
    0
    >>> TTL session
    10
    """
    return _expire(context, argv, "expire", 1000, context.clock.now_ms)


@_declare("PEXPIRE", "2.6.0", arg.integer("milliseconds"))
def pexpire(context: Context, argv: Sequence[bytes]) -> Reply:
    """Let a key live for some milliseconds from now, as EXPIRE does.

    >>> SET session abc
    OK
    >>> PEXPIRE session 1500
    1
    >>> PTTL session
    1500
    """
    return _expire(context, argv, "pexpire", 1, context.clock.now_ms)


@_declare("EXPIREAT", "1.2.0", arg.unix_time("unix-time-seconds"))
def expireat(context: Context, argv: Sequence[bytes]) -> Reply:
    """Let a key live until a moment in Unix seconds, as EXPIRE does.

    >>> SET session abc
    OK
    >>> EXPIREAT session 4102444800
    1
    >>> EXPIRETIME session
    4102444800
    """
    return _expire(context, argv, "expireat", 1000, 0)


@_declare("PEXPIREAT", "2.6.0", arg.unix_time("unix-time-milliseconds"))
def pexpireat(context: Context, argv: Sequence[bytes]) -> Reply:
    """Let a key live until a moment in Unix milliseconds, as EXPIRE does.

    >>> SET session abc
    OK
    >>> PEXPIREAT session 4102444800500
    1
    >>> PEXPIRETIME session
    4102444800500
    """
    return _expire(context, argv, "pexpireat", 1, 0)


@expiry.command(
    "PERSIST",
    since="2.2.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.FAST,
    traits=Trait.KEEPS_VALUES,
    args=(arg.key("key", Access.RW | Access.UPDATE),),
)
def persist(context: Context, key: bytes) -> Reply:
    """Take the expiry of a key away; say whether there was one.

    >>> SET session abc EX 10
    OK
    >>> PERSIST session
    1
    >>> TTL session
    -1
    """
    entry = context.db.find(key)
    return 1 if entry is not None and context.db.persist(entry, PERSIST_NOTICE) else 0


# -- asking ------------------------------------------------------------------


def _deadline_of(context: Context, key: bytes) -> int:
    """Return a deadline in Unix milliseconds, or one of the two negative answers."""
    entry = context.db.inspect(key)
    if entry is None:
        return NO_KEY
    return NO_DEADLINE if entry.expires_at_ms is None else int(entry.expires_at_ms)


def _in_seconds(milliseconds: int) -> int:
    """Round to the nearest second; the two negative answers stay what they are."""
    return milliseconds if milliseconds < 0 else (milliseconds + 500) // 1000


def _left_ms(context: Context, key: bytes) -> int:
    deadline_ms = _deadline_of(context, key)
    return deadline_ms if deadline_ms < 0 else deadline_ms - context.clock.now_ms


def _declare_question(name: str, since: str, *, changes: bool) -> Callable[[AnyHandler], AnyHandler]:
    return expiry.command(
        name,
        since=since,
        complexity="O(1)",
        flags=Flag.READONLY | Flag.FAST,
        args=(arg.key("key", Access.RO | Access.ACCESS),),
        tips=("nondeterministic_output",) if changes else (),
        history=(("2.8.0", "Answers -2 where there is no key."),) if changes else (),
    )


@_declare_question("TTL", "1.0.0", changes=True)
def ttl(context: Context, key: bytes) -> Reply:
    """Return how many seconds a key has still to live: -1 for ever, -2 where there is no key.

    >>> SET session abc EX 10
    OK
    >>> TTL session
    10
    >>> TTL nothing
    -2
    """
    return _in_seconds(_left_ms(context, key))


@_declare_question("PTTL", "2.6.0", changes=True)
def pttl(context: Context, key: bytes) -> Reply:
    """Return how many milliseconds a key has still to live: -1 for ever, -2 where there is no key.

    >>> SET session abc PX 1500
    OK
    >>> PTTL session
    1500
    """
    return _left_ms(context, key)


@_declare_question("EXPIRETIME", "7.0.0", changes=False)
def expiretime(context: Context, key: bytes) -> Reply:
    """Return until when a key lives, in Unix seconds: -1 for ever, -2 where there is no key.

    >>> SET session abc EXAT 4102444800
    OK
    >>> EXPIRETIME session
    4102444800
    """
    return _in_seconds(_deadline_of(context, key))


@_declare_question("PEXPIRETIME", "7.0.0", changes=False)
def pexpiretime(context: Context, key: bytes) -> Reply:
    """Return until when a key lives, in Unix milliseconds: -1 for ever, -2 where there is no key.

    >>> SET session abc PXAT 4102444800500
    OK
    >>> PEXPIRETIME session
    4102444800500
    """
    return _deadline_of(context, key)
