"""Whole databases: counting, emptying, swapping."""

from collections.abc import Callable, Sequence
from typing import Final

from ..keyspace.database import Database
from ..keyspace.transfers import exchange
from ..protocol.replies import OK, Reply
from . import arguments as arg
from .context import Context
from .errors import DB_OUT_OF_RANGE, SYNTAX, CommandError
from .numbers import INT_MAX, INT_MIN, parse_integer
from .spec import AnyHandler, CommandGroup, Flag, Trait
from .spread import Join, Over, Spread

databases = CommandGroup("server")

ALL_SHARDS: Final = ("request_policy:all_shards", "response_policy:all_succeeded")


def numbered_database(context: Context, index: int) -> Database:
    """Return one of the node's databases; raise Redis' error where there is none."""
    every = context.node.keyspace.databases
    if not 0 <= index < len(every):
        raise CommandError(DB_OUT_OF_RANGE)
    return every[index]


@databases.command(
    "DBSIZE",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(),
    acl=frozenset({"keyspace"}),
    tips=("request_policy:all_shards", "response_policy:agg_sum"),
    spread=Spread(Over.NODES, Join.SUM),
)
def dbsize(context: Context) -> Reply:
    """Return how many keys the database holds, expired ones that nobody has met yet among them.

    >>> MSET one 1 two 2
    OK
    >>> DBSIZE
    2
    """
    return len(context.db)


HOW: Final = arg.one_of("async", arg.flag("ASYNC", since="4.0.0"), arg.flag("SYNC", since="6.2.0"))
HOW_HISTORY: Final = (("4.0.0", "Takes `ASYNC`."), ("6.2.0", "Takes `SYNC`."))


def _check_how(argv: Sequence[bytes]) -> None:
    """Take ASYNC or SYNC, which make no difference here: memory is given back at once."""
    if len(argv) > 2 or (len(argv) == 2 and argv[1].upper() not in {b"ASYNC", b"SYNC"}):
        raise CommandError(SYNTAX)


def _declare_flush(name: str, complexity: str) -> Callable[[AnyHandler], AnyHandler]:
    return databases.command(
        name,
        since="1.0.0",
        complexity=complexity,
        flags=Flag.WRITE,
        traits=Trait.EVERY_KEY,
        args=(HOW,),
        acl=frozenset({"keyspace", "dangerous"}),
        tips=ALL_SHARDS,
        spread=Spread(Over.NODES, Join.ALL_OK),
        history=HOW_HISTORY,
        raw=True,
    )


@_declare_flush("FLUSHDB", "O(N), N being the number of keys in the database.")
def flushdb(context: Context, argv: Sequence[bytes]) -> Reply:
    """Delete every key of the database.

    >>> SET one 1
    OK
    >>> FLUSHDB
    OK
    >>> DBSIZE
    0
    """
    _check_how(argv)
    context.db.flush()
    return OK


@_declare_flush("FLUSHALL", "O(N), N being the number of keys in all databases.")
def flushall(context: Context, argv: Sequence[bytes]) -> Reply:
    """Delete every key of every database.

    >>> SET one 1
    OK
    >>> FLUSHALL ASYNC
    OK
    >>> DBSIZE
    0
    """
    _check_how(argv)
    context.node.keyspace.flush_all()
    return OK


@databases.command(
    "SWAPDB",
    since="4.0.0",
    complexity="O(N), N being the number of keys watched in the two databases.",
    flags=Flag.WRITE | Flag.FAST,
    traits=Trait.EVERY_KEY,
    args=(arg.integer("index1", convert=bytes), arg.integer("index2", convert=bytes)),
    acl=frozenset({"keyspace", "dangerous"}),
    spread=Spread(Over.NODES, Join.ALL_OK),
)
def swapdb(context: Context, index1: bytes, index2: bytes) -> Reply:
    """Swap two databases: whoever uses the one sees at once what was in the other.

    In a cluster it is refused: copies, and deletions that are remembered, go by the numbers of databases.

    >>> SET one 1
    OK
    >>> SWAPDB 0 1
    OK
    >>> EXISTS one
    0
    """
    if context.node.cluster is not None:
        raise CommandError("SWAPDB is not allowed in cluster mode")  # as Redis Cluster has it
    first = _parse_swapped(index1, "first")
    second = _parse_swapped(index2, "second")
    one, other = numbered_database(context, first), numbered_database(context, second)
    if one is not other:
        exchange(one, other)
    return OK


def _parse_swapped(raw: bytes, place: str) -> int:
    message = f"invalid {place} DB index"
    number = parse_integer(raw, message)
    if not INT_MIN <= number <= INT_MAX:
        raise CommandError(message)
    return number
