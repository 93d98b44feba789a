"""What HTTP asks of a key in one step, where the Redis protocol has several commands.

That is a value with its version, life and content type; a write or a removal on a condition; and the keys that carry a tag.

One step is one look-up, one hop to the key's owner, and a compare-and-set that nobody can come between. The version is a
digest of the value: equal versions mean equal values, whoever wrote them and at whichever node.

A content type is kept under a key of its own, in the same slot and with the same life. It names the version that it is of, so a
value written by somebody else has no type rather than a wrong one. A tag is a hash of keys and versions, under a key of its own.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from ..keyspace.database import NEVER, Database
from ..keyspace.entry import Value
from ..keyspace.hashes import Hash
from ..keyspace.journal import Notice
from ..keyspace.slots import key_slot
from ..protocol.replies import OK, Reply
from . import arguments as arg
from .arguments import Access
from .context import Context
from .deadlines import deadline_of_option
from .errors import SYNTAX, CommandError, wrong_arity
from .hashes import find_hash, store_fields
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait

resources = CommandGroup("generic")

KIND_PREFIX: Final = b"respcache:content-type:"
TAG_PREFIX: Final = b"respcache:tag:"

MOST_TAGGED: Final = 100_000
"""Keys that one tag may have: some 20 MB, and a second or two to invalidate them all."""

ANY: Final = b"*"

FAILED: Final = -1
"""The answer where a condition does not hold."""

SET_NOTICE: Final = Notice("$", "set")
DEL_NOTICE: Final = Notice("g", "del")
EXPIRE_NOTICE: Final = Notice("g", "expire")
PERSIST_NOTICE: Final = Notice("g", "persist")
HSET_NOTICE: Final = Notice("h", "hset")
HDEL_NOTICE: Final = Notice("h", "hdel")


BIG_BYTES: Final = 16 * 1024

MOST_KNOWN: Final = 1024

_known: dict[tuple[int, int], bytes] = {}
"""Digests of big values, by their length and Python's own hash, which an object of bytes keeps: 60 MB were 0.1 s each time that somebody
looked at ten bytes of them. That hash has 64 bits and a secret of the process, so no two values are taken for each other."""


def version_of(value: Value) -> bytes:
    """Return the digest of a value: 32 hexadecimal digits."""
    if value.__class__ is not bytes or len(value) < BIG_BYTES:
        return _digest_of(value)
    name = (len(value), hash(value))
    version = _known.get(name)
    if version is None:
        if len(_known) >= MOST_KNOWN:
            del _known[next(iter(_known))]
        version = _known[name] = _digest_of(value)
    return version


_grown: dict[int, int] = {}
"""Lengths of big values that may change in place, when they were last read, by the identities of their objects: a guess, and no more."""


def _settled(db: Database, key: bytes, value: bytearray) -> Value:
    """Return a value that has grown in place. One that is read again as long as it was is kept as ``bytes`` from now on.

    Those have a version that is known; and a log that grows between any two reads is not copied for them.
    """
    if len(value) < BIG_BYTES:
        return value
    if _grown.pop(id(value), -1) == len(value):
        frozen = db.entries[key].value = bytes(value)
        return frozen
    if len(_grown) >= MOST_KNOWN:
        del _grown[next(iter(_grown))]
    _grown[id(value)] = len(value)
    return value


def _digest_of(value: Value) -> bytes:
    if isinstance(value, Hash):
        digest = blake2b(digest_size=16)
        for name, text in value.fields.items():
            digest.update(b"%d:%d:%b%b" % (len(name), len(text), name, text))
        return digest.hexdigest().encode()
    return blake2b(value, digest_size=16).hexdigest().encode()


def kind_key(key: bytes) -> bytes | None:
    """Return where a key's content type is kept; None where no name would be in the key's slot."""
    if key and b"{" not in key and b"}" not in key:
        return KIND_PREFIX + b"{" + key + b"}"
    slot = key_slot(key)
    for name in (KIND_PREFIX + key, KIND_PREFIX + b"{" + key + b"}"):
        if key and key_slot(name) == slot:
            return name
    return None


def _holds(condition: bytes | None, version: bytes | None) -> bool:
    """Say whether a version is one of those that a condition names; None for no key, which has no version."""
    return (
        condition is not None
        and version is not None
        and (condition == ANY or version in condition.split(b","))
    )


def _conditions(words: Sequence[bytes]) -> dict[bytes, bytes]:
    """Read options, each of which has a value."""
    if len(words) % 2:
        raise CommandError(SYNTAX)
    options = {name.upper(): value for name, value in zip(words[::2], words[1::2], strict=True)}
    if len(options) * 2 != len(words) or options.keys() - {b"PX", b"KIND", b"IFMATCH", b"IFNONEMATCH"}:
        raise CommandError(SYNTAX)
    return options


def _may_change(context: Context, key: bytes, options: dict[bytes, bytes]) -> bool:
    if b"IFMATCH" not in options and b"IFNONEMATCH" not in options:
        return True
    value = context.db.peek(key)
    version = None if value is None else version_of(value)
    if b"IFMATCH" in options and not _holds(options[b"IFMATCH"], version):
        return False
    return not _holds(options.get(b"IFNONEMATCH"), version)


def _is_conditional(argv: Sequence[bytes]) -> bool:
    return any(word.upper() in (b"IFMATCH", b"IFNONEMATCH") for word in argv[2:])


def _access_of_write(argv: Sequence[bytes]) -> Access:
    if _is_conditional(argv[1:]):
        return Access.RW | Access.ACCESS | Access.UPDATE
    return Access.OW | Access.UPDATE


def _access_of_removal(argv: Sequence[bytes]) -> Access:
    if _is_conditional(argv):
        return Access.RW | Access.ACCESS | Access.DELETE
    return Access.RM | Access.DELETE


@resources.command(
    "RESPCACHE.READ",
    since="7.0.0",
    complexity="O(N), N being the bytes of the value.",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.key("key", Access.RO | Access.ACCESS),),
    hidden=True,
)
def read_resource(context: Context, key: bytes) -> Reply:
    """Return a value, its version, its life in milliseconds (-1 for ever), and its content type, if it is known.

    >>> SET greeting hello
    OK
    >>> RESPCACHE.READ greeting
    ['hello', '46fb7408d4f285228f4af516ea25851b', -1, None]
    >>> RESPCACHE.READ nothing
    (nil)
    """
    db = context.db
    value = db.read(key)
    if value is None:
        return None
    if isinstance(value, bytearray):
        value = _settled(db, key, value)
    version = version_of(value)
    deadline_ms = db.entries[key].expires_at_ms
    life_ms = -1 if deadline_ms is None else max(deadline_ms - context.clock.now_ms, 0)
    shown = dict(value.fields) if isinstance(value, Hash) else bytes(value)
    name = kind_key(key)
    kept = None if name is None else db.peek(name)
    kind = None
    if isinstance(kept, bytes) and kept.startswith(version + b" "):
        kind = kept[len(version) + 1 :]
    return [shown, version, life_ms, kind]


@resources.command(
    "RESPCACHE.WRITE",
    since="7.0.0",
    complexity="O(N), N being the bytes of the value, and of that which a condition asks for.",
    flags=Flag.WRITE | Flag.DENYOOM,
    args=(
        arg.key("key", Access.RW | Access.ACCESS | Access.UPDATE | Access.VARIABLE_FLAGS),
        arg.string("value"),
        arg.integer("milliseconds", token="PX", optional=True),
        arg.string("content-type", token="KIND", optional=True),
        arg.string("versions", token="IFMATCH", optional=True),
        arg.string("versions", token="IFNONEMATCH", optional=True),
    ),
    access_of_call=_access_of_write,
    depends=_is_conditional,
    raw=True,
    hidden=True,
)
def write_resource(context: Context, argv: Sequence[bytes]) -> Reply:
    """Store a string, and answer 1 if the key is new, 0 if not, -1 where a condition does not hold.

    Conditions are versions with commas between them, or ``*`` for any.

    >>> RESPCACHE.WRITE greeting hello IFNONEMATCH *
    1
    >>> RESPCACHE.WRITE greeting hallo IFMATCH 46fb7408d4f285228f4af516ea25851b
    0
    >>> RESPCACHE.WRITE greeting moin IFNONEMATCH *
    -1
    """
    db, key, value = context.db, argv[1], argv[2]
    options = _conditions(argv[3:])
    deadline_ms = None
    if b"PX" in options:
        time = parse_integer(options[b"PX"])
        deadline_ms = deadline_of_option(b"PX", time, context.clock.now_ms, "respcache.write")
    if not _may_change(context, key, options):
        return FAILED
    is_new = not db.has(key)
    entry = db.put(key, value, SET_NOTICE, deadline_ms)
    if deadline_ms is not None:
        db.notify(key, EXPIRE_NOTICE)
    name = kind_key(key)
    if name is not None and b"KIND" in options:
        kept = version_of(value) + b" " + options[b"KIND"]
        db.put(name, kept, SET_NOTICE, entry.expires_at_ms or NEVER)
    elif name is not None:
        db.remove(name, DEL_NOTICE)
    return 1 if is_new else 0


@resources.command(
    "RESPCACHE.REMOVE",
    since="7.0.0",
    complexity="O(N), N being the bytes of the value, where there is a condition.",
    flags=Flag.WRITE,
    args=(
        arg.key("key", Access.RM | Access.DELETE | Access.VARIABLE_FLAGS),
        arg.string("versions", token="IFMATCH", optional=True),
        arg.string("versions", token="IFNONEMATCH", optional=True),
    ),
    access_of_call=_access_of_removal,
    depends=_is_conditional,
    raw=True,
    hidden=True,
)
def remove_resource(context: Context, argv: Sequence[bytes]) -> Reply:
    """Delete a key with its content type: 1 if it was there, 0 if not, -1 where a condition does not hold.

    >>> SET greeting hello
    OK
    >>> RESPCACHE.REMOVE greeting IFMATCH 00
    -1
    >>> RESPCACHE.REMOVE greeting
    1
    """
    db, key = context.db, argv[1]
    options = _conditions(argv[2:])
    if not db.has(key):
        return 0
    if not _may_change(context, key, options):
        return FAILED
    name = kind_key(key)
    if name is not None:
        db.remove(name, DEL_NOTICE)
    return 1 if db.remove(key, DEL_NOTICE) else 0


@resources.command(
    "RESPCACHE.LIVE",
    since="7.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.FAST,
    args=(arg.key("key", Access.RW | Access.UPDATE), arg.integer("milliseconds")),
    hidden=True,
)
def live_resource(context: Context, key: bytes, milliseconds: int) -> Reply:
    """Give a key and its content type so long to live, 0 for ever; answer whether the key is there.

    >>> SET greeting hello
    OK
    >>> RESPCACHE.LIVE greeting 60000
    1
    >>> TTL greeting
    60
    """
    db = context.db
    entry = db.find(key)
    if entry is None:
        return 0
    deadline_ms = None
    if milliseconds:
        deadline_ms = deadline_of_option(b"PX", milliseconds, context.clock.now_ms, "respcache.live")
    name = kind_key(key)
    for one in (entry, None if name is None else db.find(name)):
        if one is None:
            continue
        if deadline_ms is None:
            db.persist(one, PERSIST_NOTICE)
        else:
            db.expire_at(one, deadline_ms, EXPIRE_NOTICE)
    return 1


@resources.command(
    "RESPCACHE.TAG",
    since="7.0.0",
    complexity="O(1)",
    flags=Flag.WRITE | Flag.DENYOOM | Flag.FAST,
    args=(
        arg.key("tag", Access.RW | Access.UPDATE),
        arg.string("key"),
        arg.string("version"),
        arg.integer("milliseconds"),
    ),
    traits=Trait.LOADS_NOTHING,
    hidden=True,
)
def tag_resource(context: Context, tag: bytes, key: bytes, version: bytes, milliseconds: int) -> Reply:
    """Note that a version of a key carries a tag, for as long as that lives at least, 0 for ever.

    >>> RESPCACHE.TAG respcache:tag:news front 46fb7408d4f285228f4af516ea25851b 0
    OK
    >>> HLEN respcache:tag:news
    1
    """
    db = context.db
    wanted_ms = None
    if milliseconds:
        wanted_ms = deadline_of_option(b"PX", milliseconds, context.clock.now_ms, "respcache.tag")
    entry, tagged = find_hash(db, tag)
    if len(tagged) >= MOST_TAGGED and key not in tagged.fields:
        raise CommandError(f"a tag may have {MOST_TAGGED} keys", "TAGFULL")
    store_fields(db, tag, (entry, tagged), (key, version), HSET_NOTICE)
    is_new = entry is None
    entry = db.entries[tag]
    if wanted_ms is None:
        db.persist(entry, PERSIST_NOTICE)
    elif is_new or (entry.expires_at_ms is not None and entry.expires_at_ms < wanted_ms):
        db.expire_at(entry, wanted_ms, EXPIRE_NOTICE)
    return OK


@resources.command(
    "RESPCACHE.UNTAG",
    since="7.0.0",
    complexity="O(N), N being the number of keys.",
    flags=Flag.WRITE,
    args=(
        arg.key("tag", Access.RW | Access.DELETE),
        arg.block("key_version", arg.string("key"), arg.string("version"), multiple=True),
    ),
    traits=Trait.LOADS_NOTHING,
    raw=True,
    hidden=True,
)
def untag_resource(context: Context, argv: Sequence[bytes]) -> Reply:
    """Take keys out of a tag where it has them in these versions; answer how many.

    >>> RESPCACHE.TAG respcache:tag:news front 46 0
    OK
    >>> RESPCACHE.UNTAG respcache:tag:news front 47
    0
    >>> RESPCACHE.UNTAG respcache:tag:news front 46
    1
    """
    if len(argv) % 2:
        raise wrong_arity("respcache.untag")
    db, tag = context.db, argv[1]
    entry, tagged = find_hash(db, tag)
    pairs = zip(argv[2::2], argv[3::2], strict=True)
    gone = [key for key, version in pairs if tagged.fields.get(key) == version]
    if entry is None or not gone:
        return 0
    size_bytes = tagged.size_bytes
    removed = sum([tagged.delete(key) for key in gone])
    db.modified(entry, HDEL_NOTICE, tagged.size_bytes - size_bytes, ((), gone))
    if not tagged.fields:
        db.remove(tag, DEL_NOTICE)
    return removed
