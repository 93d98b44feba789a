"""What a client says about its own connection: who it is, which protocol and database it wants, goodbye.

There is one user, ``default``; its password is the setting ``requirepass``.
"""

import hmac
import re
from collections.abc import Sequence
from typing import Final

from .. import REDIS_COMPATIBLE_VERSION, __version__
from ..protocol.replies import OK, PONG, Reply, SimpleString
from . import arguments as arg
from .client import Client, Ending, ReplyMode
from .context import Context
from .errors import DB_OUT_OF_RANGE, SYNTAX, CommandError, wrong_arity
from .node import Node
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait
from .transactions import discard_transaction

connection = CommandGroup("connection")

DEFAULT_USER: Final = "default"
INT32: Final = 2**31

ANY_TIME: Final = Flag.LOADING | Flag.STALE | Flag.FAST
BEFORE_AUTH: Final = ANY_TIME | Flag.NOSCRIPT | Flag.NO_AUTH | Flag.ALLOW_BUSY

_PRINTABLE: Final = re.compile(rb"[!-~]*").fullmatch

RESET_DONE: Final = SimpleString("RESET")


def require_printable(text: bytes, what: str) -> None:
    """Refuse what would break the lines of CLIENT LIST."""
    if _PRINTABLE(text) is None:
        raise CommandError(f"{what} cannot contain spaces, newlines or special characters.")


def check_password(node: Node, user: bytes, password: bytes) -> None:
    """Refuse unless this is the user's password. Any will do where none is required."""
    required = node.settings.requirepass.encode("utf-8", "surrogateescape")
    # Compared in constant time, so that answers do not tell how much of a guess was right.
    is_right = not required or hmac.compare_digest(required, password)
    if user != DEFAULT_USER.encode() or not is_right:
        raise CommandError("invalid username-password pair or user is disabled.", "WRONGPASS")


def accept(client: Client) -> None:
    """Let a client in that has shown its password."""
    client.is_authenticated = True
    client.user = DEFAULT_USER


# -- small talk ------------------------------------------------------------


@connection.command(
    "PING",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.FAST,
    args=(arg.string("message", optional=True),),
    traits=Trait.IN_SUBSCRIBER_MODE,
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
    raw=True,
)
def ping(context: Context, argv: Sequence[bytes]) -> Reply:
    """Answer PONG, or the message.

    A RESP2 client with subscriptions gets an array, which it can tell from a message.

    >>> PING
    PONG
    >>> PING hello
    hello
    """
    if len(argv) > 2:
        raise wrong_arity("ping")
    if context.client.is_restricted:
        return [b"pong", argv[1] if len(argv) == 2 else b""]
    return argv[1] if len(argv) == 2 else PONG


@connection.command(
    "ECHO",
    since="1.0.0",
    complexity="O(1)",
    flags=ANY_TIME,
    args=(arg.string("message"),),
)
def echo(context: Context, message: bytes) -> Reply:
    """Answer the message.

    >>> ECHO hello
    hello
    """
    return message


@connection.command(
    "QUIT",
    since="1.0.0",
    complexity="O(1)",
    flags=BEFORE_AUTH,
    args=(),
    traits=Trait.SESSION | Trait.IMMEDIATE | Trait.IN_SUBSCRIBER_MODE,
    least_words=-1,
    raw=True,
)
def leave(context: Context, argv: Sequence[bytes]) -> Reply:
    """Close the connection, once everything before this has been answered.

    >>> QUIT
    OK
    """
    context.client.connection.end(Ending.AFTER_REPLIES)
    return OK


# -- which database, which protocol ----------------------------------------


def _database_index(raw: bytes) -> int:
    index = parse_integer(raw)
    if not -INT32 <= index < INT32:
        raise CommandError(f"value is out of range, value must between {-INT32} and {INT32 - 1}")
    return index


@connection.command(
    "SELECT",
    since="1.0.0",
    complexity="O(1)",
    flags=ANY_TIME,
    args=(arg.integer("index", convert=_database_index),),
    traits=Trait.SESSION | Trait.SELECTS,
)
def select(context: Context, index: int) -> Reply:
    """Turn to another database; a new connection begins in database 0.

    >>> SELECT 1
    OK
    """
    if not 0 <= index < len(context.node.keyspace.databases):
        raise CommandError(DB_OUT_OF_RANGE)
    context.select(index)
    return OK


