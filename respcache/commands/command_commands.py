"""COMMAND and its subcommands: the table, told to clients.

What an entry says is in ``describe.py``; here is which entries are asked for.
Commands that are declared hidden can be called, but are never told.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ..keyspace.glob import compile_glob
from ..protocol.encoder import encode
from ..protocol.replies import Raw, Reply
from .arguments import Access, Arg, pattern, string
from .context import Context
from .describe import access_words, acl_categories, describe, document, visible_children
from .errors import SYNTAX, CommandError
from .help import help_reply
from .spec import Command, CommandGroup, Flag
from .table import CommandTable

commands = CommandGroup("server")

_FLAGS: Final = Flag.LOADING | Flag.STALE
_CONNECTION: Final = frozenset({"connection"})
_UNORDERED: Final = ("nondeterministic_output_order",)
_NAMES: Final = (Arg("command-name", "string", optional=True, multiple=True),)


@commands.command(
    "COMMAND",
    since="2.8.13",
    complexity="O(N) with N commands in the table",
    flags=_FLAGS,
    args=(),
    acl=_CONNECTION,
    tips=_UNORDERED,
    raw=True,
    least_words=-1,
)
def command(context: Context, argv: Sequence[bytes]) -> Reply:
    """Describe every command of this server, as COMMAND INFO does."""
    table = context.node.table
    return [_spell(context, describe, one) for one in _visible(table)]


@commands.command(
    "COMMAND INFO",
    since="2.8.13",
    complexity="O(N) with N commands asked for",
    flags=_FLAGS,
    args=_NAMES,
    acl=_CONNECTION,
    tips=_UNORDERED,
    raw=True,
)
def command_info(context: Context, argv: Sequence[bytes]) -> Reply:
    """Describe some commands: arity, flags, key positions, ACL categories, tips and subcommands.

    A subcommand is asked for as ``client|list``. A name that is no command is answered with nil;
    without any name, all commands are described.
    """
    table = context.node.table
    if len(argv) == 2:
        return command(context, argv)
    asked = _asked(table, argv[2:])
    return [None if found is None else _spell(context, describe, found) for found in asked]


@commands.command(
    "COMMAND DOCS",
    since="7.0.0",
    complexity="O(N) with N commands asked for",
    flags=_FLAGS,
    args=_NAMES,
    acl=_CONNECTION,
    tips=_UNORDERED,
    raw=True,
)
def command_docs(context: Context, argv: Sequence[bytes]) -> Reply:
    """Explain some commands: what they do, since when, at what cost, and with which arguments.

    A name that is no command is left out; without any name, all commands are explained.
    """
    table = context.node.table
    chosen = _asked(table, argv[2:]) if len(argv) > 2 else _visible(table)
    return {one.full_name: _spell(context, document, one) for one in chosen if one is not None}


@commands.command(
    "COMMAND COUNT",
    since="2.8.13",
    complexity="O(N) with N commands in the table",
    flags=_FLAGS,
    args=(),
    acl=_CONNECTION,
)
def command_count(context: Context) -> Reply:
    """Return how many commands this server has; subcommands do not count."""
    return sum(1 for _ in _visible(context.node.table))


@commands.command(
    "COMMAND LIST",
    since="7.0.0",
    complexity="O(N) with N commands in the table",
    flags=_FLAGS,
    args=(
        Arg(
            "filterby",
            "oneof",
            token="FILTERBY",
            optional=True,
            members=(
                string("module-name", token="MODULE"),
                string("category", token="ACLCAT"),
                pattern("pattern", token="PATTERN"),
            ),
        ),
    ),
    acl=_CONNECTION,
    tips=_UNORDERED,
    raw=True,
)
def command_list(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the names of all commands and subcommands, or of those of a category or pattern.

    There are no modules, so a filter by module finds nothing.

    >>> COMMAND LIST FILTERBY PATTERN command|c*
    ['command|count']
    """
    table = context.node.table
    accepts = _filter(table, argv[2:])
    return [one.full_name for parent in _visible(table) for one in _family(table, parent) if accepts(one)]


