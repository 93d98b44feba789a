import random

import pytest

from respcache.keyspace.clock import BatchClock
from respcache.keyspace.database import Database
from respcache.keyspace.entry import Entry, Value
from respcache.keyspace.hashes import Hash, store_field
from respcache.keyspace.journal import Notice
from respcache.keyspace.keyspace import Keyspace
from respcache.keyspace.transfers import adopt, exchange, release
from tests.keyspace.conftest import NOW_MS, Recorder, Watcher

SET = Notice("$", "set")


def test_swapping_swaps_all_but_the_number(keyspace: Keyspace, clock: BatchClock) -> None:
    one, other = keyspace.databases[:2]
    one.put(b"k", b"one", SET, deadline_ms=NOW_MS + 10)
    other.put(b"l", b"other", SET)
    exchange(one, other)
    assert (one.peek(b"l"), other.peek(b"k"), one.peek(b"k")) == (b"other", b"one", None)
    assert (one.index, one.deadlines, other.deadlines) == (0, 0, 1)
    clock.advance(1000)
    assert (one.sweep(10), other.sweep(10)) == (0, 1)


def test_swapping_disturbs_watchers_of_keys_on_either_side(keyspace: Keyspace) -> None:
    one, other = keyspace.databases[:2]
    other.put(b"k", b"v", SET)
    appears, stays_away = Watcher(), Watcher()
    one.journal.watch(0, b"k", appears)
    one.journal.watch(0, b"none", stays_away)
    exchange(one, other)
    assert (appears.is_dirty, stays_away.is_dirty) == (True, False)


def entry(key: bytes, value: bytes, deadline_ms: int | None = None, version: int = 7) -> Entry:
    new = Entry(key, value, NOW_MS - 1000)
    new.expires_at_ms = deadline_ms
    new.version = version
    return new


def test_adopted_entries_are_as_if_they_had_always_been_there(db: Database, clock: BatchClock) -> None:
    db.put(b"other", b"v", SET)
    count = adopt(db, [entry(b"k", b"value"), entry(b"mortal", b"v", NOW_MS + 10)])
    assert (count, db.peek(b"k"), db.deadlines) == (2, b"value", 1)
    assert db.entries[b"k"].seen == NOW_MS - 1000
    assert len(db.roster.items) == 3
    clock.advance(100)
    assert db.sweep(10) == 1


def test_an_adopted_entry_replaces_one_of_its_key(db: Database) -> None:
    db.put(b"k", b"a long value", SET, deadline_ms=NOW_MS + 10)
    adopt(db, [entry(b"k", b"short")])
    assert (len(db), db.peek(b"k"), db.payload_bytes, db.deadlines) == (1, b"short", 6, 0)


def test_nobody_hears_of_what_comes_and_goes(db: Database, recorder: Recorder) -> None:
    adopt(db, [entry(b"k", b"v")])
    release(db, [db.entries[b"k"]])
    assert recorder.heard == []
    assert db.journal.changes == 0


def test_released_entries_are_whole_and_the_old_ones_dead(db: Database) -> None:
    adopt(db, [entry(b"k", b"value", NOW_MS + 10, version=9), entry(b"stays", b"v")])
    old = db.entries[b"k"]
    released = release(db, [old])
    new = released[b"k"]
    assert (new.value, new.expires_at_ms, new.version, new.bucket) == (b"value", NOW_MS + 10, 9, None)
    assert old.value is None
    assert (list(db.entries), db.payload_bytes, db.deadlines) == ([b"stays"], 6, 0)


def test_counters_of_uses_begin_anew(db: Database) -> None:
    db.stamp = lambda seen, now_ms: 5 if seen == -1 else seen + 1
    adopt(db, [entry(b"k", b"v")])
    assert db.entries[b"k"].seen == 5
    assert release(db, [db.entries[b"k"]])[b"k"].seen == NOW_MS


class Order:
    """A follower that writes down who comes and goes."""

    entry_bytes = deadline_bytes = 0

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []

    def entry_added(self, entry: Entry) -> None:
        self.heard.append(("added", entry.key, entry.value is not None))

    def entry_removed(self, entry: Entry) -> None:
        self.heard.append(("removed", entry.key, entry.value is not None))

    def deadline_set(self, entry: Entry) -> None:
        self.heard.append(("deadline", entry.key, entry.value is not None))

    def emptied(self) -> None:
        self.heard.append(("emptied", b"", False))


def hash_of(value: bytes) -> Hash:
    new = Hash()
    store_field(new, b"f", value)
    return new


@pytest.mark.parametrize("seed", range(5))
def test_who_is_released_leaves_what_taking_each_out_leaves(
    keyspace: Keyspace, clock: BatchClock, seed: int
) -> None:
    orders: list[Order] = []
    ways: list[Database] = keyspace.databases[:2]
    for db in ways:
        chance = random.Random(seed)
        orders.append(Order())
        db.follower = orders[-1]
        for number in range(60):
            values: list[Value] = [b"", b"v" * number, bytearray(b"raw"), hash_of(b"%d" % number)]
            db.put(
                b"%d" % number,
                chance.choice(values),
                SET,
                deadline_ms=chance.choice([None, NOW_MS + 10, NOW_MS + 9000]),
            )
        leaving = [db.entries[b"%d" % number] for number in chance.sample(range(60), 25)]
        if db is ways[0]:
            release(db, leaving)
        else:
            for leaver in leaving:
                db.take_out(leaver)
    one, other = ways
    assert orders[0].heard == orders[1].heard
    assert (one.payload_bytes, one.deadlines, list(one.entries)) == (
        other.payload_bytes,
        other.deadlines,
        list(other.entries),
    )
    assert {found.key for found in one.roster.walk(0, 100)[1]} == set(one.entries)
    clock.advance(10_000)
    assert one.sweep(100) == other.sweep(100)
    assert (one.payload_bytes, one.deadlines) == (other.payload_bytes, other.deadlines)
