"""Commands whose keys are busy: each queues behind the owners of its keys, and runs when it stands first with all.

A command that waits runs later as it would have run now: in the database that was
selected when it came. What its client sends meanwhile goes on, unless what waits
changes the session: after WATCH or EXEC the client is *blocked* until the answer, or
its next command would find the transaction still open, and the watches not set.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ..commands.client import Client
from ..commands.cluster_errors import STRAYED
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.node import Node
from ..commands.numbers import parse_integer
from ..commands.pending import Pending
from ..commands.spec import Command, Trait
from ..commands.transactions import discard_transaction
from ..keyspace.slots import key_partition
from ..owners.mailbox import Again, OwnerKey
from ..owners.owners import Owners
from ..protocol.replies import ErrorReply, Reply

Check = Callable[[], ErrorReply | Again | None]
"""Asked when a command's turn has come: the error that it is answered instead of running, if any; or that it must wait on."""

Call: TypeAlias = tuple[int, Command, Sequence[bytes]]
"""A command, and the database in which it runs."""

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
        calls = calls_of(self._node, client, command, argv)
        keys = [
            (index, key)
            for index, called, words in calls
            if Trait.PASSES_OWNERS not in called.traits
            for key in called.keys_in(words)
        ]
        concerns_all = any(Trait.EVERY_KEY in called.traits for _, called, _ in calls)
        if concerns_all:
            keys += self._owners.awake
        if not any(key in self._owners.awake for key in keys):
            return None

        def run() -> Reply | Pending | Again:
            busy = self._working() if concerns_all else []
            if busy:  # they have woken since
                return self._owners.submit(busy, run, stays=True)
            return self._lost(calls) or check() or self._run_in(db, context, command, argv)

        pending = self._owners.submit(keys, run, stays=concerns_all)
        return self.block_until(pending, client) if Trait.SESSION in command.traits else pending

    def _lost(self, calls: Sequence[Call]) -> ErrorReply | None:
        """Return the mark of a command whose keys have gone to another node while it waited, and of all behind it.

        Those would overtake it if their keys came back before their turn.
        """
        router = self._node.router
        if router is None:
            return None
        gone = {partition for _, command, words in calls for partition in router.gone(command, words)}
        if not gone:
            return None
        self._owners.dismiss(lambda key: key_partition(key) in gone, STRAYED)
        return STRAYED

    def _working(self) -> list[OwnerKey]:
        """Return the keys that are busy now, but not those that are loaded: who loads them sees what has become of them."""
        return [key for key, owner in self._owners.awake.items() if owner.work is not None]

    def _run_in(self, db: int, context: Context, command: Command, argv: list[bytes]) -> Reply | Pending:
        selected = context.client.db_index
        if db == selected:
            return self._run_now(context, command, argv)
        context.select(db)
        try:
            return self._run_now(context, command, argv)
        finally:
            context.select(selected)

    def block_until(self, pending: Pending, client: Client) -> Pending:
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


def calls_of(node: Node, client: Client, command: Command, argv: Sequence[bytes]) -> list[Call]:
    """Return what a command runs: itself, or what its transaction has queued, each in the database that is selected by then."""
    db = client.db_index
    if client.transaction is None or Trait.RUNS_TRANSACTION not in command.traits:
        return [(db, command, argv)]
    calls: list[Call] = []
    for called, words in client.transaction.queue:
        if Trait.SELECTS in called.traits:
            db = _selected(words, db, len(node.keyspace.databases))
        calls.append((db, called, words))
    return calls


def _selected(argv: Sequence[bytes], db: int, databases: int) -> int:
    """Return what SELECT will select; it will change nothing where that cannot be."""
    try:
        wanted = parse_integer(argv[1])
    except CommandError:
        return db
    return wanted if 0 <= wanted < databases else db