@connection.command(
    "AUTH",
    since="1.0.0",
    complexity="O(1)",
    flags=BEFORE_AUTH,
    args=(arg.string("username", optional=True, since="6.0.0"), arg.string("password")),
    traits=Trait.SESSION,
    history=(("6.0.0", "Takes a user name before the password."),),
    secrets=lambda argv: range(1, len(argv)),
    raw=True,
)
def authenticate(context: Context, argv: Sequence[bytes]) -> Reply:
    """Give the password, of the user ``default`` where none is named."""
    if len(argv) > 3:
        raise CommandError(SYNTAX)
    if len(argv) == 2 and not context.node.settings.requirepass:
        raise CommandError(
            "AUTH <password> called without any password configured for the default user."
            " Are you sure your configuration is correct?"
        )
    check_password(context.node, argv[1] if len(argv) == 3 else DEFAULT_USER.encode(), argv[-1])
    accept(context.client)
    return OK


def hello_secrets(argv: Sequence[bytes]) -> list[int]:
    """Return where user and password stand, in a call that may be wrong."""
    return [at for at in range(3, len(argv)) if b"AUTH" in (argv[at - 1].upper(), argv[at - 2].upper())]


@connection.command(
    "HELLO",
    since="6.0.0",
    complexity="O(1)",
    flags=BEFORE_AUTH,
    args=(
        arg.block(
            "arguments",
            arg.integer("protover"),
            arg.block(
                "username_password",
                arg.string("username"),
                arg.string("password"),
                token="AUTH",
                multiple=False,
                optional=True,
            ),
            arg.string("clientname", token="SETNAME", optional=True),
            multiple=False,
            optional=True,
        ),
    ),
    traits=Trait.SESSION,
    history=(("6.2.0", "The protocol version may be left out, to ask only."),),
    secrets=hello_secrets,
    raw=True,
)
def hello(context: Context, argv: Sequence[bytes]) -> Reply:
    """Choose the protocol version, log in and take a name in one step; answers who the server is.

    Unlike redis-server we do nothing of this when a part of it is refused.
    """
    client = context.client
    protocol = _protocol_version(argv[1]) if len(argv) > 1 else client.protocol
    credentials, name = _parse_hello(argv[2:])
    if credentials is not None:
        check_password(context.node, *credentials)
    elif not client.is_authenticated:
        raise CommandError(
            "HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass>"
            " option can be used to authenticate the client and select the RESP protocol version at the same time",
            "NOAUTH",
        )
    if name is not None:
        require_printable(name, "Client names")
        client.name = name
    if credentials is not None:
        accept(client)
    client.protocol = protocol
    greeting: dict[str, Reply] = {
        "server": "redis",
        "version": REDIS_COMPATIBLE_VERSION,
        "proto": client.protocol,
        "id": client.id,
        "mode": "cluster" if client.is_redirected else "standalone",
        "role": "master",
        "modules": [],
        "respcache": __version__,
    }
    return greeting


def _protocol_version(raw: bytes) -> int:
    version = parse_integer(raw, "Protocol version is not an integer or out of range")
    if version not in {2, 3}:
        raise CommandError("unsupported protocol version", "NOPROTO")
    return version


def _parse_hello(words: Sequence[bytes]) -> tuple[tuple[bytes, bytes] | None, bytes | None]:
    """Read user and password, and the client's name; of a repeated option the last one counts."""
    credentials: tuple[bytes, bytes] | None = None
    name: bytes | None = None
    at = 0
    while at < len(words):
        option = words[at].upper()
        if option == b"AUTH" and at + 2 < len(words):
            credentials = (words[at + 1], words[at + 2])
            at += 3
        elif option == b"SETNAME" and at + 1 < len(words):
            name = words[at + 1]
            at += 2
        else:
            shown = words[at].decode("utf-8", "surrogateescape")
            raise CommandError(f"Syntax error in HELLO option '{shown}'")
    return credentials, name


@connection.command(
    "RESET",
    since="6.2.0",
    complexity="O(N), N being the number of watched keys and subscriptions.",
    flags=BEFORE_AUTH,
    args=(),
    traits=Trait.SESSION | Trait.IMMEDIATE | Trait.IN_SUBSCRIBER_MODE,
)
def reset(context: Context) -> Reply:
    """Make the connection as good as new, but for the client library's name and version.

    >>> RESET
    RESET
    """
    client, node = context.client, context.node
    discard_transaction(node, client)
    node.broker.forget(client)
    node.tracking.stop(client)
    node.monitors.discard(client.id)
    client.is_monitor = False
    client.is_unevictable = client.leaves_no_trace = client.reads_copies = False
    client.name = b""
    client.protocol = 2
    client.reply_mode = ReplyMode.ON
    client.user = DEFAULT_USER
    client.is_authenticated = not node.settings.requirepass
    context.select(0)
    return RESET_DONE
