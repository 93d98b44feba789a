"""A second server that is told what the first one does, as the holder of its copies in a cluster.

Its clock reads zero for ever: a record that depends on the time at which it is
applied, rather than on the time at which it was made, cannot come out right.
"""

from typing import Any

import msgspec

from respcache.cluster.replication.holdings import Applied, Holdings
from respcache.cluster.replication.recorder import Recorder
from respcache.cluster.replication.records import Record
from respcache.cluster.replication.versions import HybridClock
from respcache.keyspace.slots import PARTITIONS
from tests.commands.harness import Harness
from tests.commands.snapshots import Snapshot, plain


class Copy:
    """Follows all partitions of a leader, and has them at once."""

    def __init__(self, leader: Harness) -> None:
        self._harness = Harness()
        self._harness.clock.now_ms = 0
        self._holdings = _holdings(self._harness)
        leading = _holdings(leader)
        leading.recorder.routes = [(self,)] * PARTITIONS
        for partition in range(PARTITIONS):
            leading.adopt(partition)

    def add(self, record: Record) -> None:
        """Take a record as it comes out of a frame."""
        told = msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=list[Any])
        assert self._holdings.apply(told[1] & (PARTITIONS - 1), told) is Applied.DONE, told

    def snapshot(self) -> Snapshot:
        parts = self._holdings.recorder.parts
        entries = [(db, entry) for part in parts for db, entry in part.entries()]
        return {(db, entry.key): (plain(entry.value), entry.expires_at_ms) for db, entry in entries}


def _holdings(harness: Harness) -> Holdings:
    clock = HybridClock(lambda: harness.clock.now_ms, b"one")
    return Holdings(harness.node.keyspace, clock, Recorder(clock))
