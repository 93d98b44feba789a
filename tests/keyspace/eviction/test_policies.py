from .databases import Bench


def test_lru_keeps_what_was_used_lately() -> None:
    bench = Bench("allkeys-lru")
    bench.write(range(1000))
    bench.read(range(500))
    bench.evict(400)
    assert len(bench.keys() & set(range(500))) > 480


def test_a_used_key_is_never_evicted_by_an_old_look_into_the_pool() -> None:
    bench = Bench("allkeys-lru")
    bench.write(range(20))
    bench.evict(1)
    oldest = min(bench.keys())
    bench.read([oldest])
    bench.evict(17)
    assert bench.read([oldest]) == 1


def test_lfu_keeps_what_is_used_often() -> None:
    bench = Bench("allkeys-lfu")
    bench.write(range(300))
    for _ in range(30):
        bench.read(range(100))
    bench.read(range(100, 300))
    bench.evict(150)
    assert len(bench.keys() & set(range(100))) > 85


def test_random_spares_nobody_in_particular() -> None:
    bench = Bench("allkeys-random")
    bench.write(range(400))
    bench.evict(200)
    assert 70 < len(bench.keys() & set(range(200))) < 130


def test_ttl_evicts_the_nearest_deadline_first() -> None:
    bench = Bench("volatile-ttl")
    for number in range(20):
        bench.write([number], life_ms=10_000 * (20 - number))
    bench.evict(10)
    assert bench.keys() == set(range(10))


def test_ttl_is_not_misled_by_a_deadline_that_has_moved_away() -> None:
    bench = Bench("volatile-ttl")
    bench.write([1], life_ms=1_000)
    bench.write([2], life_ms=50_000)
    bench.write([1], life_ms=500_000)
    bench.evict(1)
    assert bench.keys() == {1}


def test_a_volatile_lru_draws_from_few_among_many() -> None:
    bench = Bench("volatile-lru")
    bench.evictor.samples = 50
    bench.write(range(1000))
    bench.write(range(1000, 1010), life_ms=60_000)
    bench.read(range(1000, 1005))
    bench.evict(5)
    assert bench.keys() & set(range(1000, 1010)) == set(range(1000, 1005))


def test_a_scan_does_not_wash_out_what_s3fifo_holds_dear() -> None:
    survivors = {}
    for policy in ("allkeys-lru", "allkeys-s3fifo"):
        bench = Bench(policy)
        bench.write(range(1000))
        bench.read(range(300))
        for number in range(10_000, 12_000):
            bench.write([number])
            bench.evict(1)
        survivors[policy] = len(bench.keys() & set(range(300)))
    assert survivors["allkeys-s3fifo"] >= 295
    assert survivors["allkeys-lru"] < 30


def test_a_pool_of_keys_that_are_gone_does_not_keep_the_living_from_going() -> None:
    bench = Bench("allkeys-lru")
    bench.evictor.samples = 50
    bench.write(range(100))
    bench.evict(1)
    bench.remove(range(60))
    bench.evict(40)
    assert len(bench.db) == 0
