"""What a cluster adds to writing behind: changes that wait are not lost with the node that was to write them.

A node that gives a partition away writes first what waits of it; until it is gone, its changes go through. Who inherits a
partition from a node that has died cannot know which values that had written, so it writes again whatever has changed lately:
the copies' versions tell when. Deletions that wait are known one by one (``cluster/replication/debts.py``), for copies
remember others in the same way as what EXPIRE has removed, and that stays in the database.
"""

from collections.abc import Iterator
from typing import Final

from ..cluster.hub import Hub
from ..cluster.replication.debts import owed_deletions
from ..cluster.replication.tables import Part
from ..cluster.replication.versions import MS_SHIFT
from ..commands.writes import KeyChange, plain_copy
from ..loading.loading import Loading

LATELY_MS: Final = 600_000
"""Ten minutes: for so long a database may be away, and its cache node die, before a value is lost. Deletions have no such time."""


class Inheriting:
    """Hands to loaders what other nodes have left to be written."""

    def __init__(self, loading: Loading, hub: Hub) -> None:
        self._loading = loading
        self._node = hub.node
        self._replication = hub.replication

    @property
    def _since_ms(self) -> int:
        return self._node.clock.now_ms - LATELY_MS

    def adopted(self, partition: int) -> None:
        """Write nothing that waits here since this node last served a partition, but what is there now."""
        part = self._replication.recorder.parts[partition]
        for db, key, value in self._loading.waiting_of(partition):
            table = part.table(db)
            entry = table.entries.get(key)
            if entry is not None and entry.value is not None:
                self._loading.note([KeyChange(db, key, plain_copy(entry.value))])
            elif (db, key) in part.owed:
                self._loading.note([KeyChange(db, key, None)])
            elif value is None or key in table.tombstones:
                self._loading.forget(db, key)

    def inherited(self, partition: int) -> None:
        """Write what the last server of a partition may not have written."""
        part = self._replication.recorder.parts[partition]
        self._loading.note([*changed_since(part, self._since_ms), *deletions_of(part)])
        for db, key in list(part.owed):
            if not self._loading.is_pending(db, key):  # no loader writes it any more, or it was written again
                self._replication.debts.settle(db, key)

    def merged(self, db: int, key: bytes, is_owed: bool) -> None:
        """Write what another node has left of one key, and nothing older."""
        entry = self._node.keyspace.databases[db].entries.get(key)
        if is_owed:
            self._loading.note([KeyChange(db, key, None)])
        elif entry is None or entry.value is None:
            self._loading.forget(db, key)
        elif self._loading.is_pending(db, key) or entry.version >> MS_SHIFT >= self._since_ms:
            self._loading.note([KeyChange(db, key, plain_copy(entry.value))])


def join_writers(loading: Loading, hub: Hub) -> None:
    """Let the cluster know what waits to be written, and loaders of what comes to this node without having been given away."""
    inheriting = Inheriting(loading, hub)
    loading.join_cluster(hub.replication.debts)
    hub.unwritten = loading.unwritten
    hub.hasten = loading.hasten
    hub.replication.holdings.on_adopted = inheriting.adopted
    hub.replication.holdings.merger.on_merged = inheriting.merged
    hub.replication.serving.on_inherited = inheriting.inherited


def changed_since(part: Part, since_ms: int) -> Iterator[KeyChange]:
    """Yield the keys of a partition that have changed since a moment, as they are."""
    for db, entry in part.entries():
        if entry.version >> MS_SHIFT >= since_ms and entry.value is not None:
            yield KeyChange(db, entry.key, plain_copy(entry.value))


def deletions_of(part: Part) -> Iterator[KeyChange]:
    """Yield the keys of a partition that a database must still hear of having been deleted."""
    for db, key in owed_deletions(part):
        yield KeyChange(db, key, None)
