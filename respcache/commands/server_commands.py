"""Commands about the server as a whole: its time, its role, watching it work, and stopping it."""

from collections.abc import Sequence
from typing import Final

from .. import REDIS_COMPATIBLE_VERSION, __version__
from ..protocol.replies import NO_REPLY, OK, Reply, Verbatim
from . import arguments as arg
from .arguments import Choice
from .context import Context
from .errors import SYNTAX, CommandError
from .numbers import parse_integer
from .spec import CommandGroup, Flag, Trait

server = CommandGroup("server")

_ADMIN_LIKE: Final = frozenset({"admin", "dangerous"})

DIAGONALS: Final = "\u2571\u2572"
"""Rising and falling; the cells of the maze."""

ART_LINES: Final = 8
ART_COLUMNS: Final = 64


@server.command(
    "TIME",
    since="2.6.0",
    complexity="O(1)",
    flags=Flag.LOADING | Flag.STALE | Flag.FAST,
    args=(),
    tips=("nondeterministic_output",),
)
def time(context: Context) -> Reply:
    """Return the server's clock: seconds since 1970, and the microseconds of the second.

    The clock stands still while a batch of commands runs, and counts in milliseconds.
    """
    seconds, milliseconds = divmod(context.clock.now_ms, 1000)
    return [b"%d" % seconds, b"%d" % (milliseconds * 1000)]


@server.command(
    "LASTSAVE",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.LOADING | Flag.STALE | Flag.FAST,
    args=(),
    acl=_ADMIN_LIKE,
    tips=("nondeterministic_output",),
)
def lastsave(context: Context) -> Reply:
    """Return the Unix time in seconds of the last save: the server's start, since a cache is never saved."""
    return context.node.started_ms // 1000


@server.command(
    "ROLE",
    since="2.8.12",
    complexity="O(1)",
    flags=Flag.NOSCRIPT | Flag.LOADING | Flag.STALE | Flag.FAST,
    args=(),
    acl=_ADMIN_LIKE,
)
def role(context: Context) -> Reply:
    """Return the part this server plays in replication: a master, at offset 0, without replicas."""
    return [b"master", 0, []]


@server.command(
    "LOLWUT",
    since="5.0.0",
    complexity="",
    flags=Flag.READONLY | Flag.FAST,
    args=(arg.integer("version", token="VERSION", optional=True),),
    raw=True,
)
def lolwut(context: Context, argv: Sequence[bytes]) -> Reply:
    """Draw a maze that nobody has seen before, and tell the version.

    One line of BASIC drew it on the Commodore 64: ``10 PRINT CHR$(205.5+RND(1)); : GOTO 10``.
    """
    if len(argv) > 2 and argv[1].upper() == b"VERSION":
        parse_integer(argv[2])
    rows = ["".join(context.chance.choices(DIAGONALS, k=ART_COLUMNS)) for _ in range(ART_LINES)]
    rows.append(f"Redis ver. {REDIS_COMPATIBLE_VERSION}, spoken by respcache {__version__}")
    return Verbatim("".join(f"{row}\n" for row in rows).encode())


@server.command(
    "SHUTDOWN",
    since="1.0.0",
    complexity="O(1)",
    flags=Flag.ADMIN | Flag.NOSCRIPT | Flag.LOADING | Flag.STALE | Flag.NO_MULTI | Flag.ALLOW_BUSY,
    args=(
        arg.one_of("nosave_save", arg.flag("NOSAVE"), arg.flag("SAVE")),
        arg.flag("NOW", optional=True, since="7.0.0"),
        arg.flag("FORCE", optional=True, since="7.0.0"),
        arg.flag("ABORT", optional=True, since="7.0.0"),
    ),
    traits=Trait.SESSION | Trait.DURING_PAUSE,
    history=(("7.0.0", "Added NOW, FORCE and ABORT."),),
)
def shutdown(
    context: Context,
    *,
    nosave_save: Choice | None = None,
    now: bool = False,
    force: bool = False,
    abort: bool = False,
) -> Reply:
    """Stop the server; there is no reply, the connection ends.

    Clients get the replies that are due first, but for NOW. Nothing can be saved, so SAVE is refused
    unless FORCE says that the data may go. ABORT takes back a shutdown that still waits.
    """
    host = context.node.host
    if abort:
        if nosave_save is not None or now or force:
            raise CommandError(SYNTAX)
        if not host.cancel_shutdown():
            raise CommandError("No shutdown in progress.")
        return OK
    if nosave_save is not None and nosave_save.token == "SAVE" and not force:
        raise CommandError("Errors trying to SHUTDOWN. This server keeps no files: use NOSAVE, or FORCE.")
    host.shut_down(now=now)
    return NO_REPLY


@server.command(
    "MONITOR",
    since="1.0.0",
    complexity="",
    flags=Flag.ADMIN | Flag.NOSCRIPT | Flag.LOADING | Flag.STALE,
    args=(),
    traits=Trait.SESSION,
)
def monitor(context: Context) -> Reply:
    """Show this client every command that any client runs, as it runs, until it leaves or sends RESET.

    Commands that administer the server are not shown. Watching makes every command slower.
    """
    if context.client.transaction is not None:
        raise CommandError("MONITOR isn't allowed for DENY BLOCKING client")
    context.client.is_monitor = True
    context.node.monitors.add(context.client.id)
    return OK
