"""What is written again of a partition; with real nodes: tests/cluster/e2e/test_writing.py."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from respcache.app.inheriting import LATELY_MS, changed_since, deletions_of, join_writers
from respcache.cluster.hub import Hub
from respcache.cluster.replication.debts import Debts
from respcache.cluster.replication.tables import Part
from respcache.cluster.replication.versions import MS_SHIFT
from respcache.commands.writes import KeyChange, PlainValue
from respcache.keyspace.entry import Entry
from respcache.keyspace.hashes import Hash
from respcache.keyspace.slots import key_partition
from respcache.loading.loading import Loading
from tests.cluster.replication.nodes import Node, told

NOW_MS = 1_700_000_000_000
P = key_partition(b"a")


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


class Lender:
    """Loaders that keep what they are told to write; of keys that begin with ``no`` they know nothing."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[int, bytes], PlainValue | None] = {}
        self.forgotten: list[bytes] = []
        self.debts: Debts | None = None

    def join_cluster(self, debts: Debts) -> None:
        self.debts = debts

    def note(self, changes: Sequence[KeyChange]) -> None:
        for change in changes:
            if not change.key.startswith(b"no"):
                self.waiting[change.db, change.key] = change.value

    def is_pending(self, db: int, key: bytes) -> bool:
        return (db, key) in self.waiting

    def waiting_of(self, partition: int) -> list[KeyChange]:
        return [KeyChange(db, key, value) for (db, key), value in self.waiting.items()]

    def forget(self, db: int, key: bytes) -> None:
        if self.waiting.pop((db, key), b"") != b"":
            self.forgotten.append(key)

    def unwritten(self) -> set[int]:
        return {5} if self.waiting else set()

    def hasten(self, partition: int) -> None:
        """Have nothing to do."""


class Joined:
    """A node whose cluster and loaders know of each other; it serves the partition of its keys."""

    def __init__(self) -> None:
        self.node = Node()
        self.debts = Debts(self.node.recorder)
        self.part = self.node.recorder.parts[P]
        self.lender = Lender()
        self.hub = SimpleNamespace(
            node=self.node.harness.node,
            replication=SimpleNamespace(
                recorder=self.node.recorder,
                holdings=self.node.holdings,
                debts=self.debts,
                serving=SimpleNamespace(),
            ),
        )
        join_writers(cast(Loading, self.lender), cast(Hub, self.hub))

    def serve_again(self) -> None:
        self.node.holdings.release(P)
        self.node.holdings.adopt(P)


@pytest.fixture
def joined() -> Joined:
    return Joined()


def test_whoever_inherits_a_partition_hands_it_to_the_loaders(joined: Joined) -> None:
    node, clock = joined.node, joined.node.harness.clock
    node.client("SET {a}old 1")
    clock.advance(1)
    node.client("SET a 1")
    node.client("SET c{a} 1")
    node.client("DEL c{a}")
    node.client("SET {a}expired 1")
    node.client("EXPIRE {a}expired 0")
    joined.debts.owe(0, b"c{a}")
    clock.advance(LATELY_MS)
    joined.hub.replication.serving.on_inherited(P)
    assert joined.lender.waiting == {(0, b"a"): b"1", (0, b"c{a}"): None}
    assert joined.hub.unwritten() == {5}
    assert joined.lender.debts is joined.debts
    assert list(joined.part.owed) == [(0, b"c{a}")]
    joined.hub.hasten(P)


def test_a_debt_that_no_loader_takes_over_is_none_any_more(joined: Joined) -> None:
    joined.node.client("SET no{a} 1")
    joined.node.client("DEL no{a}")
    joined.debts.owe(0, b"no{a}")
    joined.hub.replication.serving.on_inherited(P)
    assert (joined.lender.waiting, joined.part.owed) == ({}, {})


def test_a_debt_that_was_overtaken_is_not_written(joined: Joined) -> None:
    joined.node.client("SET a 1")
    joined.part.owed[0, b"a"] = joined.node.db.entries[b"a"].version - 1
    joined.node.harness.clock.advance(LATELY_MS + 1)
    joined.hub.replication.serving.on_inherited(P)
    assert (joined.lender.waiting, joined.part.owed) == ({}, {})


def test_what_has_waited_since_a_partition_was_last_served_gives_way_to_what_is_there(joined: Joined) -> None:
    waiting = joined.lender.waiting
    for key in ("a", "c{a}", "{a}deleted", "{a}owed"):
        joined.node.client(f"SET {key} newer")
    for key in ("{a}deleted", "{a}owed"):
        joined.node.client(f"DEL {key}")
    joined.debts.owe(0, b"{a}owed")
    waiting.update(
        {
            (0, b"a"): b"older",
            (0, b"c{a}"): None,
            (0, b"{a}deleted"): b"older",
            (0, b"{a}owed"): b"older",
            (0, b"{a}evicted"): b"only here",
            (0, b"{a}settled"): None,
        }
    )
    joined.serve_again()
    assert waiting == {
        (0, b"a"): b"newer",
        (0, b"c{a}"): b"newer",
        (0, b"{a}owed"): None,
        (0, b"{a}evicted"): b"only here",
    }
    assert sorted(joined.lender.forgotten) == [b"{a}deleted", b"{a}settled"]


@pytest.mark.parametrize(
    ("commands", "age_ms", "before", "after"),
    [
        (["SET a 2"], 0, None, {b"a": b"2"}),
        (["SET a 2"], LATELY_MS + 10, None, {}),
        (["SET a 2"], LATELY_MS + 10, b"1", {b"a": b"2"}),
        (["SET a 2", "DEL a"], 0, b"1", {}),
        (["SET a 2", "DEL a", "owe"], 0, b"1", {b"a": None}),
        (["SET a 2", "DEL a", "owe"], LATELY_MS + 10, None, {b"a": None}),
    ],
)
def test_what_is_merged_is_written_and_nothing_older(
    joined: Joined, commands: list[str], age_ms: int, before: bytes | None, after: dict[bytes, Any]
) -> None:
    other = Node(b"other")
    other.harness.clock.advance(5)
    for command in commands:
        if command == "owe":
            Debts(other.recorder).owe(0, b"a")
        else:
            other.client(command)
    if before is not None:
        joined.node.client("SET a 1")
        joined.lender.waiting[0, b"a"] = before
    joined.node.harness.clock.advance(age_ms)
    for record in other.holdings.records(P):
        joined.node.holdings.merge(P, told(record))
    assert {key: value for (_, key), value in joined.lender.waiting.items()} == after


def test_debts_and_loaders_end_together(joined: Joined) -> None:
    joined.node.client("SET a 1")
    joined.node.client("DEL a")
    joined.debts.owe(0, b"a")
    assert list(deletions_of(joined.part)) == [KeyChange(0, b"a", None)]
    joined.debts.settle(0, b"a")
    assert list(deletions_of(joined.part)) == []
