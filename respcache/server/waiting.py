"""Commands whose keys are busy: each queues behind the owners of its keys, and runs when it stands first with all.

A command that waits runs later as it would have run now: in the database that was
selected when it came. What its client sends meanwhile goes on, unless what waits
changes the session: after WATCH or EXEC the client is *blocked* until the answer, or
its next command would find the transaction still open, and the watches not set.
"""

from collections.abc import Callable, Sequence

from ..commands.client import Client
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.node import Node
from ..commands.pending import Pending
from ..commands.spec import Command, Trait
from ..commands.transactions import discard_transaction
from ..owners.mailbox import OwnerKey
from ..owners.owners import Owners
from ..protocol.replies import ErrorReply, Reply

Check = Callable[[], ErrorReply | None]
"""Asked when a command's turn has come: the error that it is answered instead of running, if any."""

RunNow = Callable[[Context, Command, Sequence[bytes]], Reply | Pending]


class Waiting:
    """Between the dispatcher and the owners."""

    def __init__(self, node: Node, owners: Owners, run_now: RunNow) -> None:
        self._node = node
        self._owners = owners
        self._run_now = run_now

    def submit(
        self, context: Context, command: Command, argv: list[bytes], check: Check = lambda: None
    ) -> Pending | None:
        """Queue a command behind the owners of its keys; None when all of them are asleep."""
        client = context.client
        db = client.db_index
        calls, may_touch_any = [(command, argv)], Trait.EVERY_KEY
        if client.transaction is not None and Trait.RUNS_TRANSACTION in command.traits:
            calls = client.transaction.queue
            may_touch_any |= Trait.SESSION  # after SELECT the keys are those of another database
        keys = [
            (db, key)
            for called, words in calls
            if Trait.PASSES_OWNERS not in called.traits
            for key in called.keys_in(words)
        ]
        concerns_all = any(may_touch_any & called.traits for called, _ in calls)
        if concerns_all:
            keys += self._owners.awake
        if not any(key in self._owners.awake for key in keys):
            return None

        def run() -> Reply | Pending:
            busy = self._working() if concerns_all else []
            if busy:  # they have woken since
                return self._owners.submit(busy, run)
            return self._lost(calls) or check() or self._run_in(db, context, command, argv)

        pending = self._owners.submit(keys, run)
        return self._block_until(pending, client) if Trait.SESSION in command.traits else pending

    def _lost(self, calls: Sequence[tuple[Command, Sequence[bytes]]]) -> Reply:
        """Return the error for a command whose keys have gone to another node while it waited."""
        router = self._node.router
        try:
            for command, words in calls:
                if router is not None:
                    router.check_here(command, words)
        except CommandError as error:
            return ErrorReply(error.code, error.message)
        return None

    def _working(self) -> list[OwnerKey]:
        return [key for key, owner in self._owners.awake.items() if owner.is_working]

    def _run_in(self, db: int, context: Context, command: Command, argv: list[bytes]) -> Reply | Pending:
        selected = context.client.db_index
        if db == selected:
            return self._run_now(context, command, argv)
        context.select(db)
        try:
            return self._run_now(context, command, argv)
        finally:
            context.select(selected)

    def _block_until(self, pending: Pending, client: Client) -> Pending:
        """Let a client run nothing until this is answered; a transaction ends with the answer, whatever it is."""
        answer = Pending()
        client.is_blocked = True
        client.refresh()

        def finish(reply: Reply) -> None:
            client.is_blocked = False
            if client.transaction is not None:  # an owner's crash has answered instead of EXEC
                discard_transaction(self._node, client)
            client.refresh()
            answer.resolve(reply)
            client.connection.release()

        pending.when_done(finish)
        return answer
