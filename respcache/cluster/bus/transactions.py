"""WATCH and EXEC whose keys another node owns.

The owner watches for the client (``inlet.py``) and runs the transaction whole. What is known here is which nodes
watch for whom. When such a node is lost, or a watched partition changes hands, the client's EXEC runs nothing: nobody
can say any more that the keys have not changed.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from ...commands.client import Client
from ...commands.errors import CommandError
from ...commands.node import Node
from ...commands.numbers import parse_integer
from ...commands.pending import Slot
from ...commands.spec import Command, Flag, Trait
from ...commands.transactions import discard_transaction
from ...keyspace.slots import key_slot, partition_of
from ...protocol.encoder import encode
from ...protocol.replies import ErrorReply
from .batch import Notice, TransactionBatch, WatchBatch
from .destination import Destination
from .directory import Directory
from .frames import UNWATCH, Unwatch, frame
from .runner import Runner

TRIES_AGAIN: Final = "the owner of the transaction's keys is changing"


class _Watches:
    """What other nodes watch for one client."""

    __slots__ = ("client", "nodes", "partitions")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.nodes: set[bytes] = set()
        self.partitions: set[int] = set()


class _End:
    """Where EXEC's reply arrives: the client may go on, in the database that the transaction has left it in."""

    def __init__(self, slot: Slot, client: Client, selected: int | None) -> None:
        self._slot = slot
        self._client = client
        self._selected = selected

    def fill(self, wire: bytes) -> None:
        client = self._client
        client.is_blocked = False
        if self._selected is not None and wire.startswith(b"*") and not wire.startswith(b"*-1"):
            client.connection.select(self._selected)
        client.refresh()
        self._slot.fill(wire)
        client.connection.release()


class RemoteTransactions:
    """Watches and transactions of this node's clients at other nodes."""

    def __init__(self, node: Node, directory: Directory, runner: Runner) -> None:
        self._node = node
        self._directory = directory
        self._runner = runner
        self._watches: dict[int, _Watches] = {}

    def watch(self, client: Client, keys: list[bytes], partition: int) -> Slot:
        """Have the owner watch keys for a client."""
        target = self._target(partition)
        slot = Slot(client.connection)
        directory = self._directory
        batch = WatchBatch(directory.next_number(), client.db_index, directory.now_s(), client.id, target.id)
        batch.sinks, batch.commands, batch.places, batch.left = [slot], [keys], [partition], 1
        batch.size_bytes = sum(map(len, keys))
        watches = self._watches.setdefault(client.id, _Watches(client))
        watches.nodes.add(target.id)
        watches.partitions.add(partition)
        client.remote_watches.add(target.id)
        target.append(client, batch)
        return slot

    def watched_partitions(self, client: Client) -> set[int]:
        """Return the partitions that other nodes watch for a client."""
        watches = self._watches.get(client.id)
        return set(watches.partitions) if watches is not None else set()

    def unwatch(self, client: Client) -> None:
        """End all watches of a client elsewhere."""
        self._watches.pop(client.id, None)
        for peer_id in sorted(client.remote_watches):
            destination = self._directory.destinations.get(peer_id)
            if destination is not None:
                destination.channel_of(client).append(Notice(frame(UNWATCH, Unwatch(client.id))))
        client.remote_watches = set()

    def refuse(self, client: Client, error: CommandError) -> Slot:
        """End a transaction that cannot run; return the error in EXEC's place."""
        self._watches.pop(client.id, None)
        discard_transaction(self._node, client)
        slot = Slot(client.connection)
        slot.wire = encode(ErrorReply(error.code, error.message), client.protocol)
        return slot

    def run(self, client: Client, partition: int) -> Slot:
        """Have the owner run a client's transaction; until its answer the client runs nothing else."""
        transaction = client.transaction
        assert transaction is not None
        try:
            selected = self._check(transaction.queue)
            target = self._directory.targets[partition]
            if target is None:
                raise CommandError(TRIES_AGAIN, "TRYAGAIN")
        except CommandError as error:
            return self.refuse(client, error)
        slot = Slot(client.connection)
        batch = TransactionBatch(
            self._directory.next_number(),
            client.db_index,
            client.protocol,
            self._directory.now_s(),
            client.id,
            is_watching=bool(client.remote_watches),  # all at the owner of this partition, as it was then
        )
        batch.sinks, batch.left = [_End(slot, client, selected)], 1
        batch.commands, batch.places = [argv for _, argv in transaction.queue], [partition]
        batch.size_bytes = transaction.size_bytes
        if isinstance(target, Destination):
            client.remote_watches.discard(target.id)  # EXEC itself ends them there
        self._watches.pop(client.id, None)
        discard_transaction(self._node, client)
        client.is_blocked = True
        client.refresh()
        target.append(client, batch)
        return slot

    def lose(self, id: bytes) -> None:
        """Note that a node's memory of watches is gone: its connection was lost."""
        for watches in self._watches.values():
            if id in watches.nodes:
                watches.client.is_dirty = True

    def move(self, partitions: Iterable[int]) -> None:
        """Note that partitions have changed hands: whoever watches a key there cannot be sure of it."""
        changed = set(partitions)
        for watches in self._watches.values():
            if watches.partitions & changed:
                watches.client.is_dirty = True
        for client in (*self._node.clients, *self._runner.watchers):
            if client.watched and any(partition_of(key_slot(key)) in changed for _, key in client.watched):
                client.is_dirty = True

    def _check(self, queue: list[tuple[Command, list[bytes]]]) -> int | None:
        """Refuse what would change the session where the client is not; return the database that SELECT leaves."""
        selected = None
        for command, argv in queue:
            if Trait.SELECTS in command.traits:
                with suppress(CommandError):  # it will fail there as it would here
                    index = parse_integer(argv[1])
                    selected = index if 0 <= index < len(self._node.keyspace.databases) else selected
            elif Trait.SESSION in command.traits or Flag.ADMIN in command.flags:
                raise CommandError(
                    f"{command.name} cannot be part of a transaction whose keys another node owns"
                )
        return selected

    def _target(self, partition: int) -> Destination:
        target = self._directory.targets[partition]
        if not isinstance(target, Destination):  # it changes hands
            raise CommandError(TRIES_AGAIN, "TRYAGAIN")
        return target
