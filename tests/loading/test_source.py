"""Batches, retries, calls that take too long, the breaker, and a loader's start and end."""

import threading
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from respcache.loading.flights import Flights
from respcache.loading.loader import LoadError
from tests.loading.rig import Rig, Table, answer, fail, failed, hang, timed_out, together, until


@pytest.fixture
def table() -> Table:
    return Table({b"k:%d" % number: b"%d" % number for number in range(100)})


async def test_fifty_clients_of_the_same_fifty_keys_share_one_call(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(0.05)
    rig = Rig(nursery, table)
    words = [f"k:{number}" for number in range(50)]
    replies = await together(*[rig.after(0, "MGET", *words) for _ in range(50)])
    assert replies == [[word[2:].encode() for word in words]] * 50
    assert [sorted(call) for call in table.calls] == [sorted(word.encode() for word in words)]


@pytest.mark.parametrize(("size", "calls"), [(1, 10), (4, 3), (1_000_000, 1)])
async def test_a_call_is_for_so_many_keys_at_most(
    size: int, calls: int, table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = table.after(0.1)
    rig = Rig(nursery, table, batch_size=size, max_concurrent_batches=2)
    words = [f"k:{number}" for number in range(10)]
    assert await rig.ask("MGET", *words) == [word[2:].encode() for word in words]
    assert (len(table.calls), table.most) == (calls, min(2, calls))
    rig.assert_at_rest()


async def test_a_failed_call_is_tried_again_after_pauses_that_double(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    at: list[float] = []

    async def step(keys: list[bytes]) -> Any:
        at.append(trio.current_time())
        if len(at) < 4:
            raise ConnectionError("no way")
        return table.found(keys)

    table.always = step
    rig = Rig(nursery, table, retry_pause_ms=100)
    assert await rig.ask("GET k:1") == b"1"
    pauses = [later - earlier for earlier, later in pairwise(at)]
    for pause, first in zip(pauses, [0.1, 0.2, 0.4], strict=True):
        assert first <= pause <= 2 * first + 0.01
    assert rig.statistics.retried == 3


async def test_after_all_tries_the_reason_is_told(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = fail(ConnectionError("no\nway"))
    rig = Rig(nursery, table, tries=3)
    assert await rig.ask("GET k:1") == failed("ConnectionError: no way")
    assert len(table.calls) == 3
    rig.assert_at_rest()


async def test_many_tries_without_a_pause_are_only_many(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = answer({b"k:1": LoadError("not yet")})
    rig = Rig(nursery, table, tries=1500, retry_pause_ms=0, batch_window_ms=0)
    assert await rig.ask("GET k:1") == failed("not yet")
    assert len(table.calls) == 1500


async def test_a_wait_that_ends_between_two_tries_is_told_why(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = fail(ConnectionError("no way"))
    rig = Rig(nursery, table, timeout_ms=100, retry_pause_ms=400)
    assert await rig.ask("GET k:1") == failed("ConnectionError: no way")
    await trio.sleep(2)
    rig.assert_at_rest()


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (None, "bulk_load must return a mapping, not NoneType"),
        ([b"k:1"], "bulk_load must return a mapping, not list"),
        ({1: b"x"}, "bulk_load must return bytes or str as keys, not int"),
        ({b"k:1": 5}, "a value must be bytes, str or a mapping of these, not int"),
        ({b"k:1": {b"f": 5}}, "fields and their values must be bytes or str, not int"),
    ],
)
async def test_a_wrong_answer_is_not_asked_for_again(
    result: Any, reason: str, table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = answer(result)
    rig = Rig(nursery, table)
    assert await rig.ask("GET k:1") == failed(reason)
    assert len(table.calls) == 1
    rig.assert_at_rest()


async def test_too_much_too_little_and_what_nobody_asked_for(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = answer({"k:1": "one", b"k:7": b"unasked", b"other": b"x"})
    rig = Rig(nursery, table)
    assert await rig.ask("MGET k:1 k:2") == [b"one", None]
    assert rig.source.caller.unasked == 2
    assert rig.flights.store.db.peek(b"k:7") is None


# -- time ------------------------------------------------------------------------


async def test_a_call_that_hangs_is_given_up_and_its_keys_can_be_asked_for_again(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.steps.append(hang)
    rig = Rig(nursery, table, timeout_ms=1000, circuit_failures=100)
    assert await rig.ask("GET k:1") == timed_out(1000)
    assert await rig.ask("GET k:2") == b"2"
    await trio.sleep(2.5)
    assert rig.statistics.abandoned == 1
    assert await rig.ask("GET k:1") == b"1"
    rig.assert_at_rest()


async def test_when_all_calls_hang_everybody_is_answered_at_once(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.steps.extend([hang, hang])
    rig = Rig(nursery, table, timeout_ms=1000, max_concurrent_batches=2, batch_size=1, circuit_failures=100)
    await together(rig.after(0, "GET k:1"), rig.after(0, "GET k:2"))
    begun = trio.current_time()
    assert await rig.ask("GET k:3") == failed("the loader Table does not answer")
    assert trio.current_time() == begun
    await trio.sleep(3)
    assert await rig.ask("GET k:3") == b"3"


class Stuck(Table):
    """Sits in a thread until it is let go."""

    def __init__(self) -> None:
        super().__init__({b"k:1": b"one"})
        self.go_on = threading.Event()

    def bulk_load(self, keys: list[bytes]) -> Any:
        self.go_on.wait(20)
        return self.found(keys)


async def test_a_thread_that_is_given_up_keeps_the_loader_from_getting_more_until_it_returns(
    nursery: trio.Nursery,
) -> None:
    stuck = Stuck()
    options: dict[str, Any] = {
        "timeout_ms": 100,
        "max_concurrent_batches": 1,
        "circuit_failures": 100,
        "tries": 1,
    }
    rig = Rig(nursery, stuck, **options)
    with trio.fail_after(10):
        assert await rig.ask("GET k:1") == timed_out(100)
        await until(lambda: rig.statistics.abandoned == 1)
        assert rig.source.overdue == 0
        assert rig.source.caller.abandoned == 1
        assert await rig.ask("GET k:1") == failed("the loader Stuck does not answer")
        stuck.go_on.set()
        await until(lambda: not rig.flights.hangs())
        while (reply := await rig.ask("GET k:1")) != b"one":  # on a busy machine a thread may take its time
            assert reply == timed_out(100)
    rig.assert_at_rest()


# -- the breaker --------------------------------------------------------------------


async def test_a_database_that_is_away_for_ten_seconds_is_used_again_within_one(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def step(keys: list[bytes]) -> Any:
        if 1 <= trio.current_time() < 11:
            raise ConnectionError("refused")
        return table.found(keys)

    table.always = step
    rig = Rig(nursery, table, expiration=0.05)
    answers: list[tuple[float, float, Any]] = []

    async def ask_on() -> None:
        while trio.current_time() < 13:
            begun = trio.current_time()
            reply = await rig.after(0.02, f"GET k:{len(answers) % 100}")
            answers.append((begun, trio.current_time(), reply))

    async with trio.open_nursery() as clients:
        for _ in range(10):
            clients.start_soon(ask_on)
    assert all(isinstance(reply, bytes) for begun, _, reply in answers if begun > 12)
    assert all(not isinstance(reply, bytes) for begun, ended, reply in answers if begun > 1.1 and ended < 11)
    assert max(ended - begun for begun, ended, _ in answers) < 2.5
    assert sum(begun > 2 and ended - begun > 0.1 for begun, ended, _ in answers) < len(answers) / 20
    assert len(table.calls) < 1000
    rig.assert_at_rest()


async def test_an_open_circuit_answers_at_once_then_lets_one_call_try(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = fail(ConnectionError("refused"))
    rig = Rig(nursery, table, circuit_failures=2, circuit_reset_ms=500)
    assert await rig.ask("GET k:1") == failed("ConnectionError: refused")
    assert len(table.calls) == 2
    assert await rig.ask("GET k:1") == failed("the loader Table keeps failing: ConnectionError: refused")
    assert len(table.calls) == 2
    await trio.sleep(0.6)
    table.always = table.after(0.1)
    replies = await together(*[rig.after(0.001 * at, f"GET k:{at}") for at in range(10)])
    assert replies[0] == b"0"
    assert len(table.calls) <= 4
    assert await rig.ask("GET k:11") == b"11"
    assert rig.flights.breaker.state(rig.harness.clock.now_ms) == "closed"
    rig.assert_at_rest()


async def test_keys_that_wait_for_a_call_learn_that_the_loader_is_paused(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    table.always = fail(ConnectionError("refused"))
    rig = Rig(nursery, table, retry_pause_ms=1000)

    async def pause() -> None:
        await trio.sleep(0.5)
        rig.flights.is_paused = True
        rig.flights.wants_call()

    reply, _ = await together(rig.after(0, "GET k:1"), pause())
    assert reply == failed("the loader is paused")
    rig.assert_at_rest()


# -- its life --------------------------------------------------------------------------


class Unready(Table):
    async def start(self) -> None:
        await super().start()
        if self.started < 3:
            raise ConnectionError("not up yet")


class Other(Table):
    pattern = "o:*"


async def test_a_start_that_fails_is_tried_again_and_other_loaders_go_on(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    unready = Unready({b"k:1": b"one"})
    rig = Rig(nursery, unready, Other({b"o:1": b"other"}))
    assert await rig.ask("GET o:1") == b"other"
    assert await rig.ask("GET k:1") == failed("ConnectionError: not up yet")
    await trio.sleep(1)
    assert await rig.ask("GET k:1") == b"one"
    assert (unready.started, len(unready.calls)) == (3, 1)
    await rig.stop()
    assert unready.closed == 1


class NeverReady(Table):
    async def start(self) -> None:
        await trio.sleep_forever()


async def test_a_start_that_hangs_lets_nobody_wait_for_ever(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    never = NeverReady()
    rig = Rig(nursery, never)
    assert await rig.ask("GET k:1") == timed_out(5000)
    await rig.stop()
    assert never.closed == 0


async def test_an_error_of_our_own_fails_the_keys_and_is_survived(
    table: Table, nursery: trio.Nursery, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(nursery, table, Other({b"o:1": b"other"}))
    olds = Flights.olds
    broken = [True]

    def fail_once(flights: Flights, batch: Any) -> Any:
        if flights is rig.flights and broken:
            broken.clear()
            raise RuntimeError("a bug")
        return olds(flights, batch)

    monkeypatch.setattr(Flights, "olds", fail_once)
    reply, other = await together(rig.after(0, "GET k:1"), rig.after(0, "GET o:1"))
    assert reply.code == "LOADFAILED"
    assert other == b"other"
    assert await rig.ask("GET k:1") == b"1"
    assert table.started == 1
    rig.assert_at_rest()


async def test_one_loader_that_cannot_close_keeps_no_client_of_another_waiting(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    class NeverClosed(Table):
        async def close(self) -> None:
            await trio.sleep_forever()

    other = Other()
    other.always = other.after(3)
    rig = Rig(nursery, NeverClosed({b"k:1": b"one"}), other)
    assert await rig.ask("GET k:1") == b"one"
    client = rig.client()
    client.send("GET o:1")
    begun = trio.current_time()
    async with trio.open_nursery() as ending:
        ending.start_soon(rig.stop)
        assert await client.read() == [failed("the server is shutting down")]
        assert trio.current_time() == begun
    assert trio.current_time() - begun == pytest.approx(2)
    assert other.closed == 1


async def test_a_close_that_fails_is_only_logged(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Unclosable(Table):
        async def close(self) -> None:
            raise OSError("stays open")

    rig = Rig(nursery, Unclosable())
    assert await rig.ask("GET k:1") is None
    await rig.stop()
    assert "could not be closed" in caplog.text
