"""Which records count, one by one; that all of them together make the same copy is claimed in ``test_copies_model.py``."""

from typing import Any

import pytest

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.replication.applying import Account
from respcache.cluster.replication.records import (
    DEADLINE,
    DROPPED,
    FLUSHED,
    HASH,
    HASH_PART,
    REMOVED,
    STRING,
    STRING_PART,
)
from respcache.cluster.replication.versions import FOLLOWED_MS, MS_SHIFT
from respcache.keyspace.entry import Entry
from respcache.keyspace.slots import key_partition
from tests.cluster.replication.nodes import Node

P = key_partition(b"a")
TAG = 9


@pytest.fixture
def node() -> Node:
    return Node(serves=())


def string(clock: int, value: bytes = b"v", *, is_raw: bool = False, key: bytes = b"a") -> list[Any]:
    return [STRING, P, 0, key, clock, TAG, 0, value, is_raw]


def hash_(clock: int, *words: bytes) -> list[Any]:
    return [HASH, P, 0, b"a", clock, TAG, 0, list(words), True]


def part(clock: int, base: int, offset: int, written: bytes) -> list[Any]:
    return [STRING_PART, P, 0, b"a", clock, TAG, base, TAG, 0, offset, written]


def fields(clock: int, base: int, words: list[bytes], deleted: list[bytes]) -> list[Any]:
    return [HASH_PART, P, 0, b"a", clock, TAG, base, TAG, 0, words, deleted, False]


def removed(clock: int) -> list[Any]:
    return [REMOVED, P, 0, b"a", clock, TAG]


def dropped(clock: int) -> list[Any]:
    return [DROPPED, P, 0, b"a", clock, TAG]


def flushed(clock: int) -> list[Any]:
    return [FLUSHED, P, 0, clock, TAG]


def value(node: Node) -> Any:
    entry = node.holdings.find(P, 0, b"a")
    return None if entry is None else entry.value


@pytest.mark.parametrize(
    ("records", "outcomes", "left"),
    [
        ([string(5), string(5, b"w"), string(4, b"w")], "DONE OLDER OLDER", b"v"),
        ([string(5), string(6, b"w")], "DONE DONE", b"w"),
        ([string(5), hash_(6, b"f", b"1"), string(7)], "DONE DONE DONE", b"v"),
        ([string(5), removed(5), string(5)], "DONE DONE OLDER", None),
        ([removed(5), string(5), string(6), removed(5)], "DONE OLDER DONE OLDER", b"v"),
        ([removed(5), removed(4), removed(5)], "DONE OLDER OLDER", None),
        ([string(5), dropped(4), dropped(5), dropped(5)], "DONE OLDER DONE OLDER", None),
        ([string(5), dropped(5), string(5)], "DONE DONE DONE", b"v"),
        ([string(5), flushed(4), flushed(4)], "DONE DONE OLDER", b"v"),
        ([string(5), flushed(5), string(5), removed(5), string(6)], "DONE DONE OLDER OLDER DONE", b"v"),
        ([string(5, b"ab", is_raw=True), part(6, 5, 1, b"xy"), part(6, 5, 1, b"xy")], "DONE DONE OLDER", b"axy"),
        ([part(6, 5, 0, b"x")], "MISSING", None),
        ([string(5, b"ab", is_raw=True), part(7, 6, 0, b"x")], "DONE MISSING", b"ab"),
        ([removed(7), part(6, 5, 0, b"x"), part(8, 5, 0, b"x")], "DONE OLDER MISSING", None),
    ],
)  # fmt: skip
def test_the_newer_counts(node: Node, records: list[list[Any]], outcomes: str, left: bytes | None) -> None:
    assert node.apply(records) == outcomes.split()
    assert value(node) == left


def test_fields_come_and_go(node: Node) -> None:
    node.apply([hash_(5, b"f", b"1", b"g", b"2"), fields(6, 5, [b"h", b"3"], []), fields(7, 6, [], [b"f"])])
    assert value(node).fields == {b"g": b"2", b"h": b"3"}
    assert value(node).encoding == "hashtable"


def test_a_hash_without_fields_is_never_kept(node: Node) -> None:
    assert node.apply([hash_(5, b"f", b"1"), fields(6, 5, [], [b"f"])]) == ["DONE", "MISSING"]
    assert (value(node), node.holdings.copied_entries) == (None, 0)


def test_a_deadline_comes_and_goes(node: Node) -> None:
    late = node.harness.clock.now_ms + 1000
    node.apply([string(5), [DEADLINE, P, 0, b"a", 6, TAG, 5, TAG, late]])
    assert node.recorder.parts[P].table(0).entries[b"a"].expires_at_ms == late
    node.apply([[DEADLINE, P, 0, b"a", 7, TAG, 6, TAG, 0]])
    assert node.recorder.parts[P].table(0).entries[b"a"].expires_at_ms is None


def test_a_copy_never_expires_by_itself(node: Node) -> None:
    node.apply([[STRING, P, 0, b"a", 5, TAG, node.harness.clock.now_ms + 10, b"v", False]])
    node.harness.clock.advance(1000)
    node.harness.sweep()
    assert node.holdings.summary(P)[0] == 1
    assert node.holdings.find(P, 0, b"a") is None


def test_while_a_copy_is_told_what_is_not_there_yet_may_change(node: Node) -> None:
    node.holdings.begin(P)
    assert node.apply([part(6, 5, 0, b"x"), string(6, b"xb", is_raw=True)]) == ["OLDER", "DONE"]
    node.holdings.end(P)
    assert node.apply([part(8, 7, 0, b"x")]) == ["MISSING"]


def test_what_is_served_here_is_left_alone() -> None:
    node = Node()
    node.client("SET a mine")
    assert node.apply([string(1 << 62)]) == ["OLDER"]
    assert node.client("GET a") == b"mine"


def test_the_clock_follows_what_it_sees_unless_that_is_absurd(node: Node) -> None:
    soon, absurd = (node.harness.clock.now_ms + ms << 16 for ms in (1000, FOLLOWED_MS * 2))
    node.apply([string(soon), string(absurd, key=b"c{a}")])
    assert soon << 32 < node.clock.next() < soon + 2 << 32
    assert node.holdings.summary(P)[2] >> MS_SHIFT == absurd >> 16


@pytest.mark.parametrize(
    "record",
    [part(6, 5, 3, b"x"), part(6, 5, -1, b"x"), part(6, 5, 0, None), fields(6, 5, [b"f", b"1"], []), fields(6, 5, [b"f"], [])],  # type: ignore[arg-type]
)  # fmt: skip
def test_parts_must_fit(node: Node, record: list[Any]) -> None:
    node.apply([string(5, b"ab", is_raw=True)])
    with pytest.raises(BrokenFrameError):
        node.holdings.apply(P, record)
    assert value(node) == b"ab"


def test_an_account_of_many_entries_is_that_of_each() -> None:
    entries = [Entry(b"a", b"1", 0), Entry(b"bc", bytearray(b"raw"), 0), Entry(b"d", b"", 0)]
    one, all_at_once = Account(), Account()
    for entry in entries:
        one.add(entry)
    all_at_once.add_all(entries)
    assert (one.entries, one.payload_bytes) == (all_at_once.entries, all_at_once.payload_bytes) == (3, 8)
    all_at_once.take_all(entries[:2])
    assert (all_at_once.entries, all_at_once.payload_bytes) == (1, 1)
