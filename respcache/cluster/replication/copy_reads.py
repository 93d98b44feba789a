"""Reads that a node answers from a copy, for clients of the cluster port that have said READONLY.

The command's own handler runs, on a database of its own that holds nothing but the entries it names: what it does there
(notes a use, looks at deadlines) reaches neither the copy nor anybody who follows changes. Only hits and misses are
counted. A copy is told of every change, but a moment later than its server's clients, and it does not
notice by itself when its server is gone: whoever reads here has agreed to that.

Clients that cache what they read (CLIENT TRACKING) are not served: a change that is on its way to the copy may have been told
to nobody when they read the old value, and would not be told again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from ...commands.client import Client
from ...commands.context import Context
from ...commands.node import Node
from ...commands.spec import Command, Flag
from ...keyspace.database import Database
from ...keyspace.entry import Entry
from ...keyspace.journal import Journal
from ...keyspace.slots import key_slot, partition_of
from ...protocol.replies import Reply

Find: TypeAlias = Callable[[int, int, bytes], Entry | None]
"""Returns an entry of a partition, a database and a key, if it is there and alive."""


class CopyReads:
    """Answers reads from the copies of one node."""

    def __init__(self, node: Node, find: Find, is_whole: Callable[[int], bool]) -> None:
        self._node = node
        self._find = find
        self._is_whole = is_whole

    def serves(self, client: Client, command: Command, partition: int) -> bool:
        """Say whether this may be answered from here: a read of a partition whose whole copy is here."""
        return (
            client.reads_copies
            and client.tracking is None
            and Flag.READONLY in command.flags
            and self._is_whole(partition)
        )

    def read(self, context: Context, command: Command, argv: Sequence[bytes]) -> Reply:
        """Run a command that reads; its keys must be those of one partition. Raises CommandError as the command does."""
        scratch = Context(self._node, context.client)
        scratch.db = self._database(context.client.db_index, command.keys_in(argv))
        return command.run(scratch, argv)

    def _database(self, index: int, keys: Iterable[bytes]) -> Database:
        database = Database(index, self._node.clock, Journal(), self._node.statistics)
        own = self._node.keyspace.databases[index]
        database.hash_limits = own.hash_limits
        database.entry_bytes, database.deadline_bytes = own.entry_bytes, own.deadline_bytes
        for key in keys:
            entry = self._find(partition_of(key_slot(key)), index, key)
            if entry is not None and entry.value is not None:
                database.entries[key] = _twin(entry)
        return database


def _twin(entry: Entry) -> Entry:
    """Return an entry with the same value, so that a use that is noted is not noted on the copy."""
    assert entry.value is not None
    twin = Entry(entry.key, entry.value, entry.seen)
    twin.expires_at_ms = entry.expires_at_ms
    return twin
