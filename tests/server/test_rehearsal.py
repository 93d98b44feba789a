"""What a command would change, told without changing anything."""

from respcache.commands.writes import KeyChange
from respcache.keyspace.journal import Notice
from respcache.server.rehearsal import Rehearsal, Snapshot, places_of
from respcache.server.waiting import Call
from tests.commands.harness import Harness, HarnessClient


def calls(harness: Harness, *lines: str) -> list[Call]:
    words = [HarnessClient.words(line) for line in lines]
    return [(0, harness.node.table.resolve(argv), argv) for argv in words]


def rehearse(harness: Harness, client: HarnessClient, *lines: str) -> list[KeyChange]:
    queue = calls(harness, *lines)
    places = [place for call in queue for place in places_of(call, 16)]
    snapshot = Snapshot(harness.node.keyspace, places)
    connection = client.session.client.connection
    return Rehearsal(harness.node).run(queue, snapshot, connection, lambda db, key: True)


def test_the_outcome_is_told_and_nothing_happens(harness: Harness, client: HarnessClient) -> None:
    client("HSET h f 1")
    assert rehearse(harness, client, "HINCRBY h f 4") == [KeyChange(0, b"h", {b"f": b"5"})]
    assert client("HGET h f") == b"1"


def test_commands_build_on_each_other(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    assert rehearse(harness, client, "INCR a", "RENAME a b", "INCR b") == [
        KeyChange(0, b"a", None),
        KeyChange(0, b"b", b"3"),
    ]


def test_errors_and_conditions_change_nothing(harness: Harness, client: HarnessClient) -> None:
    client("SET a x")
    assert rehearse(harness, client, "INCR a", "SET a 1 NX", "HSET a f 1") == []


def test_a_deadline_that_kills_is_no_change_but_what_comes_after_it_is(
    harness: Harness, client: HarnessClient
) -> None:
    client("SET a 1")
    assert rehearse(harness, client, "EXPIRE a 0") == []
    assert rehearse(harness, client, "EXPIRE a 0", "INCR a") == [KeyChange(0, b"a", b"1")]
    assert rehearse(harness, client, "SET a 2", "EXPIRE a 0") == [KeyChange(0, b"a", b"2")]


def test_other_databases_are_rehearsed_too(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    assert rehearse(harness, client, "MOVE a 3") == [KeyChange(0, b"a", None), KeyChange(3, b"a", b"1")]
    harness.node.keyspace.databases[3].put(b"a", b"there", Notice("$", "set"))
    assert rehearse(harness, client, "MOVE a 3") == []


def test_the_stage_is_empty_each_time(harness: Harness, client: HarnessClient) -> None:
    rehearsal = Rehearsal(harness.node)
    connection = client.session.client.connection
    for _ in range(2):
        queue = calls(harness, "SETNX a 1")
        snapshot = Snapshot(harness.node.keyspace, [(0, b"a")])
        changes = rehearsal.run(queue, snapshot, connection, lambda db, key: True)
        assert changes == [KeyChange(0, b"a", b"1")]


def test_what_has_gone_is_put_back_for_a_moment(harness: Harness, client: HarnessClient) -> None:
    client("SET dying 1 PX 10")
    client("HSET evicted f 1")
    client("SET stays 2")
    client("SET replaced 3")
    db = harness.node.keyspace.databases[0]
    snapshot = Snapshot(
        harness.node.keyspace,
        [(0, key) for key in (b"dying", b"evicted", b"stays", b"replaced", b"absent")],
    )
    harness.clock.now_ms += 20
    entry = db.find(b"evicted")
    assert entry is not None
    db.evict(entry)
    client("SET replaced other")
    client("SET absent here")
    stays = db.find(b"stays")
    snapshot.restore()
    assert client("MGET dying stays replaced absent") == [b"1", b"2", b"3", None]
    assert client("HGET evicted f") == b"1"
    assert db.find(b"stays") is stays
    assert client("PTTL dying") == 1
    assert client("PTTL evicted") == -1
