"""Between commands and loaders: a command that needs a missing key waits until it has been loaded.

On the short way one question is asked (``stops``): whether a command must take the long one, because a key of its is busy, missing
or soon to be loaded anew. There, ``submit`` lets the loaders know which keys are needed, and queues the command behind their
owners. So commands for one key keep their order, whatever loading takes, and other keys go on.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from ..commands.arguments import Access
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.loads import Loads, Wait
from ..commands.node import Node
from ..commands.pending import Pending
from ..commands.spec import Command, Trait
from ..keyspace.slots import key_slot
from ..owners.mailbox import OwnerKey
from ..protocol.replies import ErrorReply
from .waiting import Waiting

NEEDED: Final = Access.RO | Access.RW | Access.INSERT
"""What is read, changed, or only put where nothing was."""


class LoadGate:
    """Asked for every command, while there are loaders."""

    def __init__(self, node: Node, loads: Loads, awake: Mapping[OwnerKey, object], waiting: Waiting) -> None:
        self._node = node
        self._loads = loads
        self._awake = awake
        self._waiting = waiting

    # -- the short way -----------------------------------------------------------

    def stops(self, context: Context, command: Command, argv: Sequence[bytes]) -> bool:
        """Say whether a command must take the long way. Without a loader for its keys that costs a look at each."""
        if not command.spans:
            return False
        db, awake, loads = context.db, self._awake, self._loads
        for key in command.keys_in(argv):
            if awake and (db.index, key) in awake:
                return True
            if not loads.covers(db.index, key) or not self._is_mine(key):
                continue
            entry = db.find(key)
            if entry is None or loads.is_due(entry, db.index):
                return True
            if command.is_write and loads.takes_writes(db.index, key):
                return True
        return False

    def _is_mine(self, key: bytes) -> bool:
        router = self._node.router
        return router is None or bool(router.marks[0][key_slot(key)])

    # -- the long way --------------------------------------------------------------

    def submit(self, context: Context, command: Command, argv: list[bytes]) -> Pending | None:
        """Queue a command behind the keys that must be loaded for it; None if nothing is missing.

        Raises CommandError where it is known already that they cannot be.
        """
        waits: list[Wait] = []
        transaction = context.client.transaction
        if transaction is not None and Trait.RUNS_TRANSACTION in command.traits:
            db = context.client.db_index
            for called, words in transaction.queue:
                db = _selected(called, words, db)
                self._look(db, called, words, waits)
        else:
            self._look(context.client.db_index, command, argv, waits)
        if not waits:
            return None
        error = _first_error(waits)
        if error is not None:
            raise CommandError(error.message, error.code)
        return self._waiting.submit(context, command, argv, lambda: _first_error(waits))

    def _look(self, db: int, command: Command, argv: Sequence[bytes], waits: list[Wait]) -> None:
        """Let the loaders know what a command will do to its keys, and note what must be waited for."""
        if not command.spans or Trait.LOADS_NOTHING in command.traits:
            return
        loads = self._loads
        depends = command.depends is not None and command.depends(argv)
        for at, access in command.key_positions(argv):
            key = argv[at]
            if access is Access.NOT_KEY or not loads.covers(db, key):
                continue
            entry = self._node.keyspace.databases[db].find(key)
            if not (depends or access & NEEDED):
                loads.overtake(db, key)
            elif entry is not None:
                loads.note_read(db, entry)
            else:
                wait = loads.wait_for(db, key)
                if wait is not None:
                    waits.append(wait)


def _first_error(waits: Sequence[Wait]) -> ErrorReply | None:
    return next((wait.error for wait in waits if wait.error is not None), None)


def _selected(command: Command, argv: Sequence[bytes], db: int) -> int:
    """Return the database of the commands behind this one of a transaction."""
    if Trait.SELECTS not in command.traits:
        return db
    try:
        return int(argv[1])
    except (ValueError, IndexError):
        return db  # it will fail
