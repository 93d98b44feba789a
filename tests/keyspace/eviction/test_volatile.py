import random

from respcache.keyspace.eviction.volatile import Volatile

from .databases import EXPIRE, PERSIST, Bench


def followed(bench: Bench) -> Volatile:
    follower = Volatile(bench.db.entries.values())
    bench.db.follow(follower)
    return follower


def test_only_entries_with_a_deadline_are_drawn() -> None:
    bench = Bench()
    follower = followed(bench)
    bench.write(range(100))
    bench.write(range(100, 110), life_ms=1_000)
    chance = random.Random(3)
    drawn = {entry.key for _ in range(500) if (entry := follower.draw(chance))}
    assert drawn == {b"%d" % number for number in range(100, 110)}


def test_entries_from_before_are_known() -> None:
    bench = Bench()
    bench.write([1])
    bench.write([2], life_ms=1_000)
    entry = followed(bench).draw(random.Random(3))
    assert entry is not None
    assert entry.key == b"2"


def test_the_gone_and_the_persisted_are_not_drawn() -> None:
    bench = Bench()
    follower = followed(bench)
    bench.write(range(10), life_ms=1_000)
    bench.remove(range(5))
    for number in range(5, 10):
        bench.db.persist(bench.db.entries[b"%d" % number], PERSIST)
    assert follower.draw(random.Random(3)) is None


def test_a_deadline_that_comes_and_goes_is_listed_once() -> None:
    bench = Bench()
    follower = followed(bench)
    bench.write([1])
    entry = bench.db.entries[b"1"]
    for _ in range(100):
        bench.db.expire_at(entry, bench.clock.now_ms + 1_000, EXPIRE)
        bench.db.persist(entry, PERSIST)
    assert len(follower) == 1


def test_gone_entries_do_not_pile_up() -> None:
    bench = Bench()
    follower = followed(bench)
    for number in range(10_000):
        bench.write([number], life_ms=1_000)
        if number >= 100:
            bench.remove([number - 100])
    assert len(follower) < 250


def test_a_flush_empties_the_list() -> None:
    bench = Bench()
    follower = followed(bench)
    bench.write(range(10), life_ms=1_000)
    bench.db.flush()
    assert len(follower) == 0
