"""SLOWLOG: the commands that took longer than ``slowlog-log-slower-than``. What is kept is telemetry's business."""

from collections.abc import Sequence
from typing import Final

from ..protocol.replies import OK, Reply
from . import arguments as arg
from .context import Context
from .errors import CommandError, wrong_subcommand_syntax
from .help import help_reply
from .numbers import parse_integer
from .spec import CommandGroup, Flag

slowlog = CommandGroup("server")

_FLAGS: Final = Flag.ADMIN | Flag.LOADING | Flag.STALE

DEFAULT_COUNT: Final = 10

slowlog.container(
    "SLOWLOG", since="2.2.12", complexity="Depends on the subcommand.", summary="Look at slow commands."
)


@slowlog.command(
    "SLOWLOG GET",
    since="2.2.12",
    complexity="O(N) with N entries returned",
    flags=_FLAGS,
    args=(arg.integer("count", optional=True),),
    tips=("request_policy:all_nodes", "nondeterministic_output"),
    history=(("4.0.0", "Added the client's address and name."),),
    raw=True,
)
def slowlog_get(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the newest slow commands: ten of them, as many as are asked for, or all for -1.

    Each is its number, Unix time, duration in microseconds, arguments (cut when they are long or many), and
    the client's address and name.
    """
    if len(argv) > 3:
        raise wrong_subcommand_syntax("SLOWLOG", argv[1])
    count = DEFAULT_COUNT
    if len(argv) == 3:
        message = "count should be greater than or equal to -1"
        count = parse_integer(argv[2], message)
        if count < -1:
            raise CommandError(message)
    return [
        [one.id, one.unix_time_s, one.duration_us, list(one.argv), one.client_address, one.client_name]
        for one in context.node.slowlog.get(count)
    ]


@slowlog.command(
    "SLOWLOG LEN",
    since="2.2.12",
    complexity="O(1)",
    flags=_FLAGS,
    args=(),
    tips=("request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"),
)
def slowlog_len(context: Context) -> Reply:
    """Return how many slow commands are kept."""
    return len(context.node.slowlog)


@slowlog.command(
    "SLOWLOG RESET",
    since="2.2.12",
    complexity="O(N) with N entries",
    flags=_FLAGS,
    args=(),
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
)
def slowlog_reset(context: Context) -> Reply:
    """Forget all slow commands."""
    context.node.slowlog.reset()
    return OK


@slowlog.command("SLOWLOG HELP", since="6.2.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=())
def slowlog_help(context: Context) -> Reply:
    """Explain the subcommands of SLOWLOG."""
    return help_reply(
        "SLOWLOG",
        (
            "GET [<count>]",
            "Show the newest <count> slow commands (10 by default, -1 for all): number, Unix time,\n"
            "microseconds, arguments, client address, client name.",
        ),
        ("LEN", "Count the commands kept."),
        ("RESET", "Forget them."),
    )
