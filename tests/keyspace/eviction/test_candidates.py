import random

from respcache.keyspace.eviction.candidates import AllKeys, VolatileKeys

from .databases import Bench


def test_all_keys_are_counted_and_drawn() -> None:
    bench = Bench()
    bench.write(range(5))
    candidates = AllKeys(random.Random(1))
    assert candidates.count(bench.db) == 5
    assert len({candidates.draw(bench.db) for _ in range(100)}) == 5


def test_volatile_keys_are_those_with_a_deadline() -> None:
    bench = Bench()
    bench.write(range(5))
    bench.write([7], life_ms=1_000)
    candidates = VolatileKeys(random.Random(1))
    bench.db.follow(candidates.follower(bench.db))
    assert candidates.count(bench.db) == 1
    assert candidates.draw(bench.db) is bench.db.entries[b"7"]
    assert not candidates.includes(bench.db.entries[b"1"])
