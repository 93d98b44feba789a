"""Fields of hashes that are numbers: HINCRBY and HINCRBYFLOAT. A number is kept as the text that HGET shows.

HINCRBY takes its words as they come: parsing them first costs a third of its time.
"""

from collections.abc import Sequence
from typing import Final

from ..keyspace.journal import Notice
from ..protocol.replies import Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .errors import NOT_A_FLOAT, OVERFLOW, CommandError
from .hashes import find_hash, store_fields
from .long_double import Finite, add, parse_long_double, show
from .numbers import INT64_MAX, INT64_MIN, parse_integer
from .spec import CommandGroup, Flag

hash_increments = CommandGroup("hash")

HINCRBY_NOTICE: Final = Notice("h", "hincrby")
HINCRBYFLOAT_NOTICE: Final = Notice("h", "hincrbyfloat")

NUMBER_AT: Final = (arg.key("key", Access.RW | Access.ACCESS | Access.UPDATE), arg.string("field"))


@hash_increments.command(
    "HINCRBY",
    since="2.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(*NUMBER_AT, arg.integer("increment")),
    raw=True,
)
def hincrby(context: Context, argv: Sequence[bytes]) -> Reply:
    """Add to the integer in a field, which counts as 0 where there is none.

    >>> HINCRBY page visits 5
    5
    >>> HINCRBY page visits -1
    4
    """
    _, key, field, increment = argv
    amount = parse_integer(increment)
    found = find_hash(context.db, key)
    old = found[1].fields.get(field)
    number = 0 if old is None else parse_integer(old, "hash value is not an integer")
    number += amount
    if not INT64_MIN <= number <= INT64_MAX:
        raise CommandError(OVERFLOW)
    store_fields(context.db, key, found, (field, b"%d" % number), HINCRBY_NOTICE)
    return number


def _finite_increment(raw: bytes) -> Finite:
    number = parse_long_double(raw, NOT_A_FLOAT)
    if number is None:
        raise CommandError("value is NaN or Infinity")
    return number


@hash_increments.command(
    "HINCRBYFLOAT",
    since="2.6.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(*NUMBER_AT, arg.double("increment", convert=_finite_increment)),
)
def hincrbyfloat(context: Context, key: bytes, field: bytes, increment: Finite) -> Reply:
    """Add to the number in a field, which counts as 0 where there is none.

    Answers and keeps the digits that redis-server would, with the precision of
    C's long double. Copies receive the sum, not the increment.

    >>> HINCRBYFLOAT page seconds 10.5
    10.5
    >>> HINCRBYFLOAT page seconds -0.25
    10.25
    """
    found = find_hash(context.db, key)
    number = parse_long_double(found[1].fields.get(field, b"0"), "hash value is not a float")
    text = show(add(number, increment, "increment would produce NaN or Infinity"))
    store_fields(context.db, key, found, (field, text), HINCRBYFLOAT_NOTICE)
    return text
