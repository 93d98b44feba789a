"""KEYS and SCAN: which keys there are. How a walk keeps its promise is told in ``keyspace/roster.py``."""

from collections.abc import Sequence

from ..keyspace.entry import TYPE_NAMES
from ..keyspace.glob import compile_glob, is_literal
from ..protocol.replies import Reply
from . import arguments as arg
from .context import Context
from .scan_options import parse_cursor, parse_scan_options
from .spec import CommandGroup, Flag
from .spread import Join, Over, Spread

scanning = CommandGroup("generic")


@scanning.command(
    "KEYS",
    since="1.0.0",
    complexity="O(N), N being the number of keys in the database; O(1) for a pattern without wildcards.",
    flags=Flag.READONLY,
    args=(arg.pattern("pattern"),),
    acl=frozenset({"dangerous"}),
    tips=("request_policy:all_shards", "nondeterministic_output_order"),
    spread=Spread(Over.NODES, Join.CONCATENATION),
)
def keys(context: Context, pattern: bytes) -> Reply:
    """Return all keys that match a pattern, while everybody else waits; SCAN does it in steps.

    >>> MSET one 1 two 2
    OK
    >>> KEYS o*
    ['one']
    """
    db = context.db
    if pattern == b"*":
        return list(db.keys())
    if is_literal(pattern):
        return [pattern] if db.has(pattern) else []
    matches = compile_glob(pattern)
    return [key for key in db.keys() if matches(key)]  # noqa: SIM118  # a database is no dictionary


@scanning.command(
    "SCAN",
    since="2.8.0",
    complexity="O(1) for one call, O(N) for a whole walk, N being the number of keys in the database.",
    flags=Flag.READONLY,
    args=(
        arg.integer("cursor"),
        arg.pattern("pattern", token="MATCH", optional=True),
        arg.integer("count", token="COUNT", optional=True),
        arg.string("type", token="TYPE", optional=True, since="6.0.0"),
    ),
    tips=("nondeterministic_output", "request_policy:special"),
    history=(("6.0.0", "Takes `TYPE`."),),
    raw=True,
    spread=Spread(Over.WALK, Join.FIRST),
)
def scan(context: Context, argv: Sequence[bytes]) -> Reply:
    """Walk the keys in steps: answers the next cursor, which is 0 at the end, and some keys.

    Keys that stay all the while are met, some perhaps twice; COUNT says how
    many to look at in one step, of which MATCH and TYPE leave some out.

    >>> SET one 1
    OK
    >>> SCAN 0 MATCH o*
    ['0', ['one']]
    """
    cursor = parse_cursor(argv[1])
    options = parse_scan_options(argv[2:], takes_type=True, takes_no_values=False)
    cursor, found = context.db.scan(cursor, options.places)
    if options.matches is not None:
        found = [key for key in found if options.matches(key)]
    if options.type_name is not None:
        wanted = options.type_name.lower().decode("utf-8", "replace")
        entries = context.db.entries
        found = [key for key in found if TYPE_NAMES[entries[key].value.__class__] == wanted]
    return [b"%d" % cursor, found]
