import gc
import random

import pytest

from respcache.keyspace.clock import BatchClock
from respcache.keyspace.database import NEVER, Database
from respcache.keyspace.entry import DEADLINE_BYTES, ENTRY_BYTES, Entry
from respcache.keyspace.hashes import HASH_BYTES, Hash
from respcache.keyspace.journal import Notice
from respcache.keyspace.keyspace import Keyspace
from respcache.keyspace.transfers import exchange
from respcache.telemetry.statistics import Statistics
from tests.keyspace.conftest import NOW_MS, Recorder, Tape, Watcher

SET = Notice("$", "set")
DEL = Notice("g", "del")
EXPIRE = Notice("g", "expire")


def counts(db: Database) -> tuple[int, int, int]:
    assert isinstance(db.statistics, Statistics)
    return db.statistics.keyspace_hits, db.statistics.keyspace_misses, db.statistics.expired_keys


class Follower:
    """An eviction policy that only writes down what it is told."""

    entry_bytes = 0
    deadline_bytes = 0

    def __init__(self) -> None:
        self.heard: list[str] = []

    def entry_added(self, entry: Entry) -> None:
        self.heard.append(f"added {entry.key.decode()}")

    def entry_removed(self, entry: Entry) -> None:
        self.heard.append(f"removed {entry.key.decode()}")

    def deadline_set(self, entry: Entry) -> None:
        self.heard.append(f"deadline {entry.key.decode()}")

    def emptied(self) -> None:
        self.heard.append("emptied")


# -- looking ----------------------------------------------------------------


def test_reading_counts_hits_and_misses_and_notes_the_use(db: Database, clock: BatchClock) -> None:
    db.put(b"k", b"v", SET)
    clock.advance(500)
    assert (db.read(b"k"), db.read(b"none")) == (b"v", None)
    assert counts(db) == (1, 1, 0)
    assert db.entries[b"k"].seen == NOW_MS + 500


def test_inspecting_counts_but_notes_no_use(db: Database, clock: BatchClock) -> None:
    db.put(b"k", b"v", SET)
    clock.advance(500)
    assert db.inspect(b"k") is db.entries[b"k"]
    assert db.inspect(b"none") is None
    assert counts(db) == (1, 1, 0)
    assert db.entries[b"k"].seen == NOW_MS


def test_finding_leaves_no_trace(db: Database, clock: BatchClock) -> None:
    db.put(b"k", b"v", SET)
    clock.advance(500)
    assert (db.peek(b"k"), db.peek(b"none"), db.has(b"k"), db.has(b"none")) == (b"v", None, True, False)
    assert counts(db) == (0, 0, 0)
    assert db.entries[b"k"].seen == NOW_MS


def test_a_stamp_decides_what_is_noted_of_a_use(db: Database) -> None:
    db.stamp = lambda seen, now_ms: 7 if seen == -1 else seen + 1
    db.put(b"k", b"v", SET)
    db.read(b"k")
    assert db.entries[b"k"].seen == 8


@pytest.mark.parametrize("look", [Database.read, Database.find, Database.inspect, Database.peek])
def test_whoever_looks_finds_nothing_at_the_deadline(db: Database, clock: BatchClock, look: object) -> None:
    db.put(b"k", b"v", SET, deadline_ms=NOW_MS + 100)
    clock.advance(99)
    assert look(db, b"k") is not None  # type: ignore[operator]  # one of four methods
    clock.advance(1)
    assert look(db, b"k") is None  # type: ignore[operator]
    assert counts(db)[2] == 1
    assert len(db) == 0


def test_a_deadline_that_has_passed_makes_a_key_that_nobody_sees(db: Database, recorder: Recorder) -> None:
    db.put(b"k", b"v", SET, deadline_ms=1)
    assert db.find(b"k") is None
    assert recorder.heard == [("created:set", 0, b"k"), ("expired", 0, b"k")]


def test_readers_are_reported_to_those_who_want_to_know(db: Database) -> None:
    recorder = Recorder(wants_reads=True)
    db.journal.attach(recorder)
    db.put(b"k", b"v", SET)
    db.read(b"k")
    db.read(b"none")
    db.inspect(b"k")
    db.inspect(b"none")
    assert recorder.heard[1:] == [("read", 0, b"k"), ("missed", 0, b"none"), ("missed", 0, b"none")]


def test_listing_and_scanning_leave_out_the_expired(db: Database, clock: BatchClock) -> None:
    db.put(b"stays", b"v", SET)
    db.put(b"goes", b"v", SET, deadline_ms=NOW_MS + 10)
    clock.advance(10)
    assert list(db.keys()) == [b"stays"]
    assert db.scan(0, 10) == (0, [b"stays"])