@commands.command(
    "COMMAND GETKEYS",
    since="2.8.13",
    complexity="O(N) with N arguments",
    flags=_FLAGS,
    args=(),
    acl=_CONNECTION,
    raw=True,
    least_words=-4,
)
def command_getkeys(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the keys in a whole command line, without running it.

    >>> COMMAND GETKEYS SET greeting hello
    ['greeting']
    """
    words = argv[2:]
    return [words[at] for at, _ in _key_positions(context.node.table, words)]


@commands.command(
    "COMMAND GETKEYSANDFLAGS",
    since="7.0.0",
    complexity="O(N) with N arguments",
    flags=_FLAGS,
    args=(),
    acl=_CONNECTION,
    raw=True,
    least_words=-4,
)
def command_getkeysandflags(context: Context, argv: Sequence[bytes]) -> Reply:
    """Return the keys in a whole command line, and what the command would do to each."""
    words = argv[2:]
    return [[words[at], access_words(access)] for at, access in _key_positions(context.node.table, words)]


@commands.command("COMMAND HELP", since="5.0.0", complexity="O(1)", flags=_FLAGS, args=(), acl=_CONNECTION)
def command_help(context: Context) -> Reply:
    """Explain the subcommands of COMMAND."""
    return help_reply(
        "COMMAND",
        ("(no subcommand)", "Describe every command, as INFO without names does."),
        ("COUNT", "Count the commands."),
        (
            "LIST [FILTERBY MODULE <name> | ACLCAT <category> | PATTERN <glob>]",
            "List commands and subcommands by name, all or some.",
        ),
        (
            "INFO [<command> ...]",
            "Describe these commands for programs: arity, flags, keys. Without names, all.",
        ),
        (
            "DOCS [<command> ...]",
            "Explain these commands to people: purpose, cost, arguments. Without names, all.",
        ),
        ("GETKEYS <command line>", "Tell the keys in a command line."),
        ("GETKEYSANDFLAGS <command line>", "Tell the keys in a command line, and what would happen to each."),
    )


def _spell(context: Context, tell: Callable[[CommandTable, Command], Reply], one: Command) -> Raw:
    """Return what is told of a command, encoded: making it takes 200 us, and clients ask as they connect."""
    table, protocol = context.node.table, context.client.protocol
    key = (tell, one.full_name, protocol)
    spelled = table.spelled.get(key)
    if spelled is None:
        spelled = table.spelled[key] = Raw(encode(tell(table, one), protocol))
    return spelled


def _visible(table: CommandTable) -> Iterator[Command]:
    return (one for one in table if not one.hidden)


def _family(table: CommandTable, parent: Command) -> list[Command]:
    return [parent, *visible_children(table, parent)]


def _asked(table: CommandTable, names: Sequence[bytes]) -> Iterator[Command | None]:
    for name in names:
        found = table.find(name)
        yield None if found is None or found.hidden else found


def _filter(table: CommandTable, words: Sequence[bytes]) -> Callable[[Command], bool]:
    if not words:
        return lambda one: True
    if len(words) != 3 or words[0].upper() != b"FILTERBY":
        raise CommandError(SYNTAX)
    wanted = words[2]
    match words[1].upper():
        case b"MODULE":
            return lambda one: False
        case b"ACLCAT":
            category = wanted.decode("utf-8", "replace").lower()
            return lambda one: category in acl_categories(table, one)
        case b"PATTERN":
            matches = compile_glob(wanted.lower())
            return lambda one: bool(matches(one.full_name.encode()))
    raise CommandError(SYNTAX)


def _key_positions(table: CommandTable, words: Sequence[bytes]) -> list[tuple[int, Access]]:
    try:
        called = table.resolve(words)
    except CommandError:
        raise CommandError("Invalid command specified") from None
    if all(Access.NOT_KEY in span.access for span in called.spans):
        raise CommandError("The command has no key arguments")
    try:
        called.check_arity(words)
    except CommandError:
        raise CommandError("Invalid number of arguments specified for command") from None
    found = [(at, access) for at, access in called.key_positions(words) if Access.NOT_KEY not in access]
    if not found and Flag.NO_MANDATORY_KEYS not in called.flags:
        raise CommandError("Invalid arguments specified for command")
    return found
