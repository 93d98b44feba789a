"""Where a client's command runs: here, at the owner of its keys, or at several nodes.

``bound`` puts the question in front of the functions on the short way: one hash and one look at a table for a
command with one key. Everything else comes through ``route``. Both return None or the reply where the
command is for this node, and a slot where it was sent on.

Clients of the cluster port are told where a key lives (MOVED) instead; what concerns all nodes
concerns only this one for them, because they ask every node themselves.
"""

from binascii import crc_hqx
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeAlias

from ...commands.arguments import Access
from ...commands.client import Client, Transaction
from ...commands.cluster_errors import NOT_SERVED, STRAYED, clusterdown, crossslot, moved
from ...commands.context import Context
from ...commands.errors import CommandError
from ...commands.node import Node
from ...commands.pending import Pending, Slot
from ...commands.spec import Command, Flag, Trait
from ...commands.spread import Join, Over, Spread
from ...keyspace.slots import PARTITIONS, SLOTS, SLOTS_PER_PARTITION, key_partition, key_slot, partition_of
from ...protocol.encoder import encode
from ...protocol.replies import ErrorReply, Reply
from ..membership.member import Member
from ..replication.copy_reads import CopyReads
from ..replication.holds import Holds
from .batch import Batch, Sink
from .destination import Destination
from .directory import Directory
from .joining import JOINS, Joining, cut, in_key_order
from .places import first_key, partitions_of_keys, slots_of
from .runner import Runner
from .transactions import RemoteTransactions
from .walking import Walks

SLOT_MASK: Final = SLOTS - 1
SLOT_BITS: Final = SLOTS_PER_PARTITION.bit_length() - 1
"""The partition of a slot stands above these."""

OPENS: Final = ord("{")

Answer: TypeAlias = Reply | Slot
"""Named here, since to evaluate it for each command would take half of the time that binding takes."""

Bound: TypeAlias = Callable[[Context, Sequence[bytes]], Answer]


class Addresses(Protocol):
    """Where clients of the cluster port are sent."""

    def client_address(self, id: bytes) -> tuple[str, int]: ...
    @property
    def others(self) -> Sequence[Member]:
        """The other members that are there."""


