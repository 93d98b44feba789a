"""Keys that are loaded anew while they are there, or asked for before anybody needs them."""

import pytest
import trio
from trio.testing import MockClock

from respcache.loading.loader import KEEP, Mark
from tests.loading.rig import Rig, Table, hang, timed_out, together, told, until


@pytest.fixture
def table() -> Table:
    return Table({b"k:1": b"one", b"k:2": b"two"})


async def test_a_value_that_has_not_long_to_live_is_loaded_anew_while_it_is_served(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table, expiration=10, expiration_jitter=0, refresh_ahead=0.2)
    assert await rig.ask("GET k:1") == b"one"
    table.rows[b"k:1"] = b"new"
    await trio.sleep(7)
    assert await rig.ask("GET k:1") == b"one"
    assert len(table.calls) == 1
    await trio.sleep(2)
    assert await together(*[rig.after(0, "GET k:1") for _ in range(5)]) == [b"one"] * 5
    await trio.sleep(0.1)
    assert len(table.calls) == 2
    assert await rig.ask("GET k:1") == b"new"
    assert 9000 < await rig.ask("PTTL k:1") <= 10_000
    assert rig.statistics.refreshed == 1
    rig.assert_at_rest()


async def test_keep_lets_a_value_begin_its_life_anew(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[tuple[bytes, object, object]] = []

    class Keeping(Table):
        def refresh(self, key: bytes, old: object, datum: object) -> Mark:
            seen.append((key, old, datum))
            return KEEP

    rig = Rig(nursery, Keeping({b"k:1": {b"f": b"v"}}), expiration=10, refresh_ahead=0.5, expiration_jitter=0)
    assert await rig.ask("HGET k:1 f") == b"v"
    await trio.sleep(6)
    assert await rig.ask("HGET k:1 f") == b"v"
    await until(lambda: rig.statistics.refreshed == 1)
    assert seen == [(b"k:1", {b"f": b"v"}, {b"f": b"v"})]
    assert await rig.ask("PTTL k:1") > 9000


@pytest.mark.parametrize("write", ["SET k:1 one", "DEL k:1", "FLUSHALL", "APPEND k:1 x", "GETDEL k:1"])
async def test_what_is_loaded_anew_never_overrides_a_write_that_came_meanwhile(
    write: str, table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table)
    assert await rig.ask("GET k:1") == b"one"
    table.rows[b"k:1"] = b"between"
    table.always = table.after(0.5)
    assert rig.flights.refresh(b"k:1")
    await trio.sleep(0.1)
    assert rig.flights.state_of(b"k:1") == "reloading"
    table.rows[b"k:1"] = b"one"  # and back: the value alone would not show that somebody has written it
    await rig.ask(write)
    expected = rig.flights.store.db.peek(b"k:1")
    await trio.sleep(1)
    assert rig.flights.store.db.peek(b"k:1") == expected
    assert rig.statistics.outdated == 1
    rig.assert_at_rest()


async def test_a_key_that_disappeared_goes_here_too(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table)
    await rig.ask("GET k:1")
    del table.rows[b"k:1"]
    rig.flights.refresh(b"k:1")
    await trio.sleep(0.1)
    assert await rig.ask("GET k:1") is None
    assert rig.statistics.disappeared == 1
    assert told(rig.events)[-1] == ("disappeared", b"k:1")


async def test_a_key_that_expires_while_it_is_loaded_anew_is_asked_for_once_more(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table, expiration=1, expiration_jitter=0)
    await rig.ask("GET k:1")
    table.always = table.after(0.5)
    rig.flights.refresh(b"k:1")
    await trio.sleep(0.9)
    table.steps.append(hang)
    rig.flights.refresh(b"k:1")
    await trio.sleep(0.7)
    rig.set_clock()
    assert await rig.ask("GET k:1") == timed_out(5000)
    await trio.sleep(60)
    rig.assert_at_rest()


async def test_who_requests_a_key_that_was_deleted_on_its_way_gets_it_from_after_that(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.steps.append(table.after(0.5))
    rig = Rig(nursery, table)
    assert rig.flights.request(b"k:1")
    await trio.sleep(0.1)
    await rig.ask("DEL k:1")
    table.rows[b"k:1"] = b"new"
    assert rig.flights.request(b"k:1")
    await trio.sleep(1)
    assert rig.flights.store.db.peek(b"k:1") == b"new"


async def test_a_requested_key_that_is_set_before_the_call_is_not_asked_for(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table)
    rig.flights.request(b"k:1")
    rig.flights.request(b"k:2")
    assert rig.flights.state_of(b"k:2") == "requested"
    await rig.ask("SET k:1 mine")
    await trio.sleep(0.1)
    assert table.calls == [[b"k:2"]]
    assert await rig.ask("GET k:1") == b"mine"
    assert rig.flights.state_of(b"k:2") == "loaded"
    rig.assert_at_rest()
