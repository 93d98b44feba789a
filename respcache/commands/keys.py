"""Keys of any type: deleting, counting, renaming, copying, moving.

Expiry is in ``expiry.py``, walks over all keys in ``scanning.py``, whole databases in ``databases.py``.
"""

from collections.abc import Sequence
from typing import Final

from ..keyspace.database import NEVER, Database
from ..keyspace.entry import TYPE_NAMES, Entry, Value
from ..keyspace.hashes import Hash
from ..keyspace.journal import Notice
from ..protocol.replies import OK, Reply, SimpleString
from . import arguments as arg
from .arguments import Access
from .context import Context
from .databases import numbered_database
from .errors import NO_SUCH_KEY, OUT_OF_RANGE, SYNTAX, CommandError
from .numbers import INT_MAX, INT_MIN, parse_integer
from .spec import CommandGroup, Flag, Trait
from .spread import Join, Over, Spread

keys = CommandGroup("generic")

DEL_NOTICE: Final = Notice("g", "del")
RENAME_FROM: Final = Notice("g", "rename_from")
RENAME_TO: Final = Notice("g", "rename_to")
MOVE_FROM: Final = Notice("g", "move_from")
MOVE_TO: Final = Notice("g", "move_to")
COPY_TO: Final = Notice("g", "copy_to")

SAME_OBJECT: Final = "source and destination objects are the same"
SUM_OF_SHARDS: Final = ("request_policy:multi_shard", "response_policy:agg_sum")


# -- one key or several ------------------------------------------------------


@keys.command(
    "DEL",
    since="1.0.0",
    complexity="O(N), N being the number of keys, and of the fields of hashes among them.",
    flags=Flag.WRITE,
    args=(arg.key("key", Access.RM | Access.DELETE, multiple=True),),
    tips=SUM_OF_SHARDS,
    raw=True,
    spread=Spread(Over.KEYS, Join.SUM),
)
def del_(context: Context, argv: Sequence[bytes]) -> Reply:
    """Delete keys, and return how many there were.

    >>> MSET one 1 two 2
    OK
    >>> DEL one two three
    2
    """
    remove = context.db.remove
    return sum([remove(key, DEL_NOTICE) for key in argv[1:]])


@keys.command(
    "UNLINK",
    since="4.0.0",
    complexity="O(N), N being the number of keys, and of the fields of hashes among them.",
    flags=Flag.WRITE | Flag.FAST,
    args=(arg.key("key", Access.RM | Access.DELETE, multiple=True),),
    tips=SUM_OF_SHARDS,
    raw=True,
    spread=Spread(Over.KEYS, Join.SUM),
)
def unlink(context: Context, argv: Sequence[bytes]) -> Reply:
    """Delete keys, and return how many there were; the same as DEL here.

    >>> SET one 1
    OK
    >>> UNLINK one two
    1
    """
    return del_(context, argv)