class Router:
    """See ``commands.node.Router``."""

    def __init__(self, node: Node, directory: Directory, runner: Runner, addresses: Addresses) -> None:
        self._node = node
        self._directory = directory
        self._runner = runner
        self._addresses = addresses
        self._transactions = RemoteTransactions(node, directory, runner)
        self._walks = Walks(node, directory, runner)
        self.copies: CopyReads | None = None
        """Reads copies that are here; set where there are any."""
        directory.cut_again = self._cut_again
        directory.on_moved = self._transactions.move

    # -- the short way ---------------------------------------------------------------

    @property
    def marks(self) -> tuple[bytearray, list[int]]:
        holds = self._runner.holds
        return self._directory.mine, [] if holds is None else holds.written

    def bound(self, command: Command, run: Bound) -> Bound:
        """Return ``run`` with the question in front of it whether the key is here."""
        if not command.spans or command.spans[0].access is Access.NOT_KEY:
            return run if command.spread is None else self._bound_by_route(command, run)
        first, last, _, counted, _ = command.spans[0]
        if len(command.spans) > 1 or first != 1 or last != 0 or counted:
            return self._bound_by_route(command, run)
        mine, forward = self._directory.mine, self._forward
        if self._runner.holds is not None:
            return self._bound_with_holds(command, run, self._runner.holds)

        def routed(context: Context, argv: Sequence[bytes]) -> Answer:
            key = argv[1]
            # A number is looked for in a tenth of the time that a text takes: 17 of 140 ns.
            slot = key_slot(key) if OPENS in key else crc_hqx(key, 0) & SLOT_MASK
            if mine[slot]:
                return run(context, argv)
            return forward(context.client, argv, slot)

        return routed

    def _bound_with_holds(self, command: Command, run: Bound, holds: Holds) -> Bound:
        """Put the second question behind it, whether the reply may be seen."""
        mine, forward = self._directory.mine, self._forward
        written, after, fail = holds.written, holds.after, self._runner.executor.fail_of

        def routed(context: Context, argv: Sequence[bytes]) -> Answer:
            key = argv[1]
            slot = key_slot(key) if OPENS in key else crc_hqx(key, 0) & SLOT_MASK
            mark = mine[slot]
            if not mark:
                return forward(context.client, argv, slot)
            try:
                reply = run(context, argv)
            except CommandError as error:
                if mark == 1 and not written:
                    raise
                reply = fail(command, error)
            if mark == 1 and not written:
                return reply
            return after(context.client, reply, slot >> SLOT_BITS)  # type: ignore[arg-type]  # no slot: it ran here

        return routed

    def _bound_by_route(self, command: Command, run: Bound) -> Bound:
        holds, executor = self._runner.holds, self._runner.executor

        def routed(context: Context, argv: Sequence[bytes]) -> Answer:
            assert isinstance(argv, list)
            slot = self.route(context, command, argv)
            if slot is not None:
                return slot
            if holds is None:
                return run(context, argv)
            holds.touch(command, argv)
            try:
                reply = run(context, argv)
            except CommandError as error:
                if not holds.has_news:
                    raise
                reply = executor.fail_of(command, error)
            return holds.after_all(context.client, reply) if holds.has_news else reply  # type: ignore[arg-type]

        return routed

    def _forward(self, client: Client, argv: Sequence[bytes], slot: int) -> Slot:
        """Send a command to the owner of a slot that is not ours."""
        if client.is_redirected:
            return self._read_copy(client, argv, slot)
        partition = partition_of(slot)
        place = Slot(client.connection)
        target = self._directory.targets[partition]
        if target is None:
            self._directory.wait_for_owner(client, place, list(argv), partition)
            return place
        target.add(client, place, argv, partition)  # type: ignore[arg-type]  # a session's words are a list
        return place

    def _read_copy(self, client: Client, argv: Sequence[bytes], slot: int) -> Slot:
        """Answer from the copy that is here, if the client has agreed to that; or tell it where the key lives."""
        command = self._node.table.resolve(argv)
        if self.copies is None or not self.copies.serves(client, command, partition_of(slot)):
            raise self._moved(slot)
        try:
            reply = self.copies.read(Context(self._node, client), command, argv)
        except CommandError as error:
            reply = self._runner.executor.fail_of(command, error)
        place = Slot(client.connection)
        place.fill(encode(reply, client.protocol))
        return place

    # -- the long way ------------------------------------------------------------------

    def route(  # noqa: PLR0911  # a way out per kind of command
        self, context: Context, command: Command, argv: list[bytes]
    ) -> Slot | None:
        """Send a command on, or return None; see ``commands.node.Router``."""
        client = context.client
        if Trait.WATCHES in command.traits:
            return self._watch(client, command, argv)
        if Trait.RUNS_TRANSACTION in command.traits and client.transaction is not None:
            return self._run_transaction(client)
        spread = command.spread
        if spread is not None and spread.over is Over.MEMBERS:
            return self._ask_members(client, spread, argv)
        if spread is not None and spread.over is not Over.KEYS:
            return None if client.is_redirected else self._spread(context, command, argv)
        slots = slots_of(command, argv)
        if not slots:
            return None
        if len(slots) > 1:
            if spread is None or client.is_redirected:
                raise crossslot()
            if all(map(self._directory.mine.__getitem__, slots)):
                return None
            return self._split(context, command, argv)
        [slot] = slots
        return None if self._directory.mine[slot] else self._forward(client, argv, slot)

    def check_queued(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        """Refuse what cannot be part of a transaction here."""
        client = context.client
        is_spread = command.spread is not None and command.spread.over is not Over.KEYS
        if is_spread and Trait.LATE not in command.traits and not client.is_redirected:
            raise CommandError(
                f"{command.name} concerns every node of the cluster and cannot be part of a transaction"
            )
        slots = slots_of(command, argv)
        if len(slots) > 1:
            raise crossslot()
        if client.is_redirected and slots and not self._directory.mine[next(iter(slots))]:
            raise self._moved(next(iter(slots)))

    def serves(self, key: bytes) -> bool:
        """Say whether a key is this node's: others' commands for it run at once, whatever our own wait for."""
        return bool(self._directory.owned[key_partition(key)])

    def gone(self, command: Command, argv: Sequence[bytes]) -> set[int]:
        """Return the partitions of a call's keys that are not served here."""
        owned = self._directory.owned
        return {partition for partition in partitions_of_keys(command, argv) if not owned[partition]}

    def follow(
        self,
        client: Client,
        command: Command,
        argv: Sequence[bytes],
        pending: Pending,
        note: Callable[[], None],
    ) -> Pending:
        """Let a command that waits here go where its key goes, if it has one place; see ``commands.node.Router``.

        A part of a transaction has none of its own, and what concerns the session must happen here.
        """
        partitions = partitions_of_keys(command, argv)
        if len(partitions) != 1 or Trait.SESSION in command.traits:
            return pending
        [partition] = partitions
        if not client.is_redirected:
            return self._directory.here.wait(client, argv, partition, pending, note)
        late = Pending()
        pending.when_done(lambda reply: late.resolve(self._told(partition) if reply is STRAYED else reply))
        return late

    def _told(self, partition: int) -> ErrorReply:
        """Tell a client of the cluster port where a key has gone that its command has waited for."""
        error = self._moved(partition << SLOT_BITS)
        return ErrorReply(error.code, error.message) if error.code == "MOVED" else STRAYED

    def unwatch(self, client: Client) -> None:
        """End what other nodes watch for a client."""
        self._transactions.unwatch(client)

    def connection_lost(self, id: bytes) -> None:
        """Note that a node has forgotten what it watched for clients of this one."""
        self._transactions.lose(id)

    # -- transactions --------------------------------------------------------------------

    def _watch(self, client: Client, command: Command, argv: list[bytes]) -> Slot | None:
        if client.transaction is not None:
            return None  # WATCH itself says what is wrong with that
        slots = slots_of(command, argv)
        if len(slots) > 1:
            raise crossslot()
        [slot] = slots
        if self._directory.mine[slot]:
            return None
        if client.is_redirected:
            raise self._moved(slot)
        return self._transactions.watch(client, argv[1:], partition_of(slot))

    def _run_transaction(self, client: Client) -> Slot | None:
        transaction = client.transaction
        assert transaction is not None
        slots = {slot for command, argv in transaction.queue for slot in slots_of(command, argv)}
        slots |= {key_slot(key) for _, key in client.watched}
        partitions = self._transactions.watched_partitions(client)
        if transaction.is_broken or client.is_dirty or not (slots or partitions):
            return None  # nothing will run, or nothing that has a place
        if len(slots) > 1 or len(partitions | {partition_of(slot) for slot in slots}) > 1:
            return self._transactions.refuse(client, crossslot())
        partition = next(iter(partitions), None)
        if partition is None:
            [slot] = slots
            if self._directory.mine[slot]:
                return None
            if client.is_redirected:
                return self._transactions.refuse(client, self._moved(slot))
            partition = partition_of(slot)
        self._note_reads(client, transaction)
        return self._transactions.run(client, partition)

    def _note_reads(self, client: Client, transaction: Transaction) -> None:
        """Let a client that tracks keys hear of those that its transaction reads at another node."""
        if client.tracking is not None:
            for command, argv in transaction.queue:
                if Flag.READONLY in command.flags:
                    self._node.tracking.remember(client, command.keys_in(argv))

    # -- several nodes ---------------------------------------------------------------------

    def _split(self, context: Context, command: Command, argv: list[bytes]) -> Slot:
        """Give each owner its keys of a command, and join what they answer."""
        assert command.spread is not None
        command.check_arity(argv)
        if (len(argv) - first_key(command)) % command.spread.words_per_key:
            command.run(context, argv)  # raises its own error before it touches anything
            raise AssertionError(f"{command.name} takes an odd number of words")
        place = Slot(context.client.connection)
        for words, sink in self._cut(command, argv, place):
            self._send_part(context.client, words, words[first_key(command)], sink)
        return place

    def _cut(self, command: Command, argv: list[bytes], whole: Sink) -> list[tuple[list[bytes], Sink]]:
        """Return the words for each owner, and where its reply goes; ``whole`` gets them all as one."""
        assert command.spread is not None
        parts = list(cut(argv, first_key(command), command.spread.words_per_key, self._way_of))
        join = (
            in_key_order([order for _, order in parts])
            if command.spread.join is Join.IN_KEY_ORDER
            else JOINS[command.spread.join]
        )
        joining = Joining(whole, len(parts), join)
        return [(words, joining.part(index)) for index, (words, _) in enumerate(parts)]

    def _way_of(self, key: bytes) -> object:
        """Return something that is equal for keys that go the same way."""
        partition = partition_of(key_slot(key))
        return self._directory.targets[partition] or self._directory.owners[partition][:1]

    def _send_part(self, client: Client, words: list[bytes], key: bytes, sink: Sink) -> None:
        partition = partition_of(key_slot(key))
        target = self._directory.targets[partition]
        if target is not None:
            target.add(client, sink, words, partition)
            return
        if not self._directory.owned[partition]:
            self._directory.wait_for_owner(client, sink, words, partition)
            return
        self._directory.here.run_part(client, sink, words, partition)

    def _cut_again(self, batch: Batch) -> list[Batch]:
        """Cut a command whose owner has changed while it was on its way, if its keys have several owners now."""
        [argv] = batch.commands
        command = self._node.table.resolve(argv)
        if command.spread is None or command.spread.over is not Over.KEYS:
            return [batch]
        whole = batch.sinks[0]
        assert whole is not None
        if len({self._way_of(key) for key in command.keys_in(argv)}) == 1:
            return [batch]  # under its own name: who has run it knows that
        parts = []
        for words, sink in self._cut(command, argv, whole):
            place = partition_of(key_slot(words[first_key(command)]))
            parts.append(self._directory.part_of(batch, words, sink, place))
        return parts

    def _spread(self, context: Context, command: Command, argv: list[bytes]) -> Slot | None:
        """Ask every owner of anything, or one after the other."""
        assert command.spread is not None
        others = self._directory.owning_nodes()
        if not others:
            return None
        if command.spread.over is Over.WALK:
            return self._walks.scan(context, argv)
        if command.spread.over is Over.ANY:
            return self._walks.ask_around(context, argv)
        client = context.client
        place = Slot(client.connection)
        asked: list[Destination | None] = [None, *others]
        if command.spread.join is Join.MIN and not any(self._directory.owned[:PARTITIONS]):
            asked = [*others]
        whole = Joining(place, len(asked), JOINS[command.spread.join])
        for index, destination in enumerate(asked):
            self._walks.ask(destination, client, argv, whole.part(index))
        return place

    def _ask_members(self, client: Client, spread: Spread, argv: list[bytes]) -> Slot:
        """Ask everybody who is there, this node included, whatever they own."""
        others = [self._directory.add_node(one.id) for one in self._addresses.others]
        place = Slot(client.connection)
        judge = spread.judge
        join = JOINS[spread.join] if judge is None else partial(judge, argv)
        whole = Joining(place, len(others) + 1, join, takes_errors=judge is not None)
        words = list(spread.asks) or argv
        for index, destination in enumerate(others, 1):
            self._walks.ask(destination, client, words, whole.part(index))
        self._walks.ask(None, client, words, whole.part(0))
        return place

    def _moved(self, slot: int) -> CommandError:
        owners = self._directory.owners[partition_of(slot)]
        if not owners or owners[0] == self._directory.my_id:
            return clusterdown(NOT_SERVED)
        host, port = self._addresses.client_address(owners[0])
        return moved(slot, host, port)
