"""A server that serves some partitions, without a cluster around it: real commands, a recorder, and holdings."""

from collections.abc import Iterable
from typing import Any

import msgspec

from respcache.cluster.replication.holdings import Holdings
from respcache.cluster.replication.recorder import Recorder
from respcache.cluster.replication.records import Record
from respcache.cluster.replication.versions import HybridClock
from respcache.keyspace.database import Database
from respcache.keyspace.entry import Entry
from respcache.keyspace.slots import PARTITIONS, key_partition
from tests.commands.harness import Harness

KEYS = (b"a", b"b", b"c{a}", b"{a}d")
PLACES = sorted({key_partition(key) for key in KEYS})
"""The partitions of these keys: two."""


def told(record: Record) -> list[Any]:
    """Return a record as it comes out of a frame."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=list[Any])


class Stream:
    """Keeps what a follower is told."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def add(self, record: Record) -> None:
        self.records.append(record)

    def take(self) -> list[Record]:
        taken, self.records = self.records, []
        return taken


class Node:
    """One server, and the stream to a single follower of all it serves."""

    def __init__(self, name: bytes = b"node", serves: Iterable[int] = PLACES) -> None:
        self.harness = Harness()
        self.client = self.harness.client()
        self.keyspace = self.harness.node.keyspace
        self.clock = HybridClock(lambda: self.harness.clock.now_ms, name)
        self.recorder = Recorder(self.clock)
        self.holdings = Holdings(self.keyspace, self.clock, self.recorder)
        self.stream = Stream()
        self.recorder.routes = [(self.stream,)] * PARTITIONS
        for p in serves:
            self.holdings.adopt(p)

    @property
    def db(self) -> Database:
        return self.keyspace.databases[0]

    def apply(self, records: Iterable[Record]) -> list[str]:
        """Put records onto the copies here; return what came of each."""
        return [self.holdings.apply(record[1] & (PARTITIONS - 1), told(record)).name for record in records]

    def digests(self) -> list[tuple[bytes, int, int]]:
        """Return what must be equal on nodes with equal copies."""
        return [(self.holdings.content_digest(p), *self.holdings.summary(p)[:2]) for p in PLACES]

    def owed(self) -> list[dict[tuple[int, bytes], int]]:
        """Return the debts of each partition."""
        return [self.recorder.parts[p].owed for p in PLACES]

    def entries(self, p: int) -> list[Entry]:
        return [entry for _, entry in self.recorder.parts[p].entries()]

    def content(self) -> list[tuple[int, bytes, object, int | None]]:
        """Return what the databases hold: number, key, value, deadline."""
        return [
            (db.index, key, getattr(entry.value, "fields", entry.value), entry.expires_at_ms)
            for db in self.keyspace.databases
            for key, entry in sorted(db.entries.items())
        ]
