"""Many keys at once: the same as one after the other, or nothing at all."""

from collections.abc import Sequence

import pytest

from respcache.keyspace.clock import BatchClock
from respcache.keyspace.database import Database
from respcache.keyspace.hashes import Hash
from respcache.keyspace.journal import Notice
from respcache.keyspace.lives import Lives
from respcache.keyspace.series import find_all, note_reads, put_all
from tests.keyspace.conftest import NOW_MS, Recorder, Tape
from tests.keyspace.test_database import SET, counts

KEYS = [b"a", b"b", b"a"]


def look(db: Database, keys: Sequence[bytes]) -> list[object] | None:
    found = find_all(db, keys)
    return None if found is None else list(found.values)


def test_keys_are_found_in_their_order_and_missing_ones_are_none(db: Database) -> None:
    db.put(b"a", b"1", SET)
    db.put(b"b", Hash(), SET)
    assert look(db, KEYS) == [b"1", db.entries[b"b"].value, b"1"]
    assert look(db, [b"a", b"none", b"a"]) == [b"1", None, b"1"]
    assert look(db, [b"a"]) == [b"1"]
    assert look(db, [b"none"]) == [None]
    assert counts(db) == (0, 0, 0)  # nothing is counted but by note_reads


def test_reads_are_counted_and_their_use_is_noted(db: Database, clock: BatchClock) -> None:
    db.put(b"a", b"1", SET)
    db.put(b"b", b"2", SET)
    clock.advance(500)
    found = find_all(db, [b"a", b"none", b"a"])
    assert found is not None
    note_reads(db, found)
    assert counts(db) == (2, 1, 0)
    assert (db.entries[b"a"].seen, db.entries[b"b"].seen) == (NOW_MS + 500, NOW_MS)


def test_a_use_is_stamped_as_the_policy_says(db: Database) -> None:
    db.put(b"a", b"1", SET)
    db.entries[b"a"].seen = 5
    db.stamp = lambda seen, now_ms: seen + 1
    found = find_all(db, [b"a", b"a"])
    assert found is not None
    note_reads(db, found)
    assert db.entries[b"a"].seen == 7


def test_a_key_that_has_died_is_left_to_who_lets_it_die(db: Database, clock: BatchClock) -> None:
    db.put(b"a", b"1", SET, deadline_ms=NOW_MS + 100)
    db.put(b"b", b"2", SET)
    clock.advance(99)
    assert look(db, KEYS) == [b"1", b"2", b"1"]
    clock.advance(1)
    assert look(db, KEYS) is None
    assert b"a" in db.entries


def test_what_is_put_is_there_and_counted(db: Database, clock: BatchClock) -> None:
    db.put(b"a", b"12", SET)
    clock.advance(10)
    before, keys_only = db.journal.changes, len(b"a")
    assert put_all(db, [b"a", b"a"], [b"123", b"1234"], SET)
    assert db.peek(b"a") == b"1234"
    assert db.payload_bytes == keys_only + 4
    assert db.journal.changes == before + 2
    assert db.entries[b"a"].seen == NOW_MS + 10


def test_new_keys_other_types_and_deadlines_are_put_as_ever(db: Database, clock: BatchClock) -> None:
    db.put(b"hash", Hash(), SET)
    db.put(b"raw", bytearray(b"12"), SET)
    db.put(b"dies", b"1", SET, deadline_ms=NOW_MS + 1000)
    db.put(b"dead", b"1", SET, deadline_ms=NOW_MS + 5)
    clock.advance(10)
    keys = [b"hash", b"raw", b"dies", b"dead", b"dead"]
    assert put_all(db, keys, [b"1", b"2", b"3", b"4", b"5"], SET)
    assert put_all(db, [b"new", b"raw"], [b"6", b"7"], SET)
    assert [db.peek(key) for key in (b"hash", b"raw", b"dies", b"dead", b"new")] == [
        b"1",
        b"7",
        b"3",
        b"5",
        b"6",
    ]
    assert (db.deadlines, counts(db)[2]) == (0, 1)
    assert db.payload_bytes == sum(len(key) + 1 for key in db.keys())  # noqa: SIM118  # a database, no dictionary


@pytest.mark.parametrize("by", ["listener", "recorder", "life"])
def test_nothing_happens_where_a_change_has_to_do_with_more(db: Database, by: str) -> None:
    db.put(b"a", b"1", SET)
    if by == "listener":
        db.journal.attach(Recorder())
    elif by == "recorder":
        db.record(Tape())
    else:
        db.lives = Lives(1000)
    assert not put_all(db, [b"a", b"b"], [b"2", b"2"], Notice("$", "set"))
    assert (db.peek(b"a"), db.peek(b"b")) == (b"1", None)


@pytest.mark.parametrize("by", ["listener", "life"])
def test_nothing_is_found_where_a_read_has_to_do_with_more(db: Database, by: str) -> None:
    db.put(b"a", b"1", SET)
    if by == "listener":
        db.journal.attach(Recorder(wants_reads=True))
    else:
        db.lives = Lives(1000)
    assert find_all(db, KEYS) is None
