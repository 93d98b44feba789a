"""Newer offers win, and everybody hears; that two nodes agree in the end is claimed in ``test_copies_model.py``."""

from typing import Any

import pytest

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.replication.records import DEADLINE, DROPPED, FLUSHED, HASH, OFFER, REMOVED, STRING
from respcache.keyspace.slots import key_partition
from tests.cluster.replication.nodes import Node
from tests.keyspace.conftest import Recorder as Listener

P = key_partition(b"a")
NEVER_YET = 1 << 62


@pytest.fixture
def node() -> Node:
    node = Node()
    node.client("SET a mine")
    node.stream.take()
    return node


def string(clock: int, deadline_ms: int = 0) -> list[Any]:
    return [OFFER + STRING, 99, 0, b"a", clock, 9, deadline_ms, b"theirs", False]


def test_a_newer_state_is_taken_with_its_version_and_told(node: Node) -> None:
    assert node.holdings.merge(P, string(NEVER_YET))
    assert node.client("GET a") == b"theirs"
    assert node.stream.take() == [(STRING, P, 0, b"a", NEVER_YET, 9, 0, b"theirs", False)]
    assert not node.holdings.merge(P, string(NEVER_YET))


def test_an_older_state_changes_nothing(node: Node) -> None:
    assert not node.holdings.merge(P, string(1))
    assert (node.client("GET a"), node.stream.take()) == (b"mine", [])


def test_a_state_that_is_past_its_deadline_is_not_taken_however_often_it_is_offered(node: Node) -> None:
    node.client("DEL a")
    node.stream.take()
    late = string(NEVER_YET, node.harness.clock.now_ms)
    for _ in range(2):
        assert not node.holdings.merge(P, late)
        assert not node.holdings.merge(P, [*late[:6], -late[6], *late[7:]])  # of a default life
        node.keyspace.sweep(10)
    assert (node.client("EXISTS a"), node.stream.take()) == (0, [])


def test_a_state_that_is_past_its_deadline_ends_an_older_one_once(node: Node) -> None:
    late = string(NEVER_YET, node.harness.clock.now_ms)
    assert node.holdings.merge(P, late)
    node.keyspace.sweep(10)
    assert node.client("EXISTS a") == 0
    assert [record[0] for record in node.stream.take()] == [STRING, DROPPED]
    assert not node.holdings.merge(P, late)
    assert node.stream.take() == []


def test_of_two_states_that_are_past_their_deadlines_nothing_stays(node: Node) -> None:
    node.client("SET a mine PX 10")
    node.harness.clock.now_ms += 20
    assert not node.holdings.merge(P, string(NEVER_YET, node.harness.clock.now_ms - 1))
    assert node.client("EXISTS a") == 0
    assert node.stream.take()[-1][0] == DROPPED


def test_a_write_after_a_merge_is_newer(node: Node) -> None:
    node.holdings.merge(P, string(NEVER_YET))
    node.client("SET a again")
    assert not node.holdings.merge(P, string(NEVER_YET))
    assert node.client("GET a") == b"again"


def test_a_newer_hash_replaces_a_string(node: Node) -> None:
    assert node.holdings.merge(P, [HASH, P, 0, b"a", NEVER_YET, 9, 0, [b"f", b"1"], True])
    assert node.client("HGET a f") == b"1"


def test_clients_that_watch_or_listen_hear_of_it(node: Node) -> None:
    listener = Listener()
    node.keyspace.journal.attach(listener)
    node.client("WATCH a")
    node.holdings.merge(P, string(NEVER_YET))
    node.holdings.merge(P, [REMOVED, P, 0, b"a", NEVER_YET + 1, 9])
    node.client("MULTI")
    assert node.client("EXEC") is None
    assert listener.heard == [("updated:set", 0, b"a"), ("deleted:del", 0, b"a")]


def test_a_newer_removal_removes_and_is_remembered(node: Node) -> None:
    removal = [OFFER + REMOVED, P, 0, b"a", NEVER_YET, 9]
    assert node.holdings.merge(P, removal)
    assert node.stream.take() == [(REMOVED, P, 0, b"a", NEVER_YET, 9)]
    assert not node.holdings.merge(P, string(NEVER_YET - 1))
    assert not node.holdings.merge(P, removal)
    assert node.client("EXISTS a") == 0


def test_a_removal_of_what_is_not_here_is_remembered_too(node: Node) -> None:
    assert not node.holdings.merge(P, [REMOVED, P, 0, b"c{a}", 5, 9])
    assert [record[0] for record in node.stream.take()] == [REMOVED]


def test_a_newer_flush_takes_what_is_older(node: Node) -> None:
    version = node.db.entries[b"a"].version
    node.client("SET c{a} later")
    node.stream.take()
    assert node.holdings.merge(P, [OFFER + FLUSHED, P, 0, version >> 32, 0xFFFFFFFF])
    assert [record[0] for record in node.stream.take()] == [FLUSHED]
    assert node.client("MGET a c{a}") == [None, b"later"]


def test_what_has_expired_elsewhere_expires_here(node: Node) -> None:
    late_ms = node.harness.clock.now_ms - 5
    assert node.holdings.merge(P, string(NEVER_YET, late_ms))
    assert node.client("GET a") is None


def test_a_default_life_is_not_given_to_what_is_merged(node: Node) -> None:
    node.client("CONFIG SET expiration-default 10s")
    node.holdings.merge(P, string(NEVER_YET))
    assert node.client("TTL a") == -1


def test_parts_are_never_offered(node: Node) -> None:
    with pytest.raises(BrokenFrameError):
        node.holdings.merge(P, [OFFER + DEADLINE, P, 0, b"a", NEVER_YET, 9, 5, 9, 0])


def test_only_who_serves_merges() -> None:
    node = Node(serves=())
    assert not node.holdings.merge(P, string(5))
    assert not node.holdings.holds(P)
