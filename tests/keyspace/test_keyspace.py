from respcache.keyspace.clock import BatchClock
from respcache.keyspace.hashes import HashLimits
from respcache.keyspace.journal import Notice
from respcache.keyspace.keyspace import DATABASES, Keyspace
from respcache.keyspace.lives import Lives
from tests.keyspace.conftest import NOW_MS

SET = Notice("$", "set")


def test_there_are_as_many_databases_as_redis_has(keyspace: Keyspace) -> None:
    assert [db.index for db in keyspace.databases] == list(range(DATABASES)) == list(range(16))


def test_databases_are_worlds_apart(keyspace: Keyspace) -> None:
    keyspace.databases[3].put(b"k", b"v", SET)
    assert [db.has(b"k") for db in keyspace.databases[:5]] == [False, False, False, True, False]


def test_memory_is_that_of_all_databases(keyspace: Keyspace) -> None:
    keyspace.databases[0].put(b"k", b"v", SET)
    one = keyspace.used_bytes
    keyspace.databases[9].put(b"k", b"v", SET)
    assert keyspace.used_bytes == 2 * one > 0


def test_settings_reach_every_database(keyspace: Keyspace) -> None:
    lives, limits = Lives(1000), HashLimits(1, 1)
    keyspace.set_lives(lives)
    keyspace.set_hash_limits(limits)
    assert all(db.lives is lives and db.hash_limits is limits for db in keyspace.databases)


def test_a_sweep_is_bounded_over_all_databases(keyspace: Keyspace, clock: BatchClock) -> None:
    for db in keyspace.databases:
        db.put(b"k", b"v", SET, deadline_ms=NOW_MS + 10)
    clock.advance(100)
    assert [keyspace.sweep(10), keyspace.sweep(10), keyspace.sweep(10)] == [10, 6, 0]


def test_the_next_sweep_is_that_of_the_first_database_that_needs_one(keyspace: Keyspace) -> None:
    assert keyspace.next_due_ms() is None
    keyspace.databases[0].put(b"k", b"v", SET, deadline_ms=NOW_MS + 100_000)
    keyspace.databases[1].put(b"k", b"v", SET, deadline_ms=NOW_MS + 100)
    assert keyspace.next_due_ms() == keyspace.databases[1].wheel.next_due_ms()


def test_flushing_all_counts_all(keyspace: Keyspace) -> None:
    keyspace.databases[0].put(b"k", b"v", SET)
    keyspace.databases[15].put(b"k", b"v", SET)
    assert keyspace.flush_all() == 2
    assert keyspace.used_bytes == 0
