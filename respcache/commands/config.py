"""CONFIG: read and change settings at run time. What a setting is, and which values it takes, is the settings package's."""

from collections.abc import Sequence
from typing import Final

from ..keyspace.glob import compile_glob, is_literal
from ..protocol.replies import OK, Reply
from ..settings.errors import ChangeRefusedError
from ..settings.settings import PARAMETERS_BY_NAME
from .arguments import block, string
from .context import Context
from .errors import SYNTAX, CommandError
from .help import help_reply
from .spec import CommandGroup, Flag, Trait

config = CommandGroup("server")

_FLAGS: Final = Flag.ADMIN | Flag.NOSCRIPT | Flag.LOADING | Flag.STALE

config.container(
    "CONFIG", since="2.0.0", complexity="Depends on the subcommand.", summary="Read and change settings."
)


@config.command(
    "CONFIG GET",
    since="2.0.0",
    complexity="O(N*P) with N settings and P patterns",
    flags=_FLAGS,
    args=(block("parameter", string("parameter")),),
    history=(("7.0.0", "Takes several patterns."),),
    raw=True,
)
def config_get(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the settings whose names match any of some glob patterns, and their values.

    A name spelled out comes back as it was spelled first.

    >>> CONFIG GET maxmemory-samples
    {'maxmemory-samples': '5'}
    """
    spelled = {_text(word).lower(): _text(word) for word in reversed(argv[2:]) if is_literal(word)}
    found = context.node.settings.get([_text(word) for word in argv[2:]], compile_glob)
    return {spelled.get(name, name): value for name, value in found}


def secret_values(argv: Sequence[bytes]) -> list[int]:
    """Return where the values of secret settings stand in a CONFIG SET."""
    return [
        at + 1
        for at in range(2, len(argv), 2)
        if (parameter := PARAMETERS_BY_NAME.get(_text(argv[at]).lower())) is not None and parameter.secret
    ]


@config.command(
    "CONFIG SET",
    since="2.0.0",
    complexity="O(N) with N settings to change",
    flags=_FLAGS,
    args=(block("parameter_value", string("parameter"), string("value")),),
    traits=Trait.SESSION,
    tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
    history=(("7.0.0", "Takes several pairs."),),
    secrets=secret_values,
    raw=True,
)
def config_set(context: Context, argv: Sequence[bytes]) -> Reply:
    """Change settings, all of them or none.

    >>> CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru
    OK
    >>> CONFIG GET maxmemory
    {'maxmemory': '104857600'}
    """
    if len(argv) % 2:
        raise CommandError(SYNTAX)
    words = [_text(word) for word in argv[2:]]
    try:
        context.node.settings.set_many(list(zip(words[::2], words[1::2], strict=True)))
    except ChangeRefusedError as refusal:
        raise CommandError(str(refusal)) from None
    return OK


@config.command(
    "CONFIG RESETSTAT", since="2.0.0", complexity="O(N) with N commands in the table", flags=_FLAGS, args=()
)
def config_resetstat(context: Context) -> Reply:
    """Begin all statistics of INFO anew: counters, rates, commands, errors and latencies."""
    context.node.statistics.reset()
    for record in context.node.command_statistics.values():
        record.reset()
    return OK


@config.command("CONFIG REWRITE", since="2.8.0", complexity="O(1)", flags=_FLAGS, args=())
def config_rewrite(context: Context) -> Reply:
    """Write the settings that were changed into the settings file; its comments and order stay."""
    if not context.node.host.facts().get("config_file"):
        raise CommandError("The server is running without a config file")
    try:
        context.node.host.rewrite_settings()
    except (OSError, ValueError) as error:
        raise CommandError(f"Rewriting config file: {error}") from None
    return OK


@config.command("CONFIG HELP", since="5.0.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=())
def config_help(context: Context) -> Reply:
    """Explain the subcommands of CONFIG."""
    return help_reply(
        "CONFIG",
        ("GET <pattern> [<pattern> ...]", "Tell the settings whose names match one of these globs."),
        ("SET <name> <value> [<name> <value> ...]", "Change these settings, all or none."),
        ("RESETSTAT", "Begin the statistics of INFO anew."),
        ("REWRITE", "Write changed settings into the settings file."),
    )


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")
