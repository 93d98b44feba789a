"""What happens by the clock, on a clock of the test's own."""

import logging

import pytest
import trio
from trio.testing import MockClock

from respcache.server.housekeeping import EXPIRED_PER_TURN, TICK_MS, Housekeeping, LoopLag
from tests.commands.harness import START_MS, Harness


def start(harness: Harness, nursery: trio.Nursery) -> Housekeeping:
    began = trio.current_time()

    def set_clock() -> None:
        harness.clock.now_ms = START_MS + int((trio.current_time() - began) * 1000)

    housekeeping = Housekeeping(harness.node, set_clock, LoopLag())
    nursery.start_soon(housekeeping.run)
    return housekeeping


async def test_an_idle_key_expires_within_100_ms(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    harness = Harness()
    client = harness.client()
    for life_ms in range(100, 3000, 100):
        client(f"SET key:{life_ms} x PX {life_ms}")
    start(harness, nursery)
    database = harness.node.keyspace.databases[0]
    for life_ms in range(100, 3000, 100):
        await trio.sleep_until(trio.current_time())
        while f"key:{life_ms}".encode() in database.entries:  # noqa: ASYNC110  # there is no event for it
            await trio.sleep(0.001)  # there is no event for a key that is gone
        assert life_ms <= trio.current_time() * 1000 <= life_ms + 100


async def test_many_keys_due_at_once_are_expired_in_turns(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    harness = Harness()
    client = harness.client()
    for number in range(3 * EXPIRED_PER_TURN):
        client(f"SET key:{number} x PX 100")
    start(harness, nursery)
    await trio.sleep(0.2)
    assert not len(harness.node.keyspace.databases[0])
    assert harness.node.statistics.expired_keys == 3 * EXPIRED_PER_TURN


async def test_expiry_can_be_switched_off(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    harness = Harness()
    harness.client()("SET a 1 PX 100")
    start(harness, nursery).expires = False
    await trio.sleep(1)
    assert b"a" in harness.node.keyspace.databases[0].entries


async def test_calls_are_made_every_100_ms_and_a_bug_in_one_does_not_stop_them(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    harness = Harness()
    housekeeping = start(harness, nursery)
    calls: list[int] = []

    def fail(now_ms: int) -> None:
        calls.append(now_ms)
        raise RuntimeError("boom")

    housekeeping.every_sample.append(fail)
    with caplog.at_level(logging.ERROR):
        await trio.sleep(1.01)
    assert len(calls) == 10
    assert "boom" in caplog.text


async def test_lag_is_measured(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    harness = Harness(latency_monitor_threshold="10")
    lag = LoopLag()
    nursery.start_soon(Housekeeping(harness.node, lambda: None, lag).run)
    await trio.sleep(0.001)
    autojump_clock.jump(TICK_MS / 1000 + 0.5)
    await trio.sleep(0.1)
    assert lag.last_and_worst_ms()[1] > 400
    assert harness.node.latency.latest()[0].event == "loop-lag"
