"""MODULE: there are none, and none can be loaded; tools ask all the same."""

from ..protocol.replies import Reply
from .context import Context
from .help import help_reply
from .spec import CommandGroup, Flag

modules = CommandGroup("server")

modules.container(
    "MODULE", since="4.0.0", complexity="Depends on the subcommand.", summary="Ask which modules are loaded."
)


@modules.command(
    "MODULE LIST",
    since="4.0.0",
    complexity="O(1)",
    flags=Flag.ADMIN | Flag.NOSCRIPT,
    args=(),
    tips=("nondeterministic_output_order",),
)
def module_list(context: Context) -> Reply:
    """Return the loaded modules: none.

    >>> MODULE LIST
    []
    """
    return []


@modules.command("MODULE HELP", since="5.0.0", complexity="O(1)", flags=Flag.LOADING | Flag.STALE, args=())
def module_help(context: Context) -> Reply:
    """Explain the subcommands of MODULE."""
    return help_reply("MODULE", ("LIST", "List the loaded modules; there are none."))
