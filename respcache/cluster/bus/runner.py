"""Running commands here for somebody else: another node's client, or one whose key has just become ours."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ...commands.client import Client, Connection, Transaction
from ...commands.cluster_errors import STRAYED
from ...commands.context import Context
from ...commands.errors import CommandError
from ...commands.node import Node
from ...commands.pending import Pending, Slot
from ...commands.spec import Command
from ...commands.transactions import discard_transaction
from ...protocol.encoder import encode
from ...protocol.replies import ErrorReply, Reply
from ...telemetry.command_statistics import CommandStatistics
from ..replication.holds import Holds

Fill = Callable[[bytes], None]

Stray = Callable[[], bool]
"""Told that a command was not run, as its keys are another node's by now; says whether it is sent there."""


class Bound(Protocol):
    """A command ready to run; the server's binding."""

    @property
    def command(self) -> Command: ...
    @property
    def run(self) -> Callable[[Context, Sequence[bytes]], Reply | Slot]: ...
    @property
    def arity(self) -> int: ...
    @property
    def statistics(self) -> CommandStatistics: ...


class Gate(Protocol):
    """Who knows of commands that have to wait for a key to be loaded."""

    def stops(self, context: Context, command: Command, argv: Sequence[bytes]) -> bool:
        """Say whether a command must take the long way."""


class Executor(Protocol):
    """What the dispatcher offers to those who run commands that another node has sent on."""

    @property
    def now_ns(self) -> Callable[[], int]:
        """A clock that only differences are taken of."""

    @property
    def gate(self) -> Gate | None: ...
    @property
    def fast_here(self) -> Mapping[bytes, Bound]: ...
    def execute_here(
        self, context: Context, argv: list[bytes]
    ) -> Any:  # a mark of the dispatcher's own among others
        """Return a reply, a Pending, or a class: then it is to be offered again later."""

    def fail_of(self, command: Command, error: CommandError) -> ErrorReply: ...
    def fail(self, bound: Any, error: CommandError) -> ErrorReply: ...  # the dispatcher's own type
    def crash(self, client: Client, bound: Any, argv: Sequence[bytes], error: Exception) -> ErrorReply: ...
    def count(
        self, client: Client, bound: Any, ended_ns: list[int], commands: Sequence[Sequence[bytes]], done: int
    ) -> None: ...


class Runner:
    """Runs one command after another, and keeps their order when CLIENT PAUSE holds them up."""

    def __init__(self, node: Node, executor: Executor) -> None:
        self.node = node
        self.executor = executor
        self.watchers: dict[Client, None] = {}
        """Those who watch keys here for clients of other nodes."""
        self._held: deque[tuple[Context, list[bytes], Fill, Stray]] = deque()

    @property
    def holds(self) -> Holds | None:
        """Return who keeps answers back until copies have what they tell of."""
        holds = self.node.holds
        assert holds is None or isinstance(holds, Holds)
        return holds

    def held_back(self, fill: Fill) -> Fill:
        """Return what gives the answer to ``fill`` when it may be seen: for clients of this node."""
        holds = self.holds
        return fill if holds is None else holds.filling(fill)

    @property
    def is_held(self) -> bool:
        """Whether commands wait for the end of a pause."""
        return bool(self._held)

    def context(self, connection: Connection, db: int, protocol: int, address: str = "") -> Context:
        """Return a context for commands of that database and RESP version."""
        client = Client(self.node.clients.next_id(), connection, address, "", self.node.clock.now_ms)
        client.is_authenticated = True
        client.protocol = protocol
        client.db_index = db
        client.refresh()
        return Context(self.node, client)

    def run(self, context: Context, argv: list[bytes], fill: Fill, stray: Stray = lambda: False) -> bool:
        """Run a command; ``fill`` gets the reply's bytes, now (then True is returned) or later, unless ``stray`` takes it.

        Whether anybody may see them yet is for ``fill`` to ask, or for ``held_back``.
        """
        if self._held:
            self._held.append((context, argv, fill, stray))
            return False
        return self._run(context, argv, fill, stray)

    def run_for(self, client: Client, argv: list[bytes], fill: Fill, stray: Stray = lambda: False) -> None:
        """Run a part of what a client of this node has asked for, in its database and RESP version."""
        context = self.context(client.connection, client.db_index, client.protocol, client.address)
        self.run(context, argv, self.held_back(fill), stray)

    def run_transaction(
        self, context: Context, queue: Sequence[list[bytes]], fill: Fill, *, is_dirty: bool = False
    ) -> bool:
        """Run the commands of a transaction in one go."""
        client = context.client
        client.transaction = Transaction()
        try:
            for argv in queue:
                client.transaction.add(self.node.table.resolve(argv), argv)
        except CommandError as error:  # the nodes are of different versions
            discard_transaction(self.node, client)
            fill(encode(ErrorReply(error.code, error.message), client.protocol))
            return True
        client.is_dirty = client.is_dirty or is_dirty
        return self.run(context, [b"EXEC"], fill)

    def release(self) -> None:
        """Go on after a pause."""
        while self._held:
            context, argv, fill, stray = self._held.popleft()
            before = len(self._held)
            if self._has_strayed(context, argv):
                if not stray():
                    fill(encode(STRAYED, context.client.protocol))
            elif not self._run(context, argv, fill, stray) and len(self._held) > before:
                self._held.rotate(1)  # held again: it was the first, and stays it
                return

    def _has_strayed(self, context: Context, argv: list[bytes]) -> bool:
        """Say whether something has waited until its keys were another node's."""
        router, transaction = self.node.router, context.client.transaction
        calls = [] if transaction is None else transaction.queue
        try:
            calls = calls or [(self.node.table.resolve(argv), argv)]
        except CommandError:
            return False  # it says itself what is wrong with it
        if router is None or not any(router.gone(command, words) for command, words in calls):
            return False
        if transaction is not None:
            discard_transaction(self.node, context.client)
        return True

    def _run(self, context: Context, argv: list[bytes], fill: Fill, stray: Stray) -> bool:
        reply = self.executor.execute_here(context, argv)
        if isinstance(reply, type):
            self._held.append((context, argv, fill, stray))
            return False
        protocol = context.client.protocol
        if isinstance(reply, Pending):

            def finish(late: Reply) -> None:
                if late is not STRAYED or not stray():
                    fill(encode(late, protocol))

            reply.when_done(finish)
            return reply.is_done
        fill(encode(reply, protocol))
        return True
