"""Which loader a key is for, and what commands may ask of all of them."""

import pytest
import trio
from trio.testing import MockClock

from respcache.loading.loading import literal_prefix
from tests.loading.rig import Rig, Table, hang


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        (b"user:*", b"user:"),
        (b"user", b"user"),
        (b"*", b""),
        (b"u?er", b"u"),
        (b"u[sz]er", b"u"),
        (b"u\\*er", b"u"),
    ],
)
def test_every_match_of_a_pattern_begins_with_its_prefix(pattern: bytes, prefix: bytes) -> None:
    assert literal_prefix(pattern) == prefix


class Narrow(Table):
    pattern = "k:a*"
    expiration = 10
    refresh_ahead = 0.5


class InThree(Table):
    db = 3


@pytest.fixture
def rig(nursery: trio.Nursery) -> Rig:
    wide, narrow, there = Table({b"k:a": b"wide", b"k:b": b"wide"}), Narrow({b"k:a": b"narrow"}), InThree()
    there.rows[b"k:a"] = b"there"
    return Rig(nursery, narrow, wide, there)


async def test_of_two_loaders_that_match_a_key_the_first_is_asked(
    rig: Rig, autojump_clock: MockClock
) -> None:
    assert await rig.ask("MGET k:a k:b") == [b"narrow", b"wide"]
    await rig.ask("SELECT 3")
    assert await rig.ask("GET k:a") == b"there"


async def test_what_no_pattern_matches_concerns_nobody(rig: Rig, autojump_clock: MockClock) -> None:
    loading = rig.loading
    assert [loading.covers(0, key) for key in (b"k:a", b"k:b", b"other", b"")] == [True, True, False, False]
    assert not loading.covers(1, b"k:a")
    assert loading.wait_for(1, b"k:a") is None
    assert not loading.takes_writes(0, b"k:a")
    loading.overtake(1, b"k:a")
    await rig.ask("SET other x EX 1")
    entry = rig.flights.store.db.find(b"other")
    assert entry is not None
    assert not loading.is_due(entry, 0)
    loading.note_read(0, entry)


async def test_a_value_is_due_by_its_own_loaders_settings(rig: Rig, autojump_clock: MockClock) -> None:
    await rig.ask("SET k:a x EX 4")
    await rig.ask("SET k:b x EX 4")
    db = rig.flights.store.db
    due = [rig.loading.is_due(entry, 0) for key in (b"k:a", b"k:b") if (entry := db.find(key)) is not None]
    assert due == [True, False]


async def test_compiled_code_is_told_what_to_look_at(rig: Rig, autojump_clock: MockClock) -> None:
    assert rig.loading.prefixes() == [(0, b"k:a", 5000, False), (0, b"k:", 0, False), (3, b"k:", 0, False)]


async def test_a_loader_that_hangs_disturbs_no_other(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    stuck = Narrow()
    stuck.always = hang
    rig = Rig(nursery, stuck, Table({b"k:b": b"b"}))
    clients = [rig.client() for _ in range(10)]
    for at, client in enumerate(clients):
        client.send(f"GET k:a{at}")
    begun = trio.current_time()
    assert await rig.ask("GET k:b") == b"b"
    assert trio.current_time() - begun < 0.1
    await trio.sleep(100)
    rig.assert_at_rest()
