"""Which changes are a client's."""

import pytest

from respcache.commands.writes import KeyChange
from respcache.keyspace.journal import Notice
from respcache.server.noting import Noter
from tests.commands.harness import Harness

CHANGED = Notice("g", "test")


@pytest.fixture
def noter(harness: Harness) -> Noter:
    return Noter(harness.node.keyspace.journal, harness.node.keyspace.databases)


def everything(db: int, key: bytes) -> bool:
    return True


def test_values_are_what_they_are_at_the_end_in_the_order_of_last_changes(
    harness: Harness, noter: Noter
) -> None:
    client = harness.client()
    noter.begin()
    for command in ("SET a 1", "HSET h f 1", "SET b 2", "SET a 3", "DEL b", "SELECT 2", "SET c 4"):
        client(command)
    assert noter.end(everything) == [
        KeyChange(0, b"h", {b"f": b"1"}),
        KeyChange(0, b"a", b"3"),
        KeyChange(0, b"b", None),
        KeyChange(2, b"c", b"4"),
    ]


def test_what_is_kept_does_not_change_any_more(harness: Harness, noter: Noter) -> None:
    client = harness.client()
    noter.begin()
    client("HSET h f 1")
    client("APPEND s x")
    changes = noter.end(everything)
    client("HSET h f 2")
    client("APPEND s y")
    assert [change.value for change in changes] == [{b"f": b"1"}, b"x"]


def test_nothing_is_heard_before_and_after(harness: Harness, noter: Noter) -> None:
    client = harness.client()
    client("SET a 1")
    noter.begin()
    assert noter.end(everything) == []
    client("SET a 2")
    noter.begin()
    assert noter.end(everything) == []
    assert not harness.node.keyspace.journal.attentive


def test_death_of_old_age_eviction_flushes_and_deadlines_are_no_changes(
    harness: Harness, noter: Noter
) -> None:
    client = harness.client()
    for command in ("SET a 1 PX 10", "SET b 1", "SET c 1", "SET d 1"):
        client(command)
    db = harness.node.keyspace.databases[0]
    noter.begin()
    harness.clock.now_ms += 20
    assert client("GET a") is None
    entry = db.find(b"b")
    assert entry is not None
    db.evict(entry)
    client("EXPIRE c 100")
    client("GET nothing")
    client("FLUSHALL")
    assert noter.end(everything) == []


def test_a_value_that_was_stored_dead_was_stored(harness: Harness, noter: Noter) -> None:
    noter.begin()
    db = harness.node.keyspace.databases[0]
    db.put(b"a", b"1", CHANGED, harness.clock.now_ms - 1)
    assert noter.end(everything) == [KeyChange(0, b"a", b"1")]


def test_only_wanted_keys_are_returned(harness: Harness, noter: Noter) -> None:
    noter.begin()
    harness.client()("MSET a 1 b 2")
    assert noter.end(lambda db, key: key == b"b") == [KeyChange(0, b"b", b"2")]
