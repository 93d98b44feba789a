"""What is put into a database, and for how long."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from respcache.loading.ground import Ground
from respcache.loading.loader import Loader
from respcache.loading.options import options_of
from respcache.loading.storing import Store, plain_value
from respcache.loading.values import AS_SET, Found
from tests.commands.harness import Harness


class Nowhere(Loader):
    pattern = "*"

    def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        return {}


def store_of(harness: Harness, *, make_room: Callable[[], bool] = lambda: True, **options: Any) -> Store:
    node = harness.node
    ground = Ground(
        databases=node.keyspace.databases,
        clock=node.clock,
        set_clock=lambda: None,
        chance=random.Random(1),
        owners=harness.composition.owners,
        make_room=make_room,
        is_mine=lambda key: True,
        publish=lambda event: None,
        wants=lambda event: False,
        name="test",
    )
    return Store(ground, options_of(Nowhere(), options))


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_strings_and_hashes_are_stored_and_read_back(harness: Harness) -> None:
    store = store_of(harness, db=2)
    large = {b"f%d" % number: b"x" * 100 for number in range(1000)}
    for key, value in ((b"s", b"text"), (b"h", {b"f": b"v"}), (b"large", large)):
        assert store.put(key, Found(value, AS_SET))
        entry = store.db.find(key)
        assert entry is not None
        assert plain_value(entry) == value
    client = harness.client()
    client("SELECT 2")
    assert client("HGET large f999") == b"x" * 100
    assert client("OBJECT ENCODING h") == b"listpack"
    assert client("OBJECT ENCODING large") == b"hashtable"
    assert store.values([b"s", b"none", b"h"]) == {b"s": b"text", b"h": {b"f": b"v"}}
    store.drop(b"s")
    assert client("EXISTS s") == 0


def test_what_is_stored_again_is_replaced_with_its_deadline_and_type(harness: Harness) -> None:
    store, client = store_of(harness), harness.client()
    client("SET k x EX 100")
    store.put(b"k", Found({b"f": b"v"}, AS_SET))
    assert client("TYPE k") == b"hash"
    assert client("TTL k") == -1


def test_without_room_nothing_is_stored(harness: Harness) -> None:
    store = store_of(harness, make_room=lambda: False)
    assert not store.put(b"k", Found(b"x", AS_SET))
    assert store.db.find(b"k") is None


def test_lives_differ_by_the_jitter_and_only_downwards(harness: Harness) -> None:
    store = store_of(harness, expiration=100, expiration_jitter=0.2)
    client = harness.client()
    lives = set()
    for number in range(200):
        store.put(b"k%d" % number, Found(b"x", AS_SET))
        lives.add(client(f"PTTL k{number}"))
    assert 80_000 <= min(lives) < 82_000
    assert 98_000 < max(lives) <= 100_000


def test_a_life_of_its_own_is_exact(harness: Harness) -> None:
    store, client = store_of(harness, expiration=100), harness.client()
    store.put(b"k", Found(b"x", 1500))
    assert client("PTTL k") == 1500
    store.put(b"k", Found(b"x", None))
    assert client("PTTL k") == -1


def test_stale_values_are_kept_beyond_their_lives(harness: Harness) -> None:
    store = store_of(harness, expiration=10, expiration_jitter=0, on_failure="stale", stale_seconds=50)
    store.put(b"k", Found(b"x", AS_SET))
    assert harness.client()("PTTL k") == 60_000


def test_a_life_begins_anew(harness: Harness) -> None:
    store, client = store_of(harness, expiration=10, expiration_jitter=0), harness.client()
    store.put(b"k", Found(b"x", AS_SET))
    harness.clock.now_ms += 7000
    entry = store.db.find(b"k")
    assert entry is not None
    store.renew(entry)
    assert client("PTTL k") == 10_000
    endless = store_of(harness)
    endless.renew(entry)
    assert client("PTTL k") == 10_000


def test_what_is_loaded_is_a_change_that_listeners_hear_of(harness: Harness) -> None:
    store, client = store_of(harness), harness.client()
    client("WATCH k")
    store.put(b"k", Found(b"x", AS_SET))
    client("MULTI")
    assert client("EXEC") is None
