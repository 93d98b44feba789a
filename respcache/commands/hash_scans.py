"""HSCAN and HRANDFIELD: walking the fields of a hash, and drawing some of them."""

import random
from collections.abc import Iterable, Sequence
from typing import Final

from ..keyspace.hashes import Hash
from ..protocol.replies import Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .errors import OUT_OF_RANGE, SYNTAX, CommandError, wrong_type
from .numbers import INT64_MAX, INT64_MIN, parse_integer
from .scan_options import parse_cursor, parse_scan_options
from .spec import CommandGroup, Flag

hash_scans = CommandGroup("hash")

MOST_REPEATED_PICKS: Final = 200_000
"""More picks than this with repetition are refused: they take half a second of everybody's time, and a
negative count of any size is allowed even on the smallest hash."""

READ: Final = arg.key("key", Access.RO | Access.ACCESS)


@hash_scans.command(
    "HSCAN",
    since="2.8.0",
    complexity="O(1) for one call, O(N) for a whole walk, N being the number of fields.",
    flags=Flag.READONLY,
    args=(
        READ,
        arg.integer("cursor"),
        arg.pattern("pattern", token="MATCH", optional=True),
        arg.integer("count", token="COUNT", optional=True),
        arg.flag("NOVALUES", optional=True, since="7.4.0"),
    ),
    tips=("nondeterministic_output",),
    raw=True,
)
def hscan(context: Context, argv: Sequence[bytes]) -> Reply:
    """Walk the fields of a hash in steps: answers the next cursor, and some fields with their values.

    Fields that stay all the while are met, some perhaps twice; COUNT says how
    many to look at in one step. A small hash comes whole, whatever COUNT says.

    >>> HSET user name Ada
    1
    >>> HSCAN user 0
    ['0', ['name', 'Ada']]
    """
    cursor = parse_cursor(argv[2])
    value = context.db.read(argv[1])
    if value is None:
        return [b"0", []]
    if not isinstance(value, Hash):
        raise wrong_type()
    options = parse_scan_options(argv[3:], takes_type=False, takes_no_values=True)
    cursor, names = value.scan(cursor, options.places)
    if options.matches is not None:
        names = [name for name in names if options.matches(name)]
    if options.without_values:
        return [b"%d" % cursor, names]
    return [b"%d" % cursor, _in_turns(value, names)]


@hash_scans.command(
    "HRANDFIELD",
    since="6.2.0",
    complexity="O(N), N being the number of fields returned.",
    flags=Flag.READONLY,
    args=(
        READ,
        arg.block(
            "options",
            arg.integer("count"),
            arg.flag("WITHVALUES", optional=True),
            multiple=False,
            optional=True,
        ),
    ),
    tips=("nondeterministic_output",),
    raw=True,
)
def hrandfield(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return random fields of a hash.

    A positive count gives that many different fields, or all there are; a
    negative one gives exactly that many, each drawn anew, up to 200,000.

    >>> HSET user name Ada
    1
    >>> HRANDFIELD user
    name
    >>> HRANDFIELD user -2
    ['name', 'name']
    """
    count, with_values = _parse_picks(argv[2:])
    value = context.db.read(argv[1])
    if value is None:
        return None if count is None else []
    if not isinstance(value, Hash):
        raise wrong_type()
    if count is None:
        return value.roster.draw(context.chance)
    if count < -MOST_REPEATED_PICKS:
        raise CommandError(OUT_OF_RANGE)
    names = _draw(value, count, context.chance)
    if not with_values:
        return names
    if context.client.protocol == 2:
        return _in_turns(value, names)
    return [[name, value.fields[name]] for name in names]


def _parse_picks(words: Sequence[bytes]) -> tuple[int | None, bool]:
    """Read count and WITHVALUES; the count is None where it is not given."""
    if not words:
        return None, False
    count = parse_integer(words[0])
    if count == INT64_MIN:
        raise CommandError(f"value is out of range, value must between {-INT64_MAX} and {INT64_MAX}")
    if len(words) > 2 or (len(words) == 2 and words[1].upper() != b"WITHVALUES"):
        raise CommandError(SYNTAX)
    if len(words) == 2 and abs(count) > INT64_MAX // 2:  # two words each: Redis cannot count the reply
        raise CommandError(OUT_OF_RANGE)
    return count, len(words) == 2


def _draw(value: Hash, count: int, chance: random.Random) -> list[bytes]:
    """Draw fields: different ones, or with repetition where ``count`` is negative."""
    if count < 0:
        draw = value.roster.draw
        return [draw(chance) for _ in range(-count)]
    if count >= len(value):
        return list(value.fields)
    if count * 3 > len(value):
        return chance.sample(list(value.fields), count)
    drawn: dict[bytes, None] = {}  # of few among many: drawing again beats listing all
    while len(drawn) < count:
        drawn[value.roster.draw(chance)] = None
    return list(drawn)


def _in_turns(value: Hash, names: Iterable[bytes]) -> list[bytes]:
    """Return each name, followed by its value."""
    return [word for name in names for word in (name, value.fields[name])]
