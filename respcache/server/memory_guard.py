"""maxmemory: before a command that may grow the data, make room, or refuse."""

from collections.abc import Sequence
from typing import Final

from .._speedups import GuardState
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.spec import Command, Flag, Trait
from ..keyspace.eviction import Evictor
from ..keyspace.keyspace import Keyspace

MOST_CREDIT_BYTES: Final = 1 << 20
"""Memory is counted when commands may have filled the room that there was, or so much of it. Counting takes 0.5 us, as much as a compiled SET's whole work."""

UNCOUNTED_WRITES: Final = 256
"""And after so many commands at the latest: what their words take is reckoned, and not known."""

BYTES_PER_COMMAND: Final = 256
BYTES_PER_WORD: Final = 64
"""What storing a command's words may take beside them, about: an entry, a deadline, a place in a queue; a field."""

RESERVE_BYTES: Final = 16 * 1024
RESERVE_SHARE: Final = 1024
"""Who must make room makes this much more, or this share of the limit if that is less: for a few dozen of the next writes. More
would be a pause that is felt, since an eviction takes some 10 us."""

EVICTIONS_PER_COMMAND: Final = 128
"""A limit that was lowered by gigabytes is reached over many commands, not in one long stop."""


class MemoryGuard(GuardState):
    """A guard (see ``guards.py``) for commands that Redis flags ``denyoom``; none while there is no limit."""

    def __init__(self, keyspace: Keyspace, evictor: Evictor) -> None:
        self._keyspace = keyspace
        self._evictor = evictor
        self.uncounted = self.credit_bytes = 0
        self._limit_bytes = 0

    @property
    def limit_bytes(self) -> int:
        """0: no limit, and the guard concerns no command; the dispatcher binds anew when that changes."""
        return self._limit_bytes

    @limit_bytes.setter
    def limit_bytes(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.uncounted = self.credit_bytes = 0

    def concerns(self, command: Command) -> bool:
        return bool(self._limit_bytes) and Flag.DENYOOM in command.flags

    def check(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        # The compiled loop asks the same question first.
        cost_bytes = BYTES_PER_COMMAND + BYTES_PER_WORD * len(argv) + sum(map(len, argv))
        outgrows = Trait.OUTGROWS_ITS_WORDS in command.traits
        if (self.uncounted <= 0 or cost_bytes > self.credit_bytes or outgrows) and not self.make_room():
            raise CommandError("command not allowed when used memory > 'maxmemory'.", "OOM")
        self.uncounted = 0 if outgrows else self.uncounted - 1
        self.credit_bytes -= cost_bytes

    def may_grow(self) -> bool:
        """Say whether something may be stored that no command has brought, after making room for it."""
        may_grow = not self._limit_bytes or self.make_room()
        self.uncounted = 0  # nobody has told how much it is: the next command counts it
        return may_grow

    def make_room(self) -> bool:
        """Evict until the data fits, within one command's share of work; say whether writing may go on."""
        limit_bytes = self._limit_bytes
        if self._keyspace.used_bytes > limit_bytes:
            wanted_bytes = limit_bytes - min(RESERVE_BYTES, limit_bytes // RESERVE_SHARE)
            made = self._evictor.make_room(
                wanted_bytes, lambda: self._keyspace.used_bytes, EVICTIONS_PER_COMMAND
            )
            if not made and self._keyspace.used_bytes > limit_bytes:
                return False
        self.uncounted = UNCOUNTED_WRITES
        self.credit_bytes = min(limit_bytes - self._keyspace.used_bytes, MOST_CREDIT_BYTES)
        return True
