"""Finding out what a command will change before it changes anything: it is run on copies of its keys.

The copies live in a keyspace of their own, with a journal, statistics and a client of their own, so that nobody hears of what
happens there. Whatever handlers do but for changing keys is left out: only commands that write, or select a database, are run.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from ..commands.client import Client, Connection
from ..commands.clients import Clients
from ..commands.context import Context
from ..commands.errors import CommandError
from ..commands.node import Node
from ..commands.spec import Trait
from ..commands.tracking import Tracking
from ..commands.writes import KeyChange
from ..keyspace.database import NEVER
from ..keyspace.entry import Value
from ..keyspace.hashes import Hash
from ..keyspace.journal import Journal, Notice
from ..keyspace.keyspace import Keyspace
from ..telemetry.statistics import Statistics
from .noting import Noter
from .waiting import Call

Place: TypeAlias = tuple[int, bytes]
"""Database and key."""

COPIED: Final = Notice("g", "copy_to")
RESTORED: Final = Notice("g", "load")


def places_of(call: Call, databases: int) -> list[Place]:
    """Return the keys that a command names, in each database that may be meant."""
    db, command, argv = call
    if not command.spans:
        return []
    keys = command.keys_in(argv)
    if Trait.EVERY_KEY not in command.traits:
        return [(db, key) for key in keys]
    return [(number, key) for key in keys for number in range(databases)]


class Snapshot:
    """What keys held at a moment; nothing is copied, for values that are replaced are not changed."""

    def __init__(self, keyspace: Keyspace, places: Iterable[Place]) -> None:
        self._keyspace = keyspace
        self._held: dict[Place, tuple[Value, int | None] | None] = {}
        for db, key in places:
            entry = keyspace.databases[db].find(key)
            if entry is None or entry.value is None:
                self._held[db, key] = None
            else:
                self._held[db, key] = entry.value, entry.expires_at_ms

    def items(self) -> Iterable[tuple[Place, tuple[Value, int | None] | None]]:
        return self._held.items()

    def restore(self) -> None:
        """Put back what has expired, was evicted or loaded anew meanwhile. Only these can have happened: the keys were busy."""
        for (db, key), held in self._held.items():
            database = self._keyspace.databases[db]
            entry = database.find(key)
            if held is None:
                if entry is not None:
                    database.remove(key, RESTORED)
            elif entry is None or entry.value != held[0]:
                value, deadline_ms = held
                if deadline_ms is not None:  # it lives for the command that was waiting, and dies after it
                    deadline_ms = max(deadline_ms, database.clock.now_ms + 1)
                database.put(key, value, RESTORED, NEVER if deadline_ms is None else deadline_ms)


class Rehearsal:
    """A stage that is used again and again."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._journal = Journal()
        statistics = Statistics()
        self._keyspace = Keyspace(
            node.clock, self._journal, statistics, databases=len(node.keyspace.databases)
        )
        clients = Clients()
        self._stage = dataclasses.replace(
            node,
            keyspace=self._keyspace,
            statistics=statistics,
            clients=clients,
            tracking=Tracking(clients, self._journal),
            command_statistics={},
        )
        self._noter = Noter(self._journal, self._keyspace.databases)

    def run(
        self,
        calls: Sequence[Call],
        snapshot: Snapshot,
        connection: Connection,
        wanted: Callable[[int, bytes], bool],
    ) -> list[KeyChange]:
        """Return what the calls would make of the wanted keys, in the order of the last changes."""
        self._stage.cluster = self._node.cluster
        self._copy(snapshot)
        client = Client(0, connection, "", "", self._node.clock.now_ms)
        client.is_authenticated = True
        context = Context(self._stage, client)
        context.select(calls[0][0])
        changes: dict[Place, KeyChange] = {}
        try:
            for call in calls:
                if call[1].is_write or Trait.SELECTS in call[1].traits:
                    for change in self._run_one(context, call, wanted):
                        changes.pop((change.db, change.key), None)
                        changes[change.db, change.key] = change
        finally:
            self._keyspace.flush_all()
        return list(changes.values())

    def _copy(self, snapshot: Snapshot) -> None:
        for (db, key), held in snapshot.items():
            if held is not None:
                value, deadline_ms = held
                twin = value.copy() if isinstance(value, Hash) else type(value)(value)
                self._keyspace.databases[db].put(key, twin, COPIED, deadline_ms)

    def _run_one(self, context: Context, call: Call, wanted: Callable[[int, bytes], bool]) -> list[KeyChange]:
        _, command, argv = call
        keeps_values = Trait.KEEPS_VALUES in command.traits
        self._noter.begin()
        try:
            command.run(context, argv)
        except CommandError:
            pass  # it will be refused in the same words
        finally:
            changes = self._noter.end((lambda db, key: False) if keeps_values else wanted)
        return changes
