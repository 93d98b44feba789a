"""A command made ready to run: its guards bound in front of it, its counters beside it."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ..commands.context import Context
from ..commands.pending import Slot
from ..commands.series import Series
from ..commands.spec import Command, Flag, Trait
from ..commands.table import CommandTable
from ..protocol.replies import Reply
from ..telemetry.command_statistics import CommandStatistics
from .guards import Guard, bound_guards

NO_SUCH_ARITY: Final = 1 << 60

SHORT_WAY_GROUPS: Final = frozenset({"string", "hash", "generic", "connection", "pubsub"})
"""Of these, commands that change neither the session nor the server's state (see ``Trait``)."""

HARMFUL: Final = ~(Trait.IN_SUBSCRIBER_MODE | Trait.OUTGROWS_ITS_WORDS | Trait.KEEPS_VALUES)
"""Traits that keep a command from the short way."""


class BoundCommand(msgspec.Struct, frozen=True, eq=False):
    """What dispatch needs of a command, in one look-up."""

    command: Command
    run: Callable[[Context, Sequence[bytes]], Reply | Slot]
    """On the short way of a cluster's node: the reply, or the slot of one that another node will give."""
    arity: int
    statistics: CommandStatistics
    guards: tuple[Guard, ...] = ()
    series: Series | None = None
    """How several calls are answered together, where nobody need be asked for each."""


def bind_command(command: Command, guards: Sequence[Guard], statistics: CommandStatistics) -> BoundCommand:
    """Bind those of the setting guards that concern the command."""
    run, concerned = bound_guards(command, guards)
    return BoundCommand(
        command, run, command.arity, statistics, concerned, None if concerned else command.series
    )


def short_way(table: CommandTable) -> dict[bytes, str]:
    """Return the commands that may take the short way: their full names by each of the usual spellings."""
    return {
        spelling: command.full_name
        for command in table
        if command.group in SHORT_WAY_GROUPS and not command.traits & HARMFUL and not table.children(command)
        for spelling in (command.name.encode(), command.name.lower().encode())
    }


def _nothing(context: Context) -> Reply:
    """Stand for no command at all."""
    raise AssertionError("never called: its arity fits nothing")


_NO_COMMAND: Final = Command("", _nothing, "", "", "", Flag(0), ())

NOT_FAST: Final = BoundCommand(_NO_COMMAND, _NO_COMMAND.run, NO_SUCH_ARITY, CommandStatistics())
"""What the session finds for a word that may not take the short way. Its arity never fits, so
that the test for the number of words is the only one that the hot loop needs."""

NOTHING_FAST: Final[dict[bytes, BoundCommand]] = {}
"""The table of a client that is in any unusual state."""
