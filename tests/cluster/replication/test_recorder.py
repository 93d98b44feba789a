"""Most is claimed in ``test_copies_model.py``: whatever is done, a copy that hears of it is the same."""

import pytest

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
from respcache.cluster.replication.versions import MS_SHIFT
from respcache.keyspace.lives import Lives, Renewal
from respcache.keyspace.slots import key_partition
from tests.cluster.replication.nodes import PLACES, Node

P = key_partition(b"a")


@pytest.fixture
def node() -> Node:
    return Node()


def kinds(node: Node) -> list[int]:
    return [record[0] for record in node.stream.take()]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        (["SET a 1", "INCR a"], [STRING, STRING]),
        (
            ["SET a 1", "APPEND a x", "APPEND a y", "SETRANGE a 0 z"],
            [STRING, STRING, STRING_PART, STRING_PART],
        ),
        (["HSET a f 1", "HSET a f 2", "HDEL a f"], [HASH, HASH_PART, REMOVED]),
        (["SET a 1", "EXPIRE a 10", "PERSIST a", "PERSIST a"], [STRING, DEADLINE, DEADLINE]),
        (["SET a 1", "RENAME a c{a}"], [STRING, REMOVED, STRING]),
        (["SET a 1", "MOVE a 1"], [STRING, REMOVED, STRING]),
        (["SET a 1", "COPY a c{a}"], [STRING, STRING]),
        (["SET a 1", "DEL a", "DEL a"], [STRING, REMOVED]),
        (["GET a", "EXISTS a", "GETDEL a", "EXPIRE a 10"], []),
    ],
)
def test_each_change_is_one_record(node: Node, commands: list[str], expected: list[int]) -> None:
    for command in commands:
        node.client(command)
    assert kinds(node) == expected


def test_a_gap_that_setrange_leaves_is_told_with_what_is_behind_it(node: Node) -> None:
    node.client("SET a x")
    node.client("APPEND a y")
    node.client("SETRANGE a 4 z")
    assert node.stream.take()[-1][-2:] == (2, b"\0\0z")


def test_what_expires_or_is_evicted_is_dropped_without_a_memory(node: Node) -> None:
    node.client("SET a 1 PX 10")
    node.client("SET c{a} 1")
    node.db.evict(node.db.entries[b"c{a}"])
    node.harness.clock.advance(100)
    node.harness.sweep()
    assert kinds(node) == [STRING, STRING, DROPPED, DROPPED]
    assert node.recorder.parts[P].table(0).tombstones == {}


def test_a_flush_is_told_to_each_served_partition_once(node: Node) -> None:
    node.client("SET a 1")
    node.stream.take()
    node.client("FLUSHALL")
    records = node.stream.take()
    assert [(record[0], record[1]) for record in records] == [(FLUSHED, p) for p in PLACES]
    assert node.holdings.summary(P)[:2] == (0, 0)


def test_a_key_is_newer_than_its_flush_and_its_removal(node: Node) -> None:
    """Though they came from a clock so far ahead that nobody follows it."""
    far = node.harness.clock.now_ms + 10**9 << MS_SHIFT
    node.recorder.parts[P].table(0).flushed = far
    node.recorder.parts[P].table(0).tombstones[b"a"] = far + 1
    node.client("SET a 1")
    assert node.db.entries[b"a"].version > far + 1


def test_partitions_that_clients_write_to_are_noted(node: Node) -> None:
    node.client("SET a 1 PX 10")
    node.client("SET b 1")
    node.client("DEL b")
    assert node.recorder.written == [P, key_partition(b"b"), key_partition(b"b")]
    node.recorder.written.clear()
    node.client("GET a")
    node.harness.clock.advance(100)
    node.harness.sweep()
    assert node.recorder.written == []


def test_records_carry_the_place_of_their_partition(node: Node) -> None:
    node.recorder.places[P] = P | 3 << 11
    node.client("SET a 1")
    assert node.stream.take()[0][1] == P | 3 << 11


def test_nobody_is_told_where_nobody_follows(node: Node) -> None:
    node.recorder.routes[P] = ()
    node.client("SET a 1")
    node.client("APPEND a 1")
    node.client("DEL a")
    assert node.stream.take() == []


def test_reads_that_renew_a_life_are_told_when_it_matters(node: Node) -> None:
    node.keyspace.set_lives(Lives(1000, renewal=Renewal.ON_ACCESS))
    node.client("SET a 1")
    node.stream.take()
    told = []
    for _ in range(30):
        node.harness.clock.advance(50)
        node.client("GET a")
        told += kinds(node)
    assert told == [DEADLINE] * 10
    assert node.client("PTTL a") >= 900


def test_strays_are_no_part_of_what_is_served() -> None:
    node = Node(serves=())
    node.client("SET a 1")
    node.client("APPEND a 2")
    node.client("EXPIRE a 10")
    node.client("DEL a")
    node.client("SET a 1")
    assert (node.stream.take(), node.recorder.written, node.holdings.summary(P)[0]) == ([], [], 0)
    node.holdings.forget(node.harness.clock.now_ms)
    assert node.client("EXISTS a") == 0


def test_a_flush_is_newer_than_all_that_it_takes(node: Node) -> None:
    """Though a key came from a clock so far ahead that nobody follows it."""
    far = node.harness.clock.now_ms + 10**9 << 16
    node.holdings.merge(P, [STRING, P, 0, b"a", far, 9, 0, b"v", False])
    copy = Node(serves=())
    copy.apply(node.stream.take())
    node.client("FLUSHALL")
    copy.apply(node.stream.take())
    assert copy.holdings.summary(P)[0] == 0
