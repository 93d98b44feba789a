"""The CLIENT command: what a client may ask and say about connections, its own and others'.

CLIENT KILL has a file of its own, and so has client-side caching (CLIENT
TRACKING and what goes with it: ``tracking_commands.py``).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from ..protocol.replies import NO_REPLY, OK, Reply, Verbatim
from . import arguments as arg
from .arguments import Arg, Choice
from .client import Client, Ending, ReplyMode
from .client_kill import parse_client_type
from .client_listing import client_line, client_type
from .connection import require_printable
from .context import Context
from .errors import SYNTAX, CommandError, wrong_subcommand_syntax
from .help import help_reply
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait

client_commands = CommandGroup("connection")

ABOUT_ITSELF: Final = Flag.NOSCRIPT | Flag.LOADING | Flag.STALE
ABOUT_ALL: Final = ABOUT_ITSELF | Flag.ADMIN
ON_OFF: Final = (arg.flag("ON"), arg.flag("OFF"))

client_commands.container(
    "CLIENT",
    since="2.4.0",
    complexity="That of the subcommand.",
    summary="A container for commands about client connections.",
)

# -- asking ----------------------------------------------------------------


@client_commands.command("CLIENT ID", since="5.0.0", complexity="O(1)", flags=ABOUT_ITSELF, args=())
def client_id(context: Context) -> Reply:
    """Return the number of this connection; numbers only grow, and none is used twice."""
    return context.client.id


@client_commands.command(
    "CLIENT INFO",
    since="6.2.0",
    complexity="O(1)",
    flags=ABOUT_ITSELF,
    args=(),
    tips=("nondeterministic_output",),
)
def client_info(context: Context) -> Reply:
    """Describe this connection in the line that CLIENT LIST has for it."""
    return _listing(context, [context.client])


@client_commands.command(
    "CLIENT LIST",
    since="2.4.0",
    complexity="O(N), N being the number of clients.",
    flags=ABOUT_ALL,
    args=(
        Arg(
            "normal_master_replica_pubsub",
            "oneof",
            token="TYPE",
            optional=True,
            since="5.0.0",
            members=(arg.flag("NORMAL"), arg.flag("MASTER"), arg.flag("REPLICA"), arg.flag("PUBSUB")),
        ),
        arg.block(
            "id",
            arg.integer("client-id", multiple=True),
            token="ID",
            multiple=False,
            optional=True,
            since="6.2.0",
        ),
    ),
    tips=("nondeterministic_output",),
    history=(
        ("2.8.12", "Shows ids."),
        ("5.0.0", "`TYPE` filter."),
        ("6.0.0", "Shows users."),
        ("6.2.0", "Shows `argv-mem`, `tot-mem`, `laddr` and `redir`; `ID` filter."),
        ("7.0.0", "Shows `resp`, `multi-mem`, `rbs` and `rbp`."),
        ("7.0.3", "Shows `ssub`."),
        ("7.2.0", "Shows `lib-name` and `lib-ver`."),
        ("7.4.0", "Shows `watch`."),
    ),
    raw=True,
)
def client_list(context: Context, argv: Sequence[bytes]) -> Reply:
    """Describe connections, a line each: all, those of one type, or those with the given ids."""
    clients = context.node.clients
    option = argv[2].upper() if len(argv) > 2 else b""
    if len(argv) == 2:
        return _listing(context, clients)
    if option == b"TYPE" and len(argv) == 4:
        wanted = parse_client_type(argv[3])
        return _listing(context, (client for client in clients if client_type(client) == wanted))
    if option == b"ID" and len(argv) > 3:
        found = [clients.get(parse_integer(raw, "Invalid client ID")) for raw in argv[3:]]
        return _listing(context, (client for client in found if client is not None))
    raise CommandError(SYNTAX)


def _listing(context: Context, clients: Iterable[Client]) -> Verbatim:
    now_ms = context.clock.now_ms
    lines = [
        client_line(client, now_ms, is_caller=client is context.client)
        for client in clients
        if client.ending is not Ending.AT_ONCE
    ]
    return Verbatim("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))


# -- names -----------------------------------------------------------------


@client_commands.command("CLIENT GETNAME", since="2.6.9", complexity="O(1)", flags=ABOUT_ITSELF, args=())
def client_getname(context: Context) -> Reply:
    """Return the name that this connection was given."""
    return context.client.name or None


@client_commands.command(
    "CLIENT SETNAME",
    since="2.6.9",
    complexity="O(1)",
    flags=ABOUT_ITSELF,
    args=(arg.string("connection-name"),),
    traits=Trait.SESSION,
)
def client_setname(context: Context, connection_name: bytes) -> Reply:
    """Name this connection, for CLIENT LIST and the slow log; an empty name takes the name away.

    >>> CLIENT SETNAME worker-1
    OK
    """
    require_printable(connection_name, "Client names")
    context.client.name = connection_name
    return OK


@client_commands.command(
    "CLIENT SETINFO",
    since="7.2.0",
    complexity="O(1)",
    flags=ABOUT_ITSELF,
    args=(
        arg.one_of(
            "attr",
            arg.string("libname", token="LIB-NAME"),
            arg.string("libver", token="LIB-VER"),
            optional=False,
        ),
    ),
    traits=Trait.SESSION,
    raw=True,
)
def client_setinfo(context: Context, argv: Sequence[bytes]) -> Reply:
    """Note the name or version of the client's library, for CLIENT LIST.

    >>> CLIENT SETINFO LIB-NAME redis-py
    OK
    """
    attribute, value = argv[2], argv[3]
    shown = attribute.decode("utf-8", "surrogateescape")
    if attribute.upper() not in {b"LIB-NAME", b"LIB-VER"}:
        raise CommandError(f"Unrecognized option '{shown}'")
    require_printable(value, shown)
    if attribute.upper() == b"LIB-NAME":
        context.client.library_name = value
    else:
        context.client.library_version = value
    return OK


# -- how this connection is treated ----------------------------------------


@client_commands.command(
    "CLIENT REPLY",
    since="3.2.0",
    complexity="O(1)",
    flags=ABOUT_ITSELF,
    args=(arg.one_of("on_off_skip", *ON_OFF, arg.flag("SKIP"), optional=False),),
    traits=Trait.SESSION,
)
def client_reply(context: Context, on_off_skip: Choice) -> Reply:
    """Switch replies to this connection off or on, or skip the next one; OFF and SKIP answer nothing."""
    client = context.client
    if on_off_skip.token == "ON":
        client.reply_mode = ReplyMode.ON
        return OK
    if on_off_skip.token == "OFF":
        client.reply_mode = ReplyMode.OFF
    elif client.reply_mode is not ReplyMode.OFF:
        client.reply_mode = ReplyMode.SKIP_NEXT
    return NO_REPLY


@client_commands.command(
    "CLIENT NO-EVICT",
    since="7.0.0",
    complexity="O(1)",
    flags=ABOUT_ALL,
    args=(arg.one_of("enabled", *ON_OFF, optional=False),),
    traits=Trait.SESSION,
)
def client_no_evict(context: Context, enabled: Choice) -> Reply:
    """Spare this connection when maxmemory-clients makes others close.

    >>> CLIENT NO-EVICT on
    OK
    """
    context.client.is_unevictable = enabled.token == "ON"
    return OK


@client_commands.command(
    "CLIENT NO-TOUCH",
    since="7.2.0",
    complexity="O(1)",
    flags=ABOUT_ITSELF,
    args=(arg.one_of("enabled", *ON_OFF, optional=False),),
    traits=Trait.SESSION,
)
def client_no_touch(context: Context, enabled: Choice) -> Reply:
    """Let what this connection reads count as unused, for eviction and OBJECT IDLETIME.

    >>> CLIENT NO-TOUCH on
    OK
    """
    context.client.leaves_no_trace = enabled.token == "ON"
    return OK


# -- how all connections are treated ---------------------------------------


@client_commands.command(
    "CLIENT PAUSE",
    since="2.9.50",
    complexity="O(1)",
    flags=ABOUT_ALL,
    args=(
        arg.integer("timeout"),
        arg.one_of("mode", arg.flag("WRITE"), arg.flag("ALL"), since="6.2.0"),
    ),
    traits=Trait.SESSION,
    history=(("6.2.0", "The mode can be `WRITE`."),),
    raw=True,
)
def client_pause(context: Context, argv: Sequence[bytes]) -> Reply:
    """Hold back the commands of all clients for so many milliseconds: all, or those that may write.

    A pause that is on already can become longer and stricter, not shorter or milder.

    >>> CLIENT PAUSE 1 WRITE
    OK
    """
    if len(argv) > 4:
        raise wrong_subcommand_syntax("CLIENT", argv[1])
    mode = argv[3].upper() if len(argv) == 4 else b"ALL"
    if mode not in {b"WRITE", b"ALL"}:
        raise CommandError("CLIENT PAUSE mode must be WRITE or ALL")
    timeout_ms = parse_integer(argv[2], "timeout is not an integer or out of range")
    if timeout_ms < 0:
        raise CommandError("timeout is negative")
    now_ms = context.clock.now_ms
    context.node.pause.start(now_ms + timeout_ms, writes_only=mode == b"WRITE", now_ms=now_ms)
    return OK


@client_commands.command(
    "CLIENT UNPAUSE",
    since="6.2.0",
    complexity="O(N), N being the number of clients that are held.",
    flags=ABOUT_ALL,
    args=(),
    traits=Trait.SESSION | Trait.DURING_PAUSE,
)
def client_unpause(context: Context) -> Reply:
    """End a pause. Unlike redis-server we take this command even while all others are held.

    >>> CLIENT UNPAUSE
    OK
    """
    context.node.pause.stop()
    return OK


@client_commands.command(
    "CLIENT UNBLOCK",
    since="5.0.0",
    complexity="O(1)",
    flags=ABOUT_ALL,
    args=(
        arg.integer("client-id"),
        arg.one_of("timeout_error", arg.flag("TIMEOUT"), arg.flag("ERROR")),
    ),
    raw=True,
)
def client_unblock(context: Context, argv: Sequence[bytes]) -> Reply:
    """Say whether a client was made to give up waiting.

    None of our commands waits for something that may never happen, so there is
    nobody to unblock and the answer is always 0, as it is in Redis for a client
    that does not block.

    >>> CLIENT UNBLOCK 1
    0
    """
    if len(argv) > 4:
        raise wrong_subcommand_syntax("CLIENT", argv[1])
    if len(argv) == 4 and argv[3].upper() not in {b"TIMEOUT", b"ERROR"}:
        raise CommandError("CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    parse_integer(argv[2])
    return 0


@client_commands.command(
    "CLIENT HELP", since="5.0.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=()
)
def client_help(context: Context) -> Reply:
    """Explain the subcommands."""
    return help_reply(
        "CLIENT",
        ("CACHING (YES|NO)", "Say whether keys of the next command are tracked, under OPTIN or OPTOUT."),
        ("GETREDIR", "Return the id of the client that receives our invalidations."),
        ("GETNAME", "Return the name of this connection."),
        ("ID", "Return the number of this connection."),
        ("INFO", "Describe this connection."),
        ("KILL <ip:port>", "Close the connection from that address."),
        (
            "KILL <option> <value> [<option> <value> ...]",
            "Close all connections that fit:\n"
            "* ID <number>\n"
            "* ADDR <ip:port>, LADDR <ip:port>: a Unix socket's address is <path>:0\n"
            "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)\n"
            "* USER <name>\n"
            "* MAXAGE <seconds>: connected for at least so long\n"
            "* SKIPME (YES|NO): whether this connection is spared, as it is by default",
        ),
        (
            "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB) | ID <number> [<number> ...]]",
            "Describe connections, a line each.",
        ),
        ("NO-EVICT (ON|OFF)", "Spare this connection when clients take too much memory."),
        ("NO-TOUCH (ON|OFF)", "Let what this connection reads count as unused."),
        ("PAUSE <milliseconds> [WRITE|ALL]", "Hold back commands of all clients."),
        ("REPLY (ON|OFF|SKIP)", "Say whether this connection wants replies."),
        ("SETINFO (LIB-NAME|LIB-VER) <value>", "Note the client's library."),
        ("SETNAME <name>", "Name this connection."),
        (
            "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> ...] [OPTIN] [OPTOUT] [NOLOOP]",
            "Hear when keys change that this connection may have cached.",
        ),
        ("TRACKINGINFO", "Describe the tracking of this connection."),
        ("UNBLOCK <id> [TIMEOUT|ERROR]", "Make a client give up waiting."),
        ("UNPAUSE", "End a pause."),
    )