def test_a_drawn_key_is_alive(db: Database, clock: BatchClock) -> None:
    assert db.draw(random.Random(1)) is None
    for number in range(20):
        db.put(b"%d" % number, b"v", SET, deadline_ms=NOW_MS + 10 if number else None)
    clock.advance(10)
    assert db.draw(random.Random(1)) == b"0"


# -- changing ---------------------------------------------------------------


def test_storing_tells_creation_from_replacement(db: Database, recorder: Recorder) -> None:
    db.put(b"k", b"v", SET)
    db.put(b"k", b"w", SET)
    assert recorder.heard == [("created:set", 0, b"k"), ("updated:set", 0, b"k")]
    assert db.journal.changes == 2


def test_replacing_an_expired_key_reports_its_death_first(
    db: Database, clock: BatchClock, recorder: Recorder
) -> None:
    db.put(b"k", b"v", SET, deadline_ms=NOW_MS + 10)
    clock.advance(10)
    db.put(b"k", b"w", SET, keep_deadline=True)
    assert [what for what, _, _ in recorder.heard] == ["created:set", "expired", "created:set"]
    assert db.entries[b"k"].expires_at_ms is None


def test_replacing_takes_the_deadline_away_unless_it_is_kept(db: Database) -> None:
    for keep, left in ((True, NOW_MS + 10), (False, None)):
        db.put(b"k", b"v", SET, deadline_ms=NOW_MS + 10)
        db.put(b"k", b"w", SET, keep_deadline=keep)
        assert db.entries[b"k"].expires_at_ms == left


def test_never_takes_a_deadline_away(db: Database) -> None:
    db.put(b"k", b"v", SET, deadline_ms=NOW_MS + 10)
    db.put(b"k", b"w", SET, deadline_ms=NEVER)
    assert db.entries[b"k"].expires_at_ms is None
    assert db.deadlines == 0


def test_a_change_in_place_is_reported_and_weighed(
    db: Database, clock: BatchClock, recorder: Recorder
) -> None:
    value = bytearray(b"ab")
    entry = db.put(b"k", value, SET)
    before = db.used_bytes
    clock.advance(5)
    value += b"cde"
    db.modified(entry, Notice("$", "append"), 3)
    assert db.used_bytes == before + 3
    assert recorder.heard[-1] == ("updated:append", 0, b"k")
    assert entry.seen == NOW_MS + 5


def test_removing_says_whether_the_key_was_alive(db: Database, clock: BatchClock, recorder: Recorder) -> None:
    entry = db.put(b"k", b"v", SET)
    assert db.remove(b"k", DEL)
    assert entry.value is None
    assert not db.remove(b"k", DEL)
    db.put(b"k", b"v", SET, deadline_ms=NOW_MS + 10)
    clock.advance(10)
    assert not db.remove(b"k", DEL)
    assert [what for what, _, _ in recorder.heard[1:]] == ["deleted:del", "created:set", "expired"]


def test_a_deadline_is_given_moved_and_taken(db: Database, recorder: Recorder) -> None:
    entry = db.put(b"k", b"v", SET)
    db.expire_at(entry, NOW_MS + 10, EXPIRE)
    db.expire_at(entry, NOW_MS + 20, EXPIRE)
    assert (entry.expires_at_ms, db.deadlines) == (NOW_MS + 20, 1)
    assert db.persist(entry, Notice("g", "persist"))
    assert not db.persist(entry, Notice("g", "persist"))
    assert (entry.expires_at_ms, db.deadlines) == (None, 0)
    assert [what for what, _, _ in recorder.heard[1:]] == [
        "touched:expire",
        "touched:expire",
        "touched:persist",
    ]


def test_a_second_word_is_no_second_change(db: Database, recorder: Recorder) -> None:
    db.put(b"k", b"v", SET)
    db.notify(b"k", EXPIRE)
    assert recorder.heard[-1] == ("touched:expire", 0, b"k")
    assert db.journal.changes == 1


def test_eviction_is_counted_and_reported(db: Database, recorder: Recorder) -> None:
    db.evict(db.put(b"k", b"v", SET))
    assert recorder.heard[-1] == ("evicted", 0, b"k")
    assert db.statistics.evicted_keys == 1
    assert not db.has(b"k")


def test_a_moved_key_keeps_value_deadline_and_last_use(
    keyspace: Keyspace, clock: BatchClock, recorder: Recorder
) -> None:
    source, target = keyspace.databases[:2]
    entry = source.put(b"k", Hash(), SET, deadline_ms=NOW_MS + 1000)
    clock.advance(10)
    source.move(entry, target, b"l", Notice("g", "move_from"), Notice("g", "move_to"))
    moved = target.entries[b"l"]
    assert (len(source), moved.expires_at_ms, moved.seen) == (0, NOW_MS + 1000, NOW_MS)
    assert recorder.heard[1:] == [("deleted:move_from", 0, b"k"), ("created:move_to", 1, b"l")]
    reckoned_bytes = 1 + HASH_BYTES + ENTRY_BYTES + moved.slack_bytes + DEADLINE_BYTES
    assert (source.used_bytes, target.used_bytes) == (0, reckoned_bytes)
    assert source.journal.changes == 2


