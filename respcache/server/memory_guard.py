"""maxmemory: before a command that may grow the data, make room, or refuse."""

from collections.abc import Sequence
from typing import Final

from .._speedups import GuardState
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.spec import Command, Flag
from ..keyspace.eviction import Evictor
from ..keyspace.keyspace import Keyspace

COMFORT_BYTES: Final = 4 << 20
"""With this much room left, counting it again can wait for a few writes."""

UNCOUNTED_WRITES: Final = 64
"""How many. Counting takes 0.5 us, a tenth of a pipelined SET's whole cost."""

SMALL_ARGUMENTS: Final = 8
"""A command with more words than this is counted at once: it may carry a lot."""

EVICTIONS_PER_COMMAND: Final = 128
"""A limit that was lowered by gigabytes is reached over many commands, not in one long stop."""


class MemoryGuard(GuardState):
    """A guard (see ``guards.py``) for commands that Redis flags ``denyoom``; none while there is no limit."""

    def __init__(self, keyspace: Keyspace, evictor: Evictor) -> None:
        self._keyspace = keyspace
        self._evictor = evictor
        self.uncounted = 0
        self.limit_bytes = 0
        """0: no limit, and the guard concerns no command; the dispatcher binds anew when that changes."""

    def concerns(self, command: Command) -> bool:
        return bool(self.limit_bytes) and Flag.DENYOOM in command.flags

    def check(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        # The compiled loop asks the same question first.
        if self.uncounted > 0 and len(argv) <= SMALL_ARGUMENTS:
            self.uncounted -= 1
            return
        if not self.make_room():
            raise CommandError("command not allowed when used memory > 'maxmemory'.", "OOM")

    def make_room(self) -> bool:
        """Evict until the data fits, within one command's share of work; say whether writing may go on."""
        used_bytes = self._keyspace.used_bytes
        if used_bytes <= self.limit_bytes:
            self.uncounted = UNCOUNTED_WRITES if self.limit_bytes - used_bytes > COMFORT_BYTES else 0
            return True
        return self._evictor.make_room(
            self.limit_bytes, lambda: self._keyspace.used_bytes, EVICTIONS_PER_COMMAND
        )
