"""The hash commands, but for those that walk or draw fields (``hash_scans.py``) or count in them (``hash_increments.py``).

A hash that loses its last field is deleted, so no key ever holds an empty one.
HSET, HDEL and HMGET take their words as they come: parsing them first
costs a third of their time.
"""

from collections.abc import Sequence
from typing import Final

from ..keyspace.database import Database
from ..keyspace.entry import Entry
from ..keyspace.hashes import Hash
from ..keyspace.journal import Notice
from ..protocol.replies import OK, Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .errors import wrong_arity, wrong_type
from .spec import CommandGroup, Flag

hashes = CommandGroup("hash")

HSET_NOTICE: Final = Notice("h", "hset")
HDEL_NOTICE: Final = Notice("h", "hdel")
DEL_NOTICE: Final = Notice("g", "del")

FIELD_VALUE: Final = arg.block("field_value", arg.string("field"), arg.string("value"))
WRITTEN: Final = arg.key("key", Access.RW | Access.UPDATE)
READ: Final = arg.key("key", Access.RO | Access.ACCESS)
LOOKED_AT: Final = arg.key("key", Access.RO)
IN_NO_ORDER: Final = ("nondeterministic_output_order",)


def read_hash(db: Database, key: bytes) -> dict[bytes, bytes] | None:
    """Return the fields of a hash that a client reads; None where there is no key."""
    value = db.read(key)
    if value is None:
        return None
    if not isinstance(value, Hash):
        raise wrong_type()
    return value.fields


def find_hash(db: Database, key: bytes) -> tuple[Entry | None, Hash]:
    """Return the entry and hash that a command is about to change; a new hash where there is no key."""
    entry = db.find(key)
    if entry is None:
        return None, Hash()
    if not isinstance(entry.value, Hash):
        raise wrong_type()
    return entry, entry.value


def set_fields(db: Database, key: bytes, words: Sequence[bytes], notice: Notice) -> int:
    """Store fields and values, given in turns; return how many fields are new."""
    return store_fields(db, key, find_hash(db, key), words, notice)


def set_field(db: Database, key: bytes, field: bytes, text: bytes) -> int:
    """Do as ``set_fields`` for one field: the commonest HSET, at half the cost."""
    entry = db.find(key)
    if entry is None:
        return set_fields(db, key, (field, text), HSET_NOTICE)
    value = entry.value
    if not isinstance(value, Hash):
        raise wrong_type()
    size_bytes = value.size_bytes
    is_new = value.set(field, text)
    if value.is_compact:
        value.outgrow(db.hash_limits, (field, text))
    db.modified(entry, HSET_NOTICE, value.size_bytes - size_bytes, ((field, text), ()))
    return 1 if is_new else 0


def store_fields(
    db: Database, key: bytes, found: tuple[Entry | None, Hash], words: Sequence[bytes], notice: Notice
) -> int:
    """Do as ``set_fields`` with what ``find_hash`` has found."""
    entry, value = found
    size_bytes = value.size_bytes
    created = 0
    for at in range(0, len(words), 2):
        created += value.set(words[at], words[at + 1])
    if value.is_compact:
        value.outgrow(db.hash_limits, words)
    if entry is None:
        db.put(key, value, notice)
    else:
        db.modified(entry, notice, value.size_bytes - size_bytes, (words, ()))
    return created


@hashes.command(
    "HSET",
    since="2.0.0",
    complexity="O(N), N being the number of fields that are set.",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(WRITTEN, FIELD_VALUE),
    history=(("4.0.0", "Takes more than one field and value."),),
    raw=True,
)
def hset(context: Context, argv: Sequence[bytes]) -> Reply:
    """Set fields of a hash, which is created where there is none.

    Answers how many of the fields are new; the values of the others are replaced.

    >>> HSET user name Ada born 1815
    2
    >>> HSET user name "Ada Lovelace"
    0
    """
    if len(argv) == 4:
        return set_field(context.db, argv[1], argv[2], argv[3])
    if len(argv) & 1:
        raise wrong_arity("hset")
    return set_fields(context.db, argv[1], argv[2:], HSET_NOTICE)


@hashes.command(
    "HMSET",
    since="2.0.0",
    complexity="O(N), N being the number of fields that are set.",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(WRITTEN, FIELD_VALUE),
    deprecated_since="4.0.0",
    replaced_by="`HSET` with multiple field-value pairs",
    raw=True,
)
def hmset(context: Context, argv: Sequence[bytes]) -> Reply:
    """Set fields of a hash; HSET does the same and tells how many were new.

    >>> HMSET user name Ada born 1815
    OK
    """
    if len(argv) & 1:
        raise wrong_arity("hmset")
    set_fields(context.db, argv[1], argv[2:], HSET_NOTICE)
    return OK


@hashes.command(
    "HSETNX",
    since="2.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(arg.key("key", Access.RW | Access.INSERT), arg.string("field"), arg.string("value")),
)
def hsetnx(context: Context, key: bytes, field: bytes, value: bytes) -> Reply:
    """Set a field of a hash, unless the hash has it.

    >>> HSETNX user name Ada
    1
    >>> HSETNX user name Grace
    0
    """
    found = find_hash(context.db, key)
    if field in found[1].fields:
        return 0
    return store_fields(context.db, key, found, (field, value), HSET_NOTICE)