# -- emptying, sweeping, swapping -------------------------------------------


def test_flushing_forgets_everything(db: Database, recorder: Recorder) -> None:
    for number in range(100):
        db.put(b"%d" % number, b"v", SET, deadline_ms=NOW_MS + 1000 * number + 1)
    assert db.flush() == 100
    assert (len(db), db.used_bytes, db.deadlines, db.scan(0, 1000)) == (0, 0, 0, (0, []))
    assert db.wheel.next_due_ms() is None
    assert recorder.heard[-1] == ("flushed", 0, b"")
    assert db.journal.changes == 200


def test_flushing_nothing_is_not_reported(db: Database, recorder: Recorder) -> None:
    assert db.flush() == 0
    assert recorder.heard == []


def test_flushed_entries_are_freed_without_the_garbage_collector(db: Database) -> None:
    gc.collect()
    gc.disable()
    others = sum(isinstance(thing, Entry) for thing in gc.get_objects())  # of servers that other tests keep
    try:
        for number in range(1000):
            db.put(b"%d" % number, b"v", SET, deadline_ms=NOW_MS + 1000)
        db.flush()
        assert sum(isinstance(thing, Entry) for thing in gc.get_objects()) <= others
    finally:
        gc.enable()


def test_flushing_disturbs_only_watchers_of_keys_that_were_there(db: Database) -> None:
    there, absent = Watcher(), Watcher()
    db.put(b"k", b"v", SET)
    db.journal.watch(0, b"k", there)
    db.journal.watch(0, b"none", absent)
    db.flush()
    assert (there.is_dirty, absent.is_dirty) == (True, False)


def test_a_sweep_expires_the_due_and_is_bounded(db: Database, clock: BatchClock, recorder: Recorder) -> None:
    for number in range(10):
        db.put(b"%d" % number, b"v", SET, deadline_ms=NOW_MS + 100)
    db.put(b"stays", b"v", SET, deadline_ms=NOW_MS + 100_000)
    clock.advance(116)
    assert [db.sweep(4), db.sweep(4), db.sweep(4)] == [4, 4, 2]
    assert list(db.entries) == [b"stays"]
    assert [what for what, _, _ in recorder.heard].count("expired") == 10


def test_a_policy_follows_its_entries(keyspace: Keyspace) -> None:
    db, follower = keyspace.databases[0], Follower()
    db.follower = follower
    db.put(b"a", b"v", SET, deadline_ms=NOW_MS + 10)
    db.put(b"a", b"w", SET, deadline_ms=NOW_MS + 20)
    db.remove(b"a", DEL)
    assert follower.heard == ["added a", "deadline a", "removed a"]


def test_a_policy_learns_of_a_flush_and_goes_with_a_swap(keyspace: Keyspace) -> None:
    one, other = keyspace.databases[:2]
    one.follower = follower = Follower()
    exchange(one, other)
    assert one.follower is None
    other.flush()
    assert follower.heard == ["emptied"]


def test_a_recorder_hears_of_every_change(db: Database, clock: BatchClock, tape: Tape) -> None:
    entry = db.put(b"a", bytearray(b"v"), SET)
    db.modified(entry, SET, 1, (1, b"w"))
    db.modified(entry, SET, 0)
    db.expire_at(entry, NOW_MS + 10, EXPIRE)
    db.persist(entry, EXPIRE)
    db.persist(entry, EXPIRE)
    db.move(entry, db, b"b", DEL, SET)
    db.remove(b"b", DEL)
    db.remove(b"b", DEL)
    words = "stored patched stored retimed retimed removed stored removed"
    assert [what for what, _ in tape.heard] == words.split()


def test_a_recorder_tells_what_dies_from_what_is_deleted(db: Database, clock: BatchClock, tape: Tape) -> None:
    db.put(b"old", b"v", SET, deadline_ms=NOW_MS + 10)
    db.evict(db.put(b"evicted", b"v", SET))
    db.abandon(b"nothing")
    clock.advance(20)
    db.put(b"old", b"v", SET)
    db.flush()
    assert tape.heard[2:] == [
        ("dropped", b"evicted"),
        ("dropped", b"old"),
        ("stored", b"old"),
        ("flushed", b"0"),
    ]


def test_what_a_recorder_keeps_is_counted(db: Database, tape: Tape) -> None:
    entry = db.put(b"k", b"v", SET)
    own_bytes = ENTRY_BYTES + entry.slack_bytes + 2
    assert db.used_bytes == own_bytes + tape.entry_bytes
    db.follow(None)
    db.record(None)
    assert db.used_bytes == own_bytes