@keys.command(
    "EXISTS",
    since="1.0.0",
    complexity="O(N), N being the number of keys.",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.key("key", Access.RO, multiple=True),),
    tips=SUM_OF_SHARDS,
    history=(("3.0.3", "Takes several keys."),),
    raw=True,
    spread=Spread(Over.KEYS, Join.SUM),
)
def exists(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return how many of the keys exist; one that is named twice counts twice.

    >>> MSET one 1 two 2
    OK
    >>> EXISTS one two three one
    3
    """
    inspect = context.db.inspect
    return sum([inspect(key) is not None for key in argv[1:]])


@keys.command(
    "TOUCH",
    since="3.2.1",
    complexity="O(N), N being the number of keys.",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.key("key", Access.RO, multiple=True),),
    tips=SUM_OF_SHARDS,
    raw=True,
    spread=Spread(Over.KEYS, Join.SUM),
)
def touch(context: Context, argv: Sequence[bytes]) -> Reply:
    """Use keys without reading them, so that they are not evicted; return how many exist.

    >>> SET one 1
    OK
    >>> TOUCH one two
    1
    """
    read = context.db.read
    return sum([read(key) is not None for key in argv[1:]])


@keys.command(
    "TYPE",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.key("key", Access.RO),),
)
def type_(context: Context, key: bytes) -> Reply:
    """Return the type of what a key holds: string or hash, or none where there is no key.

    >>> SET one 1
    OK
    >>> TYPE one
    string
    >>> TYPE two
    none
    """
    entry = context.db.inspect(key)
    return SimpleString("none" if entry is None else TYPE_NAMES[entry.value.__class__])


# -- renaming, copying, moving -----------------------------------------------


def _existing(db: Database, key: bytes) -> Entry:
    entry = db.find(key)
    if entry is None:
        raise CommandError(NO_SUCH_KEY)
    return entry


@keys.command(
    "RENAME",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.WRITE,
    args=(
        arg.key("key", Access.RW | Access.ACCESS | Access.DELETE),
        arg.key("newkey", Access.OW | Access.UPDATE),
    ),
)
def rename(context: Context, key: bytes, newkey: bytes) -> Reply:
    """Rename a key; what the new name held is lost. The expiry moves along.

    >>> SET one 1
    OK
    >>> RENAME one uno
    OK
    >>> GET uno
    1
    """
    db = context.db
    entry = _existing(db, key)
    if key != newkey:
        db.find(newkey)  # if it has expired, the world hears that first
        db.move(entry, db, newkey, RENAME_FROM, RENAME_TO)
    return OK


@keys.command(
    "RENAMENX",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.FAST,
    args=(
        arg.key("key", Access.RW | Access.ACCESS | Access.DELETE),
        arg.key("newkey", Access.OW | Access.INSERT),
    ),
    history=(("3.2.0", "The same name twice is no longer an error."),),
)
def renamenx(context: Context, key: bytes, newkey: bytes) -> Reply:
    """Rename a key unless the new name is taken; say whether that was done.

    >>> MSET one 1 two 2
    OK
    >>> RENAMENX one two
    0
    >>> RENAMENX one uno
    1
    """
    db = context.db
    entry = _existing(db, key)
    if key == newkey or db.has(newkey):
        return 0
    db.move(entry, db, newkey, RENAME_FROM, RENAME_TO)
    return 1


def _parse_int(raw: bytes) -> int:
    """Parse what fits C's ``int``, for that is what Redis numbers databases with here."""
    number = parse_integer(raw)
    if not INT_MIN <= number <= INT_MAX:
        raise CommandError(f"{OUT_OF_RANGE}, value must between {INT_MIN} and {INT_MAX}")
    return number


def _twin(value: Value) -> Value:
    """Return a value that changes on its own."""
    if isinstance(value, Hash):
        return value.copy()
    return value if isinstance(value, bytes) else bytearray(value)


@keys.command(
    "COPY",
    since="6.2.0",
    complexity="O(N), N being the length of the string or the number of fields of the hash.",
    flags=Flag.WRITE | Flag.DENYOOM,
    # A key of another database is not named as the owners know it.
    traits=Trait.EVERY_KEY | Trait.OUTGROWS_ITS_WORDS,
    args=(
        arg.key("source", Access.RO | Access.ACCESS),
        arg.key("destination", Access.OW | Access.UPDATE),
        arg.integer("destination-db", token="DB", optional=True),
        arg.flag("REPLACE", optional=True),
    ),
    depends=lambda argv: True,  # without REPLACE it only fills a gap
    raw=True,
)
def copy(context: Context, argv: Sequence[bytes]) -> Reply:
    """Copy a key with its expiry, to another name or database; say whether that was done.

    It is not done where the destination exists, unless REPLACE is given.

    >>> SET one 1
    OK
    >>> COPY one uno
    1
    >>> COPY one uno
    0
    """
    source, destination = argv[1], argv[2]
    target, replace = _parse_copy_options(context, argv[3:])
    if target is context.db and source == destination:
        raise CommandError(SAME_OBJECT)
    value = context.db.read(source)
    if value is None or (target.has(destination) and not replace):
        return 0
    deadline_ms = context.db.entries[source].expires_at_ms
    target.put(destination, _twin(value), COPY_TO, NEVER if deadline_ms is None else deadline_ms)
    return 1


def _parse_copy_options(context: Context, words: Sequence[bytes]) -> tuple[Database, bool]:
    target, replace = context.db, False
    rest = iter(words)
    for word in rest:
        option = word.upper()
        if option == b"REPLACE":
            replace = True
        elif option == b"DB" and (value := next(rest, None)) is not None:
            target = numbered_database(context, _parse_int(value))
        else:
            raise CommandError(SYNTAX)
    return target, replace


@keys.command(
    "MOVE",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.FAST,
    traits=Trait.EVERY_KEY,  # as COPY
    args=(arg.key("key", Access.RW | Access.ACCESS | Access.UPDATE), arg.integer("db", convert=_parse_int)),
)
def move(context: Context, key: bytes, db: int) -> Reply:
    """Move a key to another database, unless that has one of the name; say whether that was done.

    >>> SET one 1
    OK
    >>> MOVE one 3
    1
    >>> EXISTS one
    0
    """
    target = numbered_database(context, db)
    if target is context.db:
        raise CommandError(SAME_OBJECT)
    entry = context.db.find(key)
    if entry is None or target.has(key):
        return 0
    context.db.move(entry, target, key, MOVE_FROM, MOVE_TO)
    return 1


@keys.command(
    "RANDOMKEY",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.READONLY,
    args=(),
    tips=("request_policy:all_shards", "nondeterministic_output"),
    spread=Spread(Over.ANY, Join.FIRST),
)
def randomkey(context: Context) -> Reply:
    """Return the name of some key, each as likely as any other; nothing if there is none.

    >>> RANDOMKEY
    (nil)
    >>> SET one 1
    OK
    >>> RANDOMKEY
    one
    """
    return context.db.draw(context.chance)
