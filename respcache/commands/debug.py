"""DEBUG: for tests and for finding faults; refused unless ``enable-debug-command`` allows it.

Of Redis' many subcommands here are those that client libraries' tests use, and
two of ours that keep a key's owner busy, or crash it, so that anybody can watch
what the server does then.
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, cast

from ..protocol.replies import (
    OK,
    BigNumber,
    ErrorReply,
    Pairs,
    Push,
    Raw,
    Reply,
    Several,
    SimpleString,
    Unordered,
    Verbatim,
)
from .accounting import entry_bytes
from .context import Context
from .errors import NO_SUCH_KEY, CommandError, wrong_subcommand_syntax
from .help import help_reply
from .numbers import parse_float
from .object import encoding_of
from .spec import CommandGroup, Flag

debug_commands = CommandGroup("server")

REFUSED: Final = (
    'DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local'
    " connection, otherwise you need to set this option in the configuration file, and then restart the server."
)

Act = Callable[[Context, Sequence[bytes]], Reply]
"""Takes the words after the subcommand, whose number has been checked."""


@debug_commands.command(
    "DEBUG",
    since="1.0.0",
    complexity="Depends on the subcommand.",
    flags=Flag.ADMIN | Flag.NOSCRIPT | Flag.LOADING | Flag.STALE,
    args=(),
    doc_flags=("syscmd",),
    raw=True,
    least_words=-2,
)
def debug(context: Context, argv: Sequence[bytes]) -> Reply:
    """Help to test and to find faults; DEBUG HELP tells how. Needs ``enable-debug-command``."""
    allowed = context.node.settings.enable_debug_command
    if allowed == "no" or (allowed == "local" and not context.client.is_local):
        raise CommandError(REFUSED)
    words, act = SUBCOMMANDS.get(argv[1].upper(), (-1, _no_such))
    if len(argv) - 2 != words:
        raise wrong_subcommand_syntax("DEBUG", argv[1])
    return act(context, argv[2:])


def _no_such(context: Context, words: Sequence[bytes]) -> Reply:
    raise AssertionError("no call has so many words")


def _sleep(context: Context, words: Sequence[bytes]) -> Reply:
    context.node.host.block(_seconds(words[0]))
    return OK


def _set_active_expire(context: Context, words: Sequence[bytes]) -> Reply:
    if context.node.controls is not None:
        context.node.controls.expires = words[0] != b"0"
    return OK


def _error(context: Context, words: Sequence[bytes]) -> Reply:
    code, _, message = words[0].decode("utf-8", "surrogateescape").partition(" ")
    return ErrorReply(code, message)


def _object(context: Context, words: Sequence[bytes]) -> Reply:
    entry = context.db.find(words[0])
    if entry is None:
        raise CommandError(NO_SUCH_KEY)
    idle_s = max(context.clock.now_ms - entry.seen, 0) // 1000
    return SimpleString(
        f"Value at:{id(entry):#x} refcount:1 encoding:{encoding_of(entry.value)}"
        f" serializedlength:{entry_bytes(context.db, entry)} lru:{entry.seen} lru_seconds_idle:{idle_s}"
    )


def _owner_sleep(context: Context, words: Sequence[bytes]) -> Reply:
    seconds = _seconds(words[1])
    host = context.node.host

    async def sleep() -> Reply:
        await host.sleep(seconds)
        return OK

    return _wake(context, words[0], sleep)


def _owner_crash(context: Context, words: Sequence[bytes]) -> Reply:
    async def crash() -> Reply:
        raise RuntimeError("DEBUG OWNER-CRASH")

    return _wake(context, words[0], crash)


def _wake(context: Context, key: bytes, work: Callable[[], Awaitable[Reply]]) -> Reply:
    if context.client.transaction is not None:
        raise CommandError("an owner cannot be woken within a transaction")
    owners, index = context.node.owners, context.db.index
    if (index, key) in owners.awake:
        # DEBUG declares no keys, so nothing has made it wait for its turn yet.
        pending = owners.submit([(index, key)], lambda: owners.wake(index, key, work))
    else:
        pending = owners.wake(index, key, work)
    # The session takes a Pending wherever a handler may answer; only the type of replies does not say so.
    return cast(Reply, pending)


def _protocol(context: Context, words: Sequence[bytes]) -> Reply:
    kind = words[0].lower()
    if kind == b"push" and context.client.protocol == 2:
        raise CommandError("RESP2 is not supported by this command")
    if kind == b"attrib":
        text = "Some real reply following the attribute"
        return Several([ATTRIBUTE, text]) if context.client.protocol > 2 else text
    if kind not in REPLIES:
        raise CommandError(
            "Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set"
            "|map|attrib|push|verbatim|true|false"
        )
    return REPLIES[kind]


ATTRIBUTE: Final = Raw(b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n")
"""No command of ours has any, so the encoder does not know them."""

REPLIES: Final[Mapping[bytes, Reply]] = {
    b"string": "Hello World",
    b"integer": 12345,
    b"double": 3.141,
    b"null": None,
    b"array": [0, 1, 2],
    b"set": Unordered([0, 1, 2]),
    b"map": Pairs([(0, False), (1, True), (2, False)]),
    b"push": Several([Push(["server-cpu-usage", 42]), "Some real reply following the push reply"]),
    b"verbatim": Verbatim(b"This is a verbatim\nstring"),
    b"true": True,
    b"false": False,
    b"bignum": BigNumber(1234567999999999999999999999999999999),
}
"""The answers of DEBUG PROTOCOL, of which client libraries know every byte."""


def _help(context: Context, words: Sequence[bytes]) -> Reply:
    return help_reply(
        "DEBUG",
        ("ERROR <text>", "Answer with an error."),
        ("OBJECT <key>", "Show what is known of a value."),
        ("OWNER-CRASH <key>", "Let the key's owner fail at its work."),
        ("OWNER-SLEEP <key> <seconds>", "Keep the key's owner busy, while all other keys go on."),
        ("PROTOCOL <type>", "Answer with a sample of a reply type."),
        ("SET-ACTIVE-EXPIRE <0|1>", "Let keys expire only when touched, or by themselves."),
        ("SLEEP <seconds>", "Stop the whole server for a while."),
    )


SUBCOMMANDS: Final[Mapping[bytes, tuple[int, Act]]] = {
    b"ERROR": (1, _error),
    b"HELP": (0, _help),
    b"OBJECT": (1, _object),
    b"OWNER-CRASH": (1, _owner_crash),
    b"OWNER-SLEEP": (2, _owner_sleep),
    b"PROTOCOL": (1, _protocol),
    b"SET-ACTIVE-EXPIRE": (1, _set_active_expire),
    b"SLEEP": (1, _sleep),
}
"""How many words each takes, and what it does."""


def _seconds(word: bytes) -> float:
    """Read a time as leniently as Redis: what is no number, or not ahead, is no time at all."""
    try:
        seconds = parse_float(word)
    except CommandError:
        return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
