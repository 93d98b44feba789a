"""``http-read-only``: over HTTP people may look, and nothing that they send changes a key or the server."""

from collections.abc import Callable
from typing import Final

from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.pending import Pending, Slot
from ..commands.spec import Flag
from ..commands.table import CommandTable
from ..protocol.replies import ErrorReply, Reply
from .steps import Executor

REFUSED_FLAGS: Final = Flag.WRITE | Flag.ADMIN

REFUSAL: Final = ErrorReply("READONLY", "Over HTTP this server can only be read; see http-read-only.")


class ReadOnly:
    """Stands before another executor; while the setting is on, it refuses what changes something."""

    def __init__(self, executor: Executor, table: CommandTable, is_on: Callable[[], bool]) -> None:
        self._serve = executor.serve
        self._table = table
        self._is_on = is_on

    def serve(self, context: Context, argv: list[bytes]) -> "Reply | Pending | Slot | type":
        """Run a command, unless it may not be run."""
        if self._is_on() and self._changes_something(argv):
            return REFUSAL
        return self._serve(context, argv)

    def _changes_something(self, argv: list[bytes]) -> bool:
        try:
            return bool(self._table.resolve(argv).flags & REFUSED_FLAGS)
        except CommandError:
            return False  # there is no such command, as the next will say
