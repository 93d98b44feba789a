"""Debts of deletions, between a server and a copy; that whole clusters pay them is claimed in ``test_owing.py``."""

from typing import Any

import pytest

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.replication.debts import DEBT_BYTES, Debts, owed_deletions
from respcache.cluster.replication.records import FLUSHED, OWED, REMOVED, STRING
from respcache.cluster.replication.tombstones import KEPT_MS
from respcache.keyspace.slots import key_partition
from tests.cluster.replication.nodes import Node, told

P = key_partition(b"a")


@pytest.fixture
def node() -> Node:
    node = Node()
    node.client("SET a 1")
    node.stream.take()
    return node


@pytest.fixture
def debts(node: Node) -> Debts:
    return Debts(node.recorder)


def owe(node: Node, debts: Debts) -> int:
    """Delete a key whose deletion is owed; return its version."""
    node.client("DEL a")
    debts.owe(0, b"a")
    return owed(node)[0, b"a"]


def owed(node: Node) -> dict[tuple[int, bytes], int]:
    return node.recorder.parts[P].owed


def copy_of(node: Node) -> Node:
    """Return a node with a full copy of the partition."""
    copy = Node(b"other", serves=())
    copy.apply(node.holdings.records(P))
    return copy


def test_a_debt_is_told_behind_the_deletion_and_again_when_it_is_settled(node: Node, debts: Debts) -> None:
    version = owe(node, debts)
    debts.owe(0, b"a")
    clock, tag = version >> 32, version & 0xFFFFFFFF
    assert node.stream.take() == [(REMOVED, P, 0, b"a", clock, tag), (OWED, P, 0, b"a", clock, tag, True)]
    debts.settle(0, b"a")
    debts.settle(0, b"a")
    assert node.stream.take() == [(OWED, P, 0, b"a", clock, tag, False)]
    assert owed(node) == {}


def test_a_key_that_is_there_is_not_owed(node: Node, debts: Debts) -> None:
    debts.owe(0, b"a")
    assert (owed(node), node.stream.take()) == ({}, [])


def test_what_is_not_served_here_is_left_alone(node: Node, debts: Debts) -> None:
    owe(node, debts)
    before = dict(owed(node))
    node.holdings.release(P)
    node.stream.take()
    debts.settle(0, b"a")
    debts.owe(1, b"a")
    assert (owed(node), node.stream.take()) == (before, [])


def test_copies_that_owe_something_else_are_not_the_same(node: Node, debts: Debts) -> None:
    copy = copy_of(node)
    owe(node, debts)
    removal, debt = node.stream.take()
    copy.apply([removal])
    assert copy.holdings.summary(P) != node.holdings.summary(P)
    copy.apply([debt])
    assert copy.holdings.summary(P) == node.holdings.summary(P)
    assert owed(copy) == owed(node)
    debts.settle(0, b"a")
    assert copy.holdings.summary(P) != node.holdings.summary(P)
    copy.apply(node.stream.take())
    assert copy.holdings.summary(P) == node.holdings.summary(P)


def test_neither_time_nor_a_flush_ends_a_debt(node: Node, debts: Debts) -> None:
    copy = copy_of(node)
    version = owe(node, debts)
    node.client("SET {a}d 1")
    node.client("FLUSHALL")
    copy.apply(node.stream.take())
    for one in (node, copy):
        one.harness.clock.advance(KEPT_MS)
        one.holdings.forget(one.harness.clock.now_ms)
        assert owed(one) == {(0, b"a"): version}
        assert one.holdings.holds(P)
    assert copy.holdings.summary(P) == node.holdings.summary(P)
    fresh = copy_of(node)
    assert owed(fresh) == owed(node)
    assert fresh.holdings.summary(P)[:2] == node.holdings.summary(P)[:2]


def test_a_deletion_that_a_flush_follows_in_the_same_transaction_is_owed(node: Node, debts: Debts) -> None:
    for command in ("MULTI", "DEL a", "FLUSHALL", "EXEC"):
        node.client(command)
    debts.owe(0, b"a")
    assert node.recorder.parts[P].table(0).flushed < owed(node)[0, b"a"] <= node.recorder.parts[P].latest
    assert [record[0] for record in node.stream.take() if record[1] == P] == [REMOVED, FLUSHED, OWED]


def test_debts_are_counted_as_memory(node: Node, debts: Debts) -> None:
    node.client("DEL a")
    before = node.holdings.used_bytes
    debts.owe(0, b"a")
    assert node.holdings.used_bytes == before + DEBT_BYTES
    node.holdings.release(P)
    node.holdings.begin(P)
    assert node.holdings.used_bytes == before + DEBT_BYTES, "it is set aside"
    node.holdings.drop(P)
    assert node.holdings.used_bytes == before


