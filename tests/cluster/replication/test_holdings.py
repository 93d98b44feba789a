"""That copies are the same as what is served, and nodes agree after a split, is claimed in ``test_copies_model.py``."""

import pytest

from respcache.cluster.replication.records import FLUSHED, REMOVED, STRING, Record
from respcache.cluster.replication.tombstones import KEPT_MS
from respcache.keyspace.slots import key_partition
from tests.cluster.replication.nodes import PLACES, Node
from tests.keyspace.conftest import Recorder as Listener

P = key_partition(b"a")


@pytest.fixture
def node() -> Node:
    return Node()


def test_what_is_released_leaves_the_databases_and_comes_back_when_adopted(node: Node) -> None:
    node.client("SET a 1 PX 1000")
    node.client("HSET c{a} f 1")
    before = node.digests(), node.content(), node.keyspace.used_bytes
    node.holdings.release(P)
    assert (len(node.db), node.keyspace.used_bytes, node.holdings.copied_entries) == (0, 0, 2)
    assert node.holdings.used_bytes > 0
    assert node.holdings.adopt(P) == 2
    assert (node.digests(), node.content(), node.keyspace.used_bytes) == before
    assert (node.holdings.used_bytes, node.holdings.copied_entries) == (0, 0)


def test_moving_a_partition_is_no_news(node: Node) -> None:
    node.client("SET a 1")
    listener = Listener()
    node.keyspace.journal.attach(listener)
    node.stream.take()
    node.holdings.release(P)
    node.holdings.adopt(P)
    assert (listener.heard, node.stream.take()) == ([], [])


@pytest.mark.parametrize("key", ["a", "{a}not-there"])
def test_who_watches_a_key_has_lost_sight_of_it(node: Node, key: str) -> None:
    for act in (node.holdings.release, node.holdings.adopt):
        other = node.harness.client()
        other(f"WATCH {key}")
        node.client("WATCH b")
        act(P)
        assert (other.record.is_dirty, node.client.record.is_dirty) == (True, False)


def test_serving_and_releasing_twice_is_as_once(node: Node) -> None:
    node.client("SET a 1")
    assert node.holdings.adopt(P) == 1
    node.holdings.release(P)
    node.holdings.release(P)
    assert node.holdings.copied_entries == 1


def test_strays_give_way_to_what_was_kept(node: Node) -> None:
    node.client("SET a 1")
    node.holdings.release(P)
    node.client("SET a stray")
    node.client("SET {a}other stray")
    node.holdings.adopt(P)
    assert node.client("MGET a {a}other") == [b"1", None]


def full_copy(source: Node, target: Node, *, is_kept: bool = True) -> list[Record]:
    target.holdings.begin(P, is_kept=is_kept)
    target.apply(source.holdings.records(P))
    return target.holdings.end(P)


def diverged() -> tuple[Node, Node]:
    """Return a server, and one that was cut off and has written on."""
    server, cut_off = Node(b"one"), Node(b"other")
    for node in (server, cut_off):
        node.client("SET a old")
    cut_off.harness.clock.advance(5)
    cut_off.client("SET a new")
    cut_off.client("SET c{a} new")
    cut_off.client("DEL {a}gone")
    cut_off.holdings.release(P)
    return server, cut_off


def test_what_a_full_copy_lacks_is_set_aside_and_told_at_its_end() -> None:
    server, cut_off = diverged()
    cut_off.client("SELECT 0")
    told = full_copy(server, cut_off)
    assert sorted(record[3] for record in told) == [b"a", b"c{a}"]
    assert cut_off.holdings.summary(P) == server.holdings.summary(P)
    assert cut_off.holdings.copied_entries == 1
    assert all(server.holdings.merge(P, record) for record in told)
    assert server.client("MGET a c{a}") == [b"new", b"new"]


def test_removals_and_flushes_are_set_aside_too() -> None:
    server, cut_off = Node(b"one"), Node(b"other")
    server.client("SET a old")
    cut_off.harness.clock.advance(5)
    cut_off.client("SET a 1")
    cut_off.client("DEL a")
    cut_off.client("SELECT 1")
    cut_off.client("SET a 1")
    cut_off.client("FLUSHDB")
    cut_off.holdings.release(P)
    assert [record[0] for record in full_copy(server, cut_off)] == [REMOVED, FLUSHED]


def test_a_copy_that_breaks_off_loses_nothing_that_was_set_aside() -> None:
    server, cut_off = diverged()
    other = Node(b"third")
    other.client("SET {a}third 1")
    cut_off.holdings.begin(P)
    cut_off.apply(other.holdings.records(P))
    told = full_copy(server, cut_off)
    assert sorted(record[3] for record in told) == [b"a", b"c{a}", b"{a}third"]
    assert cut_off.holdings.copied_entries == server.holdings.summary(P)[0]


def test_what_need_not_be_kept_is_not_told() -> None:
    server, cut_off = diverged()
    assert full_copy(server, cut_off, is_kept=False) == []
    assert cut_off.holdings.copied_entries == server.holdings.summary(P)[0]


def test_what_has_expired_meanwhile_is_not_told() -> None:
    server, cut_off = diverged()
    cut_off.holdings.adopt(P)
    cut_off.client("PEXPIRE a 10")
    cut_off.client("DEL c{a}")
    cut_off.holdings.release(P)
    cut_off.harness.clock.advance(10)
    assert [record[0] for record in full_copy(server, cut_off)] == [REMOVED]


def test_records_tell_what_is_there_by_then(node: Node) -> None:
    node.client("SET a 1")
    node.client("SET c{a} 1")
    records = node.holdings.records(P)
    first = next(records)
    node.client("DEL c{a}")
    node.client("SET {a}new 1")
    assert [first[3], *(record[3] for record in records)] == [b"a"]


def test_deletions_are_told_before_what_is_there(node: Node) -> None:
    for command in ("SET a 1", "FLUSHDB", "SET a 1", "DEL a", "SET c{a} 1"):
        node.client(command)
    assert [record[0] for record in node.holdings.records(P)] == [FLUSHED, REMOVED, STRING]


def test_a_copy_can_be_dropped(node: Node) -> None:
    node.client("SET a 1")
    node.holdings.release(P)
    node.holdings.begin(P)
    assert node.holdings.holds(P)
    node.holdings.drop(P)
    assert (node.holdings.holds(P), node.holdings.used_bytes) == (False, 0)


def test_tombstones_are_forgotten_in_time(node: Node) -> None:
    node.client("SET a 1")
    node.client("DEL a")
    assert node.holdings.holds(P)
    assert node.holdings.used_bytes > 0
    node.holdings.forget(node.harness.clock.now_ms + KEPT_MS)
    assert (node.holdings.holds(P), node.holdings.used_bytes) == (False, 0)


def test_entries_are_found_while_they_live(node: Node) -> None:
    node.client("SET a 1 PX 10")
    node.holdings.release(P)
    found = node.holdings.find(P, 0, b"a")
    assert found is not None
    assert found.value == b"1"
    assert node.holdings.find(P, 1, b"a") is node.holdings.find(P, 0, b"b") is None
    node.harness.clock.advance(10)
    assert node.holdings.find(P, 0, b"a") is None


def test_partitions_are_apart(node: Node) -> None:
    node.client("MSET a 1 b 2")
    node.holdings.release(P)
    assert node.client("MGET a b") == [None, b"2"]
    assert [node.holdings.summary(p)[0] for p in PLACES] == [1, 1]
