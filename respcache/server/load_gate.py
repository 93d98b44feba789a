"""Between commands and loaders: a command that needs a missing key waits until it has been loaded.

On the short way one question is asked (``stops``): whether a command must take the long one, because a key of its is busy, missing
or soon to be loaded anew. There, ``submit`` lets the loaders know which keys are needed, and queues the command behind their
owners. So commands for one key keep their order, whatever loading takes, and other keys go on.

When its turn comes, a command is looked at once more: what stood before it may have deleted what was loaded for it, and then it
must be loaded again; and only now is it known that what it writes comes after whatever was asked of a loader before.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ..commands.arguments import Access
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.loads import MOVED_AWAY, Loads, Wait
from ..commands.node import Node
from ..commands.pending import Pending
from ..commands.spec import Command, Trait
from ..owners.mailbox import AGAIN, Again, OwnerKey
from ..protocol.replies import ErrorReply
from .waiting import Call, Waiting, calls_of

NEEDED: Final = Access.RO | Access.RW | Access.INSERT
"""What is read, changed, or only put where nothing was."""

WRITTEN: Final = Access.RW | Access.OW | Access.RM

MOST_WAITS: Final = 5
"""So often a command waits for keys that are gone whenever its turn has come."""

COME_AND_GO: Final = CommandError("the keys have gone each time that they had been loaded", "TRYAGAIN")

Refuse = Callable[[Context, Command, CommandError], ErrorReply]
"""Makes the reply of a command that has waited in vain."""


class LoadGate:
    """Asked for every command, while there are loaders."""

    def __init__(
        self,
        node: Node,
        loads: Loads,
        busy: Sequence[Mapping[OwnerKey, object]],
        waiting: Waiting,
        refuse: Refuse,
    ) -> None:
        self._node = node
        self._loads = loads
        self._awake, self._marked = busy
        self._waiting = waiting
        self._refuse = refuse

    # -- the short way -----------------------------------------------------------

    def stops(self, context: Context, command: Command, argv: Sequence[bytes]) -> bool:
        """Say whether a command must take the long way. Without a loader for its keys that costs a look at each."""
        if not command.spans:
            return False
        db, awake, marked, loads = context.db, self._awake, self._marked, self._loads
        for key in command.keys_in(argv):
            if (awake and (db.index, key) in awake) or (marked and (db.index, key) in marked):
                return True
            if not loads.covers(db.index, key) or not self._is_mine(key):
                continue
            entry = db.find(key)
            if entry is None or loads.is_due(entry, db.index):
                return True
            if command.is_write and loads.takes_writes(db.index, key):
                return Trait.KEEPS_VALUES not in command.traits
        return False

    def _is_mine(self, key: bytes) -> bool:
        router = self._node.router
        return router is None or router.serves(key)

    # -- the long way --------------------------------------------------------------

    def submit(self, context: Context, command: Command, argv: list[bytes]) -> Pending | None:
        """Queue a command behind the keys that must be loaded for it, or are busy; None if it may run now.

        Raises CommandError where it is known already that they cannot be.
        """
        transaction = context.client.transaction
        if transaction is not None and transaction.is_broken:
            return None  # nothing of it will run
        calls = [
            call
            for call in calls_of(self._node, context.client, command, argv)
            if call[1].spans and Trait.LOADS_NOTHING not in call[1].traits
        ]
        if not calls:
            return None
        needs = Needs(self._loads, self._node, calls)
        error = needs.ask(is_first=True)
        if error is not None:
            raise CommandError(error.message, error.code)
        if self._awake:

            def check() -> ErrorReply | Again | None:
                error = needs.settle()
                if not isinstance(error, CommandError):
                    return error
                return self._refuse(context, command, error)

            pending = self._waiting.submit(context, command, argv, check)
            if pending is not None:
                return pending
        needs.note_writes()
        return None


class Needs:
    """What one command needs of loaders, from when it comes until it runs."""

    __slots__ = ("_calls", "_loads", "_node", "_turns", "_waits")

    def __init__(self, loads: Loads, node: Node, calls: Sequence[Call]) -> None:
        self._loads = loads
        self._node = node
        self._calls = calls
        self._waits: dict[OwnerKey, Wait] = {}
        self._turns = 0

    def ask(self, *, is_first: bool) -> ErrorReply | None:
        """Have the keys loaded that are missing and have not been looked for; return why that cannot be."""
        loads = self._loads
        for db, command, argv in self._calls:
            depends = command.depends is not None and command.depends(argv)
            find = self._node.keyspace.databases[db].find
            last, is_meant = None, None
            for at, access in command.key_positions(argv):
                if access is not last:  # mostly the same object for all, and to compare flags costs 300 ns
                    last, is_meant = access, self._meant_by(access, depends=depends)
                key = argv[at]
                if is_meant is None or not is_meant(db, key):
                    continue
                entry = find(key)
                if entry is not None:
                    if is_first and not command.is_write:
                        loads.note_read(db, entry)
                    continue
                known = self._waits.get((db, key))
                if known is not None and (known.is_absent or not known.is_over):
                    continue
                wait = loads.wait_for(db, key)
                if wait is None:
                    continue
                if wait.error is not None:
                    return wait.error
                self._waits[db, key] = wait
        return None

    def _meant_by(self, access: Access, *, depends: bool) -> Callable[[int, bytes], bool] | None:
        """Return what says of a key whether it must be loaded; None: not for such an access."""
        if access is Access.NOT_KEY:
            return None
        if depends or access & NEEDED:
            return self._loads.covers
        # Where deletions are written, it must be known whether there is anything to delete.
        return self._loads.takes_writes if access & Access.RM else None

    def settle(self) -> CommandError | Again | None:
        """Say what becomes of the command, now that its turn has come: an error, one more wait, or it runs."""
        waits = self._waits
        for at in [at for at, wait in waits.items() if wait.error is MOVED_AWAY]:
            del waits[at]  # the key has come back, or the command would not have its turn here
        error = next((wait.error for wait in waits.values() if wait.error is not None), None)
        error = error or self.ask(is_first=False)
        if error is not None:
            return CommandError(error.message, error.code)
        if all(wait.is_over for wait in self._waits.values()):
            self.note_writes()
            return None
        self._turns += 1
        return AGAIN if self._turns < MOST_WAITS else COME_AND_GO

    def note_writes(self) -> None:
        """Let the loaders know what will be written, for what is on its way may be older than that."""
        for db, command, argv in self._calls:
            if command.is_write:
                for at, access in command.key_positions(argv):
                    if access & WRITTEN and self._loads.covers(db, argv[at]):
                        self._loads.overtake(db, argv[at])