def test_all_of_a_partition_can_be_settled(node: Node, debts: Debts) -> None:
    owe(node, debts)
    copy = copy_of(node)
    node.stream.take()
    debts.settle_all(P)
    copy.apply(node.stream.take())
    assert owed(node) == owed(copy) == {}


def test_a_key_that_was_written_since_is_not_to_be_deleted(node: Node, debts: Debts) -> None:
    """Its server has died before it could say that the debt is settled."""
    copy = copy_of(node)
    owe(node, debts)
    copy.apply(node.stream.take())
    assert list(owed_deletions(copy.recorder.parts[P])) == [(0, b"a")]
    node.client("SET a 2")
    [state, *_] = node.stream.take()
    assert state[0] == STRING
    copy.apply([state])
    assert list(owed_deletions(copy.recorder.parts[P])) == []


def test_a_deletion_is_owed_although_the_value_of_before_is_here(node: Node, debts: Debts) -> None:
    copy = copy_of(node)
    node.client("SET a 1")
    [state] = node.stream.take()
    owe(node, debts)
    _, debt = node.stream.take()
    assert copy.apply([state, debt]) == ["DONE", "DONE"]
    assert list(owed_deletions(copy.recorder.parts[P])) == [(0, b"a")]


def test_debts_may_come_again_and_late(node: Node, debts: Debts) -> None:
    copy = copy_of(node)
    version = owe(node, debts)
    _, debt = node.stream.take()
    clock, tag = version >> 32, version & 0xFFFFFFFF
    later = (OWED, P, 0, b"a", clock + 1, tag, True)
    assert copy.apply([debt, debt, later, debt]) == ["DONE", "OLDER", "DONE", "OLDER"]
    assert copy.apply([(*debt[:6], False), (*later[:6], False), (*later[:6], False)]) == [
        "OLDER",
        "DONE",
        "OLDER",
    ]
    assert owed(copy) == {}


@pytest.mark.parametrize("is_owed", [None, 1, b"", "x"])
def test_a_debt_that_is_neither_owed_nor_settled_ends_the_connection(is_owed: Any) -> None:
    copy = Node(serves=())
    with pytest.raises(BrokenFrameError):
        copy.holdings.apply(P, told((OWED, P, 0, b"a", 1, 1, is_owed)))


# -- what lies on two sides of a split ----------------------------------------------


class Heard:
    """Notes what was merged."""

    def __init__(self, node: Node) -> None:
        self.merged: list[tuple[int, bytes, bool]] = []
        node.holdings.merger.on_merged = self.note

    def note(self, db: int, key: bytes, is_owed: bool) -> None:
        self.merged.append((db, key, is_owed))


def set_aside(node: Node, server: Node) -> list[Any]:
    """Let a node get a full copy of what another serves now; return what it offers."""
    node.holdings.release(P)
    node.holdings.begin(P)
    node.apply(server.holdings.records(P))
    return node.holdings.end(P)


def test_a_debt_that_the_new_server_lacks_is_offered_to_it(node: Node, debts: Debts) -> None:
    server = Node(b"other")
    server.client("SET a older")
    node.harness.clock.advance(5)
    version = owe(node, debts)
    heard = Heard(server)
    offered = set_aside(node, server)
    assert [record[0] for record in offered] == [OWED, REMOVED]
    assert [server.holdings.merge(P, told(record)) for record in offered] == [True, False]
    assert heard.merged == [(0, b"a", False), (0, b"a", True)]
    assert server.client("EXISTS a") == 0
    assert server.recorder.parts[P].table(0).tombstones == {b"a": version}
    assert [server.holdings.merge(P, told(record)) for record in offered] == [False, False], (
        "it knows it by now"
    )


def test_a_debt_that_was_overtaken_is_not_taken(node: Node, debts: Debts) -> None:
    server = Node(b"other")
    owe(node, debts)
    records = list(node.holdings.records(P))
    server.harness.clock.advance(5)
    server.client("SET a newer")
    heard = Heard(server)
    assert not any(server.holdings.merge(P, told(record)) for record in records)
    assert (server.client("GET a"), heard.merged) == (b"newer", [])
    assert set_aside(node, server) == []


def test_a_copy_that_breaks_off_loses_no_debt(node: Node, debts: Debts) -> None:
    owe(node, debts)
    server = Node(b"other")
    node.holdings.release(P)
    node.holdings.begin(P)
    node.holdings.begin(P)
    node.apply(server.holdings.records(P))
    assert [record[0] for record in node.holdings.end(P)] == [OWED, REMOVED]
