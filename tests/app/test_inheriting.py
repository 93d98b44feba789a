"""What is written again of a partition; with real nodes: tests/cluster/e2e/test_writing.py."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from respcache.app.inheriting import LATELY_MS, changed_since, join_writers
from respcache.cluster.hub import Hub
from respcache.cluster.replication.tables import Part
from respcache.cluster.replication.versions import MS_SHIFT
from respcache.commands.writes import KeyChange
from respcache.keyspace.clock import BatchClock
from respcache.keyspace.entry import Entry
from respcache.keyspace.hashes import Hash
from respcache.loading.loading import Loading

NOW_MS = 1_700_000_000_000


def add(part: Part, db: int, key: bytes, value: Any, age_ms: int) -> None:
    entry = Entry(key, value, NOW_MS)
    entry.version = NOW_MS - age_ms << MS_SHIFT | 7
    part.table(db).entries[key] = entry


def test_what_has_changed_lately_is_copied_as_it_is() -> None:
    part = Part()
    fields = Hash()
    fields.set(b"f", b"1")
    add(part, 0, b"new", b"1", 10)
    add(part, 2, b"hash", fields, 100)
    add(part, 0, b"raw", bytearray(b"2"), 1000)
    add(part, 0, b"old", b"3", 1001)
    part.table(0).tombstones[b"gone"] = NOW_MS << MS_SHIFT
    changes = list(changed_since(part, NOW_MS - 1000))
    fields.set(b"f", b"2")
    assert changes == [
        KeyChange(0, b"new", b"1"),
        KeyChange(0, b"raw", b"2"),
        KeyChange(2, b"hash", {b"f": b"1"}),
    ]


def test_whoever_inherits_a_partition_hands_it_to_the_loaders(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Part(), Part()]
    add(parts[1], 0, b"mine", b"1", LATELY_MS)
    add(parts[1], 0, b"old", b"1", LATELY_MS + 1)
    add(parts[0], 0, b"other", b"1", 0)
    hub = SimpleNamespace(
        node=SimpleNamespace(clock=BatchClock(NOW_MS)),
        replication=SimpleNamespace(recorder=SimpleNamespace(parts=parts)),
    )
    noted: list[KeyChange] = []
    loading = Loading([])
    monkeypatch.setattr(loading, "note", noted.extend)
    join_writers(loading, cast(Hub, hub))
    hub.on_inherited(1)
    assert noted == [KeyChange(0, b"mine", b"1")]
    assert hub.unwritten() == set()
    hub.hasten(1)
