"""What a key goes through between the commands that need it and the loader: joined, timed out, overtaken, refreshed, refused."""

import pytest
import trio
from trio.testing import MockClock

from respcache.loading import flights as flights_module
from respcache.loading.loader import Loaded, LoadError
from tests.loading.rig import Rig, Table, fail, failed, timed_out, together, told


@pytest.fixture
def table() -> Table:
    return Table({b"k:1": b"one", b"k:2": b"two"})


async def test_two_hundred_clients_of_one_key_make_one_call(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(0.3)
    rig = Rig(nursery, table)
    assert await together(*[rig.after(0.001 * at, "GET k:1") for at in range(200)]) == [b"one"] * 200
    assert table.calls == [[b"k:1"]]
    assert rig.statistics.blocked == 200
    assert rig.statistics.loaded == 1
    rig.assert_at_rest()


async def test_a_value_that_comes_too_late_for_those_who_waited_is_kept(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(1.5)
    rig = Rig(nursery, table, timeout_ms=1000)
    assert await rig.ask("GET k:1") == timed_out(1000)
    assert rig.flights.state_of(b"k:1") == "loading"
    await trio.sleep(1)
    assert await rig.ask("GET k:1") == b"one"
    assert (rig.statistics.timed_out, rig.statistics.late, len(table.calls)) == (1, 1, 1)
    assert told(rig.events)[:3] == [("cache_miss", b"k:1"), ("blocked", b"k:1"), ("timed_out", b"k:1")]
    rig.assert_at_rest()


@pytest.mark.parametrize("write", ["DEL k:1", "UNLINK k:1", "FLUSHALL", "FLUSHDB"])
async def test_a_value_asked_for_before_a_deletion_never_comes_after_it(
    write: str, table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(1.5)
    rig = Rig(nursery, table, timeout_ms=1000)
    assert await rig.ask("GET k:1") == timed_out(1000)
    await rig.ask(write)
    table.rows[b"k:1"] = b"new"
    await trio.sleep(1)
    assert rig.flights.store.db.peek(b"k:1") is None
    assert rig.statistics.outdated == 1
    table.always = None
    assert await rig.ask("GET k:1") == b"new"
    rig.assert_at_rest()


async def test_who_asks_again_after_a_deletion_gets_what_is_read_after_it(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(0.8)
    rig = Rig(nursery, table, timeout_ms=500)
    assert await rig.ask("GET k:1") == timed_out(500)
    table.rows[b"k:1"] = b"new"
    assert await rig.ask("DEL k:1") == 0
    table.always = table.after(0.1)
    assert await rig.ask("GET k:1") == b"new"
    rig.assert_at_rest()


async def test_who_asks_for_a_key_that_was_to_be_loaded_anew_and_has_gone_gets_it(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table, batch_window_ms=100)
    assert await rig.ask("GET k:1") == b"one"
    assert rig.flights.refresh(b"k:1")
    await rig.ask("DEL k:1")
    assert rig.flights.request(b"k:1")  # while it waits for the next call
    await trio.sleep(1)
    assert rig.flights.store.db.has(b"k:1")
    rig.assert_at_rest()


@pytest.mark.parametrize("life", ["", "PX 20"])
async def test_a_late_value_does_not_replace_one_that_was_set_meanwhile_not_even_an_expired_one(
    life: str, table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(1.5)
    rig = Rig(nursery, table, timeout_ms=1000)
    assert await rig.ask("GET k:1") == timed_out(1000)
    assert await rig.ask(f"SET k:1 mine {life}") == b"OK"
    await trio.sleep(1)
    rig.set_clock()
    assert rig.flights.store.db.peek(b"k:1") == (None if life else b"mine")


async def test_whoever_stands_behind_a_deletion_gets_what_is_read_after_it(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.steps.extend([table.after(0.3), table.after(0.3)])
    rig = Rig(nursery, table)

    async def change() -> None:
        await trio.sleep(0.05)
        table.rows[b"k:1"] = b"new"

    replies = await together(
        rig.after(0, "GET k:1"), change(), rig.after(0.1, "DEL k:1"), rig.after(0.2, "GET k:1")
    )
    assert replies == [b"one", None, 1, b"new"]
    rig.assert_at_rest()


async def test_a_command_whose_keys_go_whenever_its_turn_comes_is_told_so(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.rows[b"k:1"] = Loaded(b"brief", 0.01)
    rig = Rig(nursery, table, Slow({b"s:1": b"slow"}), batch_window_ms=20)
    reply = await rig.ask("MGET k:1 s:1")
    assert reply.code == "TRYAGAIN"
    await trio.sleep(1)
    rig.assert_at_rest()


class Slow(Table):
    pattern = "s:*"
    expiration = 0.005

    async def bulk_load(self, keys: list[bytes]) -> dict[bytes, bytes]:
        await trio.sleep(0.1)
        return self.found(keys)


async def test_what_is_absent_is_remembered_until_it_is_written(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table = Table()
    rig = Rig(nursery, table, negative_expiration=10)
    assert await rig.ask("GET k:1") is None
    assert await rig.ask("GET k:1") is None
    assert rig.flights.state_of(b"k:1") == "absent"
    assert len(table.calls) == 1
    table.rows[b"k:1"] = b"row"
    assert await rig.ask("DEL k:1") == 0
    assert await rig.ask("GET k:1") == b"row"
    table.rows.clear()
    await rig.ask("FLUSHALL")
    assert await rig.ask("GET k:1") is None
    table.rows[b"k:1"] = b"row"
    await trio.sleep(10.1)
    assert await rig.ask("GET k:1") == b"row"


async def test_a_deletion_that_waits_for_an_absent_key_lets_it_be_asked_for_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table = Table()
    table.steps.append(table.after(0.3))
    rig = Rig(nursery, table)
    assert await together(rig.after(0, "GET k:1"), rig.after(0.1, "DEL k:1")) == [None, 0]
    table.rows[b"k:1"] = b"row"
    assert await rig.ask("GET k:1") == b"row"


async def test_flushall_forgets_what_was_known_to_be_absent(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table = Table({b"k:2": b"two"})
    rig = Rig(nursery, table)
    assert await rig.ask("MGET k:1 k:2") == [None, b"two"]
    table.rows[b"k:1"] = b"row"
    assert await rig.ask("FLUSHALL") == b"OK"
    assert await rig.ask("GET k:1") == b"row"


async def test_nothing_is_remembered_of_absent_keys_without_a_life_for_that(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table = Table()
    table.always = table.after(0.01)
    rig = Rig(nursery, table, negative_expiration=0)
    assert await together(*[rig.after(0, "GET k:1") for _ in range(10)]) == [None] * 10
    assert len(table.calls) == 1
    assert await rig.ask("GET k:1") is None
    assert len(table.calls) == 2
    assert told(rig.events)[-1] == ("no_key", b"k:1")


# -- failing ---------------------------------------------------------------------


async def test_a_loader_that_is_paused_answers_at_once(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table)
    rig.flights.is_paused = True
    assert await rig.ask("GET k:1") == failed("the loader Table is paused")
    assert not rig.flights.request(b"k:1")
    assert not table.calls
    rig.flights.is_paused = False
    assert await rig.ask("GET k:1") == b"one"
    assert rig.statistics.refused == 2


async def test_keys_on_their_way_are_bounded(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights_module, "MOST_FLIGHTS", 2)
    table.always = table.after(0.5)
    rig = Rig(nursery, table)
    replies = await together(*[rig.after(0.001 * number, f"GET k:{number}") for number in (1, 2, 3)])
    assert replies == [b"one", b"two", failed("too many keys wait for the loader Table")]
    assert await rig.ask("GET k:3") is None


async def test_on_failure_miss_answers_as_if_there_were_nothing(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = fail(OSError("gone"))
    rig = Rig(nursery, table, on_failure="miss", tries=1, circuit_failures=2, negative_expiration=0)
    assert await rig.ask("GET k:1") is None
    assert await rig.ask("INCR k:9") == 1
    assert rig.flights.breaker.state(rig.harness.clock.now_ms) == "open"
    assert await rig.ask("GET k:1") is None
    assert rig.flights.state_of(b"k:1") == "failed"
    rig.assert_at_rest()


async def test_a_counter_that_began_during_a_failure_is_not_replaced_by_what_comes_late(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(1)
    table.rows[b"k:1"] = b"100"
    rig = Rig(nursery, table, on_failure="miss", timeout_ms=500)
    assert await rig.ask("INCR k:1") == 1
    assert await rig.ask("PEXPIRE k:1 10") == 1
    await trio.sleep(1)
    rig.set_clock()
    assert rig.flights.store.db.peek(b"k:1") is None


async def test_on_failure_stale_serves_what_there_was_and_tries_again_now_and_then(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(
        nursery, table, on_failure="stale", expiration=10, stale_seconds=60, expiration_jitter=0, tries=1
    )
    assert await rig.ask("GET k:1") == b"one"
    table.always = fail(OSError("gone"))
    await trio.sleep(11)
    assert await rig.ask("GET k:1") == b"one"
    await trio.sleep(0.1)
    assert len(table.calls) == 2
    for _ in range(5):
        assert await rig.ask("GET k:1") == b"one"
        await trio.sleep(0.1)
    assert len(table.calls) == 2
    table.always = None
    table.rows[b"k:1"] = b"new"
    await trio.sleep(1)
    assert await rig.ask("GET k:1") == b"one"
    await trio.sleep(0.1)
    assert await rig.ask("GET k:1") == b"new"
    table.always = fail(OSError("gone"))
    await trio.sleep(71)
    assert await rig.ask("GET k:1") == failed("OSError: gone")


async def test_without_room_nothing_is_stored_and_everybody_is_told(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    settings = {"maxmemory_policy": "noeviction", "maxmemory": "100kb"}
    rig = Rig(nursery, table, settings=settings)
    for number in range(1000):
        await rig.ask("SET", f"fill:{number}", "x" * 1000)
    assert (await rig.ask("GET k:1")).code == "OOM"
    assert rig.statistics.failed == 1
    assert told(rig.events)[-1] == ("failed", b"k:1")
    await rig.ask("FLUSHALL")
    assert await rig.ask("GET k:1") == b"one"
    rig.assert_at_rest()


async def test_a_key_that_has_gone_to_another_node_is_not_stored(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(0.5)
    rig = Rig(nursery, table)
    rig.flights.request(b"k:1")
    await trio.sleep(0.2)
    rig.owns = lambda key: False
    await trio.sleep(1)
    assert len(table.calls) == 1
    assert not rig.flights.store.db.entries
    rig.assert_at_rest()


async def test_a_key_that_has_gone_and_come_back_is_loaded_anew_for_who_still_waits(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(0.5)
    rig = Rig(nursery, table)
    rig.owns = lambda key: len(table.calls) > 1
    assert await rig.ask("GET k:1") == b"one"
    assert len(table.calls) == 2
    rig.assert_at_rest()


async def test_a_key_by_itself_may_fail_and_is_told_why(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.rows[b"k:2"] = LoadError("row is locked")
    rig = Rig(nursery, table, tries=2, retry_pause_ms=10)
    first, second = await together(rig.after(0, "GET k:1"), rig.after(0, "GET k:2"))
    assert (first, second) == (b"one", failed("row is locked"))
    assert [sorted(call) for call in table.calls] == [[b"k:1", b"k:2"], [b"k:2"]]
    assert rig.flights.state_of(b"k:2") == "failed"
    rig.flights.forget(b"k:2")
    assert rig.flights.state_of(b"k:2") == "unknown"


async def test_a_key_whose_owner_is_busy_otherwise_is_asked_for_afterwards(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    rig = Rig(nursery, table, settings={"enable_debug_command": "yes"})
    sleeper = rig.client()
    await rig.ask("SET k:1 mine")
    sleeper.send("DEBUG OWNER-SLEEP k:1 1")
    deleting = rig.client()
    deleting.send("DEL k:1")
    assert await rig.ask("GET k:1") == b"one"
    assert await deleting.read() == [1]
    rig.assert_at_rest()
