"""OBJECT: what the server notes about a key beside its value. Asking is no use of the key."""

from typing import Final

from ..keyspace.entry import TYPE_NAMES, Entry, Value
from ..keyspace.eviction.lfu import Frequency
from ..keyspace.hashes import Hash
from ..protocol.replies import Reply
from . import arguments as arg
from .accounting import entry_bytes
from .arguments import Access
from .context import Context
from .errors import CommandError
from .help import help_reply
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait

objects = CommandGroup("generic")

LONGEST_EMBEDDED_BYTES: Final = 44
"""Up to here Redis keeps a string in one piece with its object header."""

LONGEST_INTEGER_BYTES: Final = 20
SHARED_INTEGERS: Final = 10_000
SHARED_REFERENCES: Final = 2**31 - 1

WILL_ADJUST: Final = "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

ASKED: Final = (arg.key("key", Access.RO),)
TIPS: Final = ("nondeterministic_output",)

objects.container(
    "OBJECT",
    since="2.2.3",
    complexity="That of the subcommand.",
    summary="A container for commands that look at what is noted about a key.",
)


def _integer(value: Value | None) -> int | None:
    """Return the integer that Redis would keep in place of the text."""
    if not isinstance(value, bytes) or len(value) > LONGEST_INTEGER_BYTES:
        return None
    try:
        return parse_integer(value)
    except CommandError:
        return None


def encoding_of(value: Value | None) -> str:
    """Name the form in which redis-server would keep a value."""
    if isinstance(value, Hash):
        return value.encoding
    if _integer(value) is not None:
        return "int"
    return "embstr" if isinstance(value, bytes) and len(value) <= LONGEST_EMBEDDED_BYTES else "raw"


def _counts_uses(context: Context) -> bool:
    """Say whether ``Entry.seen`` holds a counter instead of a time."""
    return context.node.settings.maxmemory_policy.endswith("-lfu")


def _shares_integers(context: Context) -> bool:
    """Say whether Redis would keep small integers once for all keys: not where each notes its uses."""
    settings = context.node.settings
    return settings.maxmemory_bytes == 0 or not settings.maxmemory_policy.endswith(("-lru", "-lfu"))


def _is_shared(context: Context, entry: Entry) -> bool:
    number = _integer(entry.value)
    return number is not None and 0 <= number < SHARED_INTEGERS and _shares_integers(context)


@objects.command(
    "OBJECT ENCODING", since="2.2.3", complexity="O(1)", flags=Flag.READONLY, args=ASKED, tips=TIPS
)
def object_encoding(context: Context, key: bytes) -> Reply:
    """Return the form in which redis-server would keep a value; here it says only what a client can tell from it.

    >>> MSET number 42 word hello
    OK
    >>> OBJECT ENCODING number
    int
    >>> OBJECT ENCODING word
    embstr
    """
    entry = context.db.find(key)
    return None if entry is None else encoding_of(entry.value)


@objects.command("OBJECT FREQ", since="4.0.0", complexity="O(1)", flags=Flag.READONLY, args=ASKED, tips=TIPS)
def object_freq(context: Context, key: bytes) -> Reply:
    """Return how often a key was used, as the logarithmic counter of the LFU policies: 0 to 255.

    Only under such a policy is there a counter.
    """
    entry = context.db.find(key)
    if entry is None:
        return None
    if not _counts_uses(context):
        raise CommandError(
            f"An LFU maxmemory policy is not selected, access frequency not tracked. {WILL_ADJUST}"
        )
    frequency = Frequency(context.chance, decay_minutes=context.node.settings.lfu_decay_minutes)
    return frequency.count(entry.seen, context.clock.now_ms)


@objects.command(
    "OBJECT IDLETIME", since="2.2.3", complexity="O(1)", flags=Flag.READONLY, args=ASKED, tips=TIPS
)
def object_idletime(context: Context, key: bytes) -> Reply:
    """Return how many seconds ago a key was last used.

    Under an LFU policy uses are counted instead.

    >>> SET one 1
    OK
    >>> OBJECT IDLETIME one
    0
    """
    entry = context.db.find(key)
    if entry is None:
        return None
    if _counts_uses(context):
        raise CommandError(f"An LFU maxmemory policy is selected, idle time not tracked. {WILL_ADJUST}")
    return max(context.clock.now_ms - entry.seen, 0) // 1000


@objects.command(
    "OBJECT REFCOUNT", since="2.2.3", complexity="O(1)", flags=Flag.READONLY, args=ASKED, tips=TIPS
)
def object_refcount(context: Context, key: bytes) -> Reply:
    """Return how many references redis-server would count: 1, or the highest integer for a small number.

    >>> MSET number 42 word hello
    OK
    >>> OBJECT REFCOUNT word
    1
    >>> OBJECT REFCOUNT number
    2147483647
    """
    entry = context.db.find(key)
    if entry is None:
        return None
    return SHARED_REFERENCES if _is_shared(context, entry) else 1


@objects.command(
    "OBJECT FACTS",
    since="7.0.0",
    complexity="O(1)",
    flags=Flag.READONLY,
    traits=Trait.LOADS_NOTHING,
    args=ASKED,
    tips=TIPS,
    hidden=True,
)
def object_facts(context: Context, key: bytes) -> Reply:
    """Return type, milliseconds to live (-1: for ever), bytes, encoding and length of a key; nil when there is none.

    For the dashboard, which tells all of that of each key that it lists. The length is that of the string, or the number of fields. No
    loader is asked for the key. Not a command of Redis.
    """
    entry = context.db.find(key)
    if entry is None:
        return None
    value = entry.value
    deadline_ms = entry.expires_at_ms
    life_ms = -1 if deadline_ms is None else max(deadline_ms - context.clock.now_ms, 0)
    length = len(value) if isinstance(value, bytes | Hash) else 0
    kind = TYPE_NAMES[value.__class__]
    return [kind, life_ms, entry_bytes(context.db, entry), encoding_of(value), length]


@objects.command("OBJECT HELP", since="6.2.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=())
def object_help(context: Context) -> Reply:
    """Explain the subcommands."""
    return help_reply(
        "OBJECT",
        ("ENCODING <key>", "Print the form in which a value is kept."),
        ("FREQ <key>", "Print the counter of uses, which the LFU policies keep."),
        ("IDLETIME <key>", "Print the seconds since the last use, which other policies keep."),
        ("REFCOUNT <key>", "Print the number of references to a value."),
    )
