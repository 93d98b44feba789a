"""What a cluster adds to writing behind: changes that wait are not lost with the node that was to write them.

A node that gives a partition away writes first what waits of it; until it is gone, its changes go through. Who inherits a
partition from a node that has died cannot know what that had written, so it writes again whatever has changed lately: the
copies' versions tell when. Deletions are left out, for copies remember them in the same way as what EXPIRE has
removed, and that stays in the database.
"""

from collections.abc import Iterator
from typing import Final

from ..cluster.hub import Hub
from ..cluster.replication.tables import Part
from ..cluster.replication.versions import MS_SHIFT
from ..commands.writes import KeyChange, plain_copy
from ..loading.loading import Loading

LATELY_MS: Final = 600_000
"""Ten minutes: for so long a database may be away, and its cache node die, before anything is lost."""


def join_writers(loading: Loading, hub: Hub) -> None:
    """Let the cluster know what waits to be written, and loaders of partitions that come to this node."""
    loading.count_partitions()
    hub.unwritten = loading.unwritten
    hub.hasten = loading.hasten

    def inherit(partition: int) -> None:
        since_ms = hub.node.clock.now_ms - LATELY_MS
        loading.note(list(changed_since(hub.replication.recorder.parts[partition], since_ms)))

    hub.on_inherited = inherit


def changed_since(part: Part, since_ms: int) -> Iterator[KeyChange]:
    """Yield the keys of a partition that have changed since a moment, as they are."""
    for db, entry in part.entries():
        if entry.version >> MS_SHIFT >= since_ms and entry.value is not None:
            yield KeyChange(db, entry.key, plain_copy(entry.value))
