import pytest

from respcache.keyspace.eviction import Evictor
from respcache.keyspace.eviction.evictor import POLICIES
from respcache.keyspace.transfers import exchange
from tests.rows import every_row

from .databases import PERSIST, Bench

EVICTING = [name for name in POLICIES if name != "noeviction"]
VOLATILE = [name for name in POLICIES if name.startswith("volatile")]


@every_row("policy", EVICTING)
def test_room_is_made_down_to_the_limit_and_counted(policy: str) -> None:
    bench = Bench(policy)
    bench.write(range(200), life_ms=60_000)
    limit = bench.keyspace.used_bytes // 2
    assert bench.evictor.make_room(limit, lambda: bench.keyspace.used_bytes, most=200)
    assert bench.keyspace.used_bytes <= limit
    assert bench.statistics.evicted_keys == 200 - len(bench.db)
    assert len(bench.db) > 60  # not more than needed


def test_nothing_is_evicted_while_there_is_room() -> None:
    bench = Bench("allkeys-lru")
    bench.write(range(10))
    assert bench.evictor.make_room(bench.keyspace.used_bytes, lambda: bench.keyspace.used_bytes, most=10)
    assert len(bench.db) == 10


def test_noeviction_spares_everything_and_has_no_room() -> None:
    bench = Bench("noeviction")
    bench.write(range(10))
    assert not bench.evictor.make_room(1, lambda: bench.keyspace.used_bytes, most=10)
    assert len(bench.db) == 10


@pytest.mark.parametrize("policy", VOLATILE)
def test_a_volatile_policy_spares_what_never_expires(policy: str) -> None:
    bench = Bench(policy)
    bench.write(range(50))
    bench.write(range(50, 100), life_ms=60_000)
    assert not bench.evictor.make_room(1, lambda: bench.keyspace.used_bytes, most=1000)
    assert bench.keys() == set(range(50))


@pytest.mark.parametrize("policy", VOLATILE)
def test_a_volatile_policy_spares_what_was_persisted(policy: str) -> None:
    bench = Bench(policy)
    bench.write(range(20), life_ms=60_000)
    bench.evict(1)
    kept = sorted(bench.db.entries)[:5]
    for key in kept:
        bench.db.persist(bench.db.entries[key], PERSIST)
    assert not bench.evictor.make_room(1, lambda: bench.keyspace.used_bytes, most=1000)
    assert sorted(bench.db.entries) == kept


@every_row("policy", EVICTING)
def test_one_call_evicts_no_more_than_it_may(policy: str) -> None:
    bench = Bench(policy)
    bench.write(range(100), life_ms=60_000)
    assert bench.evictor.make_room(1, lambda: bench.keyspace.used_bytes, most=7)
    assert len(bench.db) == 93


@every_row("policy", EVICTING)
def test_databases_may_be_swapped_and_flushed_in_between(policy: str) -> None:
    bench = Bench(policy)
    other = bench.keyspace.databases[1]
    bench.write(range(100), life_ms=60_000)
    bench.evict(10)
    exchange(bench.db, other)
    bench.evict(10)
    assert len(other) == 80
    bench.write(range(100, 150), life_ms=60_000)
    other.flush()
    bench.evict(50)
    assert len(bench.db) == 0


@every_row("policy", EVICTING)
def test_every_database_gives(policy: str) -> None:
    bench = Bench(policy)
    first, second = bench.keyspace.databases[:2]
    for number in range(100):
        bench.write([number], first, life_ms=60_000)
        bench.write([number], second, life_ms=60_000)
    bench.evict(100)
    assert len(first) > 10
    assert len(second) > 10


@every_row("policy", EVICTING)
def test_the_policy_may_change_at_any_time(policy: str) -> None:
    bench = Bench("allkeys-lfu")
    for name in (policy, "volatile-lru", policy, "noeviction", policy):
        bench.write(range(100), life_ms=60_000)
        bench.evictor.policy = name
        if name != "noeviction":
            bench.evict(10)
    assert bench.evictor.policy == policy


def test_times_come_back_when_uses_are_no_longer_counted() -> None:
    bench = Bench("allkeys-lfu")
    bench.write([1])
    bench.evictor.policy = "allkeys-lru"
    idle_ms = bench.clock.now_ms - bench.db.entries[b"1"].seen
    assert 0 <= idle_ms <= 60_000


@every_row("policy", POLICIES)
def test_nothing_is_followed_until_room_is_short(policy: str) -> None:
    bench = Bench(policy)
    bench.write(range(10))
    assert bench.db.follower is None


def test_an_unknown_policy_is_refused() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="allkeys-magic"):
        bench.evictor.policy = "allkeys-magic"


def test_settings_are_taken_over_together() -> None:
    bench = Bench()
    evictor: Evictor = bench.evictor
    evictor.configure("volatile-ttl", samples=9, lfu_log_factor=3, lfu_decay_minutes=7)
    taken = (evictor.policy, evictor.samples, evictor.frequency.log_factor, evictor.frequency.decay_minutes)
    assert taken == ("volatile-ttl", 9, 3, 7)
