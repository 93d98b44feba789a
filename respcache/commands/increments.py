"""Strings that are numbers: INCR and its kin. A number is kept as the text that GET shows."""

from typing import Final

from ..keyspace.journal import Notice
from ..protocol.replies import Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .errors import NOT_A_FLOAT, OVERFLOW, CommandError, wrong_type
from .long_double import Finite, add, parse_long_double, show
from .numbers import INT64_MAX, INT64_MIN, parse_integer
from .spec import CommandGroup, Flag
from .string_values import find_string

increments = CommandGroup("string")

INCRBY_NOTICE: Final = Notice("$", "incrby")
INCRBYFLOAT_NOTICE: Final = Notice("$", "incrbyfloat")

NUMBER: Final = arg.key("key", Access.RW | Access.ACCESS | Access.UPDATE)
FLAGS: Final = Flag.WRITE | Flag.DENYOOM | Flag.FAST
SURE_DIGITS: Final = 19
"""Fewer digits than this are always within 64 bits."""
ASCII_ZERO: Final = 0x30

ZERO: Final = Finite(0, 0)


def _add(context: Context, key: bytes, amount: int) -> int:
    """Add to the integer at a key, zero where there is none; its deadline stays."""
    db = context.db
    entry = db.find(key)
    if entry is None:
        db.put(key, b"%d" % amount, INCRBY_NOTICE)
        return amount
    value = entry.value
    if value.__class__ is not bytes and value.__class__ is not bytearray:
        raise wrong_type()
    text: bytes = value  # type: ignore[assignment]  # mypy does not narrow by class
    if len(text) < SURE_DIGITS and text.isdigit() and text[0] != ASCII_ZERO:
        total = int(text) + amount  # nearly always: 200 ns less than to parse with all checks
    else:
        total = parse_integer(bytes(text)) + amount
    if not INT64_MIN <= total <= INT64_MAX:
        raise CommandError(OVERFLOW)
    entry.value = shown = b"%d" % total
    db.modified(entry, INCRBY_NOTICE, len(shown) - len(text))
    return total


@increments.command("INCR", since="1.0.0", complexity="O(1)", flags=FLAGS, args=(NUMBER,))
def incr(context: Context, key: bytes) -> Reply:
    """Add one to the integer at a key, and return the sum.

    >>> INCR visits
    1
    >>> INCR visits
    2
    """
    return _add(context, key, 1)


@increments.command("DECR", since="1.0.0", complexity="O(1)", flags=FLAGS, args=(NUMBER,))
def decr(context: Context, key: bytes) -> Reply:
    """Take one from the integer at a key, and return the difference.

    >>> SET stock 10
    OK
    >>> DECR stock
    9
    """
    return _add(context, key, -1)


@increments.command(
    "INCRBY", since="1.0.0", complexity="O(1)", flags=FLAGS, args=(NUMBER, arg.integer("increment"))
)
def incrby(context: Context, key: bytes, increment: int) -> Reply:
    """Add an amount to the integer at a key, and return the sum.

    >>> INCRBY visits 5
    5
    >>> INCRBY visits -2
    3
    """
    return _add(context, key, increment)


@increments.command(
    "DECRBY", since="1.0.0", complexity="O(1)", flags=FLAGS, args=(NUMBER, arg.integer("decrement"))
)
def decrby(context: Context, key: bytes, decrement: int) -> Reply:
    """Take an amount from the integer at a key, and return the difference.

    >>> SET stock 10
    OK
    >>> DECRBY stock 3
    7
    """
    if decrement == INT64_MIN:
        raise CommandError("decrement would overflow")
    return _add(context, key, -decrement)


@increments.command(
    "INCRBYFLOAT",
    since="2.6.0",
    complexity="O(1)",
    flags=FLAGS,
    args=(NUMBER, arg.double("increment", convert=bytes)),
)
def incrbyfloat(context: Context, key: bytes, increment: bytes) -> Reply:
    """Add an amount to the number at a key, and return the sum.

    Sums are made in 80 bits and shown with up to 17 decimals, as redis-server does
    on x86-64, so that the digits are the same.

    >>> SET ratio 10.5
    OK
    >>> INCRBYFLOAT ratio 0.1
    10.6
    >>> INCRBYFLOAT ratio -5.0e3
    -4989.39999999999999991
    """
    entry, value = find_string(context.db, key)
    old = ZERO if entry is None else parse_long_double(bytes(value), NOT_A_FLOAT)
    amount = parse_long_double(increment, NOT_A_FLOAT)
    total = show(add(old, amount, "increment would produce NaN or Infinity"))
    context.db.put(key, total, INCRBYFLOAT_NOTICE, keep_deadline=True)
    return total
