"""LATENCY: where time went, by event and by command. Spikes and histograms are kept by telemetry."""

from collections.abc import Iterator, Sequence
from typing import Final

from ..protocol.replies import Pairs, Reply, Verbatim
from ..telemetry.command_statistics import CommandStatistics
from ..telemetry.histogram import cumulative_buckets
from . import arguments as arg
from .context import Context
from .errors import CommandError
from .help import help_reply
from .latency_report import graph, report
from .node import Node
from .spec import CommandGroup, Flag

latency = CommandGroup("server")

_FLAGS: Final = Flag.ADMIN | Flag.NOSCRIPT | Flag.LOADING | Flag.STALE
_TIPS: Final = ("nondeterministic_output", "request_policy:all_nodes", "response_policy:special")

latency.container(
    "LATENCY", since="2.8.13", complexity="Depends on the subcommand.", summary="Find out what was slow."
)


@latency.command(
    "LATENCY LATEST", since="2.8.13", complexity="O(N) with N events", flags=_FLAGS, args=(), tips=_TIPS
)
def latency_latest(context: Context) -> Reply:
    """Return, for each event that was ever slow: its name, when last, how long then, and at worst, in ms."""
    return [
        [spike.event, spike.unix_time_s, spike.latency_ms, spike.worst_ms]
        for spike in context.node.latency.latest()
    ]


@latency.command(
    "LATENCY HISTORY",
    since="2.8.13",
    complexity="O(1)",
    flags=_FLAGS,
    args=(arg.string("event"),),
    tips=_TIPS,
)
def latency_history(context: Context, event: bytes) -> Reply:
    """Return the spikes of one event as pairs of Unix time and milliseconds, oldest first."""
    return [list(sample) for sample in context.node.latency.history(_text(event))]


@latency.command(
    "LATENCY RESET",
    since="2.8.13",
    complexity="O(N) with N events",
    flags=_FLAGS,
    args=(arg.Arg("event", "string", optional=True, multiple=True),),
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
    raw=True,
)
def latency_reset(context: Context, argv: Sequence[bytes]) -> Reply:
    """Forget the spikes of some events, or of all; return how many had any."""
    return context.node.latency.reset(*map(_text, argv[2:]))


@latency.command(
    "LATENCY HISTOGRAM",
    since="7.0.0",
    complexity="O(N) with N commands shown",
    flags=_FLAGS,
    args=(arg.Arg("command", "string", optional=True, multiple=True),),
    tips=_TIPS,
    raw=True,
)
def latency_histogram(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return how long calls took, by command: how many calls, and how many of them up to each bound in microseconds.

    The bounds double. Without names, all commands that ran are shown; a parent such as CONFIG stands for
    its subcommands, and an unknown name is left out.
    """
    records = _chosen(context.node, argv[2:]) if len(argv) > 2 else context.node.command_statistics.items()
    return {name: _histogram(record) for name, record in records if any(record.counts)}


@latency.command(
    "LATENCY GRAPH", since="2.8.13", complexity="O(1)", flags=_FLAGS, args=(arg.string("event"),), tips=_TIPS
)
def latency_graph(context: Context, event: bytes) -> Reply:
    """Draw the spikes of one event, a bar for each, the newest last."""
    name = _text(event)
    samples = context.node.latency.history(name)
    if not samples:
        raise CommandError(f"No samples available for event '{name}'")
    worst_ms = next(spike.worst_ms for spike in context.node.latency.latest() if spike.event == name)
    return Verbatim(graph(name, samples, worst_ms, context.clock.now_ms // 1000).encode())


@latency.command(
    "LATENCY DOCTOR", since="2.8.13", complexity="O(N) with N events", flags=_FLAGS, args=(), tips=_TIPS
)
def latency_doctor(context: Context) -> Reply:
    """Tell in words what was slow, how regularly, and what might help."""
    return Verbatim(report(context.node.latency).encode())


@latency.command("LATENCY HELP", since="2.8.13", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=())
def latency_help(context: Context) -> Reply:
    """Explain the subcommands of LATENCY."""
    return help_reply(
        "LATENCY",
        ("DOCTOR", "Tell in words what was slow, and what might help."),
        ("GRAPH <event>", "Draw the spikes of an event."),
        ("HISTORY <event>", "Show the spikes of an event: Unix time and milliseconds."),
        ("LATEST", "Show the newest and the worst spike of every event."),
        ("RESET [<event> ...]", "Forget the spikes of these events, or of all."),
        (
            "HISTOGRAM [<command> ...]",
            "Show how many calls took up to how many microseconds,\nfor these commands or for all that ran.",
        ),
    )


def _chosen(node: Node, names: Sequence[bytes]) -> Iterator[tuple[str, CommandStatistics]]:
    for name in names:
        command = node.table.find(name)
        if command is None:
            continue
        for one in (command, *node.table.children(command)):
            if one.full_name in node.command_statistics:  # most parents cannot run
                yield one.full_name, node.command_statistics[one.full_name]


def _histogram(record: CommandStatistics) -> Reply:
    buckets: Reply = Pairs(cumulative_buckets(record.counts))
    calls: Reply = sum(record.counts)
    return {"calls": calls, "histogram_usec": buckets}


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")