@hashes.command(
    "HGET",
    since="2.0.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(READ, arg.string("field")),
)
def hget(context: Context, key: bytes, field: bytes) -> Reply:
    """Return the value of one field of a hash.

    >>> HSET user name Ada
    1
    >>> HGET user name
    Ada
    >>> HGET user email
    (nil)
    """
    value = context.db.read(key)
    if value is None:
        return None
    if not isinstance(value, Hash):
        raise wrong_type()
    return value.fields.get(field)


@hashes.command(
    "HMGET",
    since="2.0.0",
    complexity="O(N), N being the number of fields asked for.",
    flags=Flag.READONLY | Flag.FAST,
    args=(READ, arg.string("field", multiple=True)),
    raw=True,
)
def hmget(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the values of some fields of a hash, null for each that it does not have.

    A key that does not exist is a hash without fields.

    >>> HSET user name Ada
    1
    >>> HMGET user name email
    ['Ada', None]
    """
    fields = read_hash(context.db, argv[1])
    if fields is None:
        return [None] * (len(argv) - 2)
    return [fields.get(field) for field in argv[2:]]


@hashes.command(
    "HGETALL",
    since="2.0.0",
    complexity="O(N), N being the number of fields.",
    flags=Flag.READONLY,
    args=(READ,),
    tips=IN_NO_ORDER,
)
def hgetall(context: Context, key: bytes) -> Reply:
    """Return all fields of a hash with their values.

    >>> HSET user name Ada
    1
    >>> HGETALL user
    {'name': 'Ada'}
    """
    # A copy: within EXEC the reply is encoded after later commands have run.
    return dict(read_hash(context.db, key) or ())


@hashes.command(
    "HKEYS",
    since="2.0.0",
    complexity="O(N), N being the number of fields.",
    flags=Flag.READONLY,
    args=(READ,),
    tips=IN_NO_ORDER,
)
def hkeys(context: Context, key: bytes) -> Reply:
    """Return the names of all fields of a hash.

    >>> HSET user name Ada born 1815
    2
    >>> HKEYS user
    ['name', 'born']
    """
    return list(read_hash(context.db, key) or ())


@hashes.command(
    "HVALS",
    since="2.0.0",
    complexity="O(N), N being the number of fields.",
    flags=Flag.READONLY,
    args=(READ,),
    tips=IN_NO_ORDER,
)
def hvals(context: Context, key: bytes) -> Reply:
    """Return the values of all fields of a hash.

    >>> HSET user name Ada born 1815
    2
    >>> HVALS user
    ['Ada', '1815']
    """
    fields = read_hash(context.db, key)
    return [] if fields is None else list(fields.values())


@hashes.command(
    "HLEN",
    since="2.0.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(LOOKED_AT,),
)
def hlen(context: Context, key: bytes) -> Reply:
    """Count the fields of a hash.

    >>> HSET user name Ada born 1815
    2
    >>> HLEN user
    2
    """
    return len(read_hash(context.db, key) or ())


@hashes.command(
    "HSTRLEN",
    since="3.2.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(LOOKED_AT, arg.string("field")),
)
def hstrlen(context: Context, key: bytes, field: bytes) -> Reply:
    """Return how many bytes the value of a field has; 0 where there is no such field.

    >>> HSET user name Ada
    1
    >>> HSTRLEN user name
    3
    """
    fields = read_hash(context.db, key)
    return 0 if fields is None else len(fields.get(field, b""))


@hashes.command(
    "HEXISTS",
    since="2.0.0",
    complexity="O(1)",
    flags=Flag.READONLY | Flag.FAST,
    args=(LOOKED_AT, arg.string("field")),
)
def hexists(context: Context, key: bytes, field: bytes) -> Reply:
    """Say whether a hash has a field.

    >>> HSET user name Ada
    1
    >>> HEXISTS user name
    1
    >>> HEXISTS user email
    0
    """
    fields = read_hash(context.db, key)
    return int(fields is not None and field in fields)


@hashes.command(
    "HDEL",
    since="2.0.0",
    complexity="O(N), N being the number of fields to remove.",
    flags=Flag.WRITE | Flag.FAST,
    args=(arg.key("key", Access.RW | Access.DELETE), arg.string("field", multiple=True)),
    history=(("2.4.0", "Takes more than one field."),),
    raw=True,
)
def hdel(context: Context, argv: Sequence[bytes]) -> Reply:
    """Remove fields of a hash; answers how many there were.

    With its last field the hash itself is deleted.

    >>> HSET user name Ada born 1815
    2
    >>> HDEL user born email
    1
    """
    db = context.db
    entry, value = find_hash(db, argv[1])
    if entry is None:
        return 0
    size_bytes = value.size_bytes
    removed = 0
    for field in argv[2:]:
        removed += value.delete(field)
    if removed:
        db.modified(entry, HDEL_NOTICE, value.size_bytes - size_bytes, ((), argv[2:]))
        if not value.fields:
            db.remove(argv[1], DEL_NOTICE)
    return removed
