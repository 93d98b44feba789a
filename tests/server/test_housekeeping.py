"""What happens by the clock, on a clock of the test's own."""

import logging
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from respcache.keyspace.wheel import FINEST_MS
from respcache.server.housekeeping import (
    EXPIRED_PER_TURN,
    LAG_WINDOW_S,
    TICK_MS,
    Housekeeping,
    LoopLag,
)
from respcache.telemetry.statistics import SAMPLE_PERIOD_MS
from tests.commands.harness import START_MS, Harness, HarnessClient


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


class Idle:
    """Housekeeping that is told of commands, as by a reactor, and notes when it ticked."""

    def __init__(self, nursery: trio.Nursery, harness: Harness) -> None:
        self.looks: list[Callable[[], None] | None] = []
        self.ticks_ms: list[int] = []
        self.harness = harness
        self._began_s = trio.current_time()
        self.housekeeping = Housekeeping(harness.node, self._set_clock, LoopLag())
        self.housekeeping.watch = self.looks.append
        nursery.start_soon(self.housekeeping.run)

    def _set_clock(self) -> None:
        now_ms = round((trio.current_time() - self._began_s) * 1000)
        self.harness.clock.now_ms = START_MS + now_ms
        self.ticks_ms.append(now_ms)

    def call(self, client: HarnessClient, line: str) -> None:
        """Run a command, as a turn of the reactor does."""
        self._set_clock()
        self.ticks_ms.pop()
        client.send(line)
        look = self.looks[-1] if self.looks else None
        if look is not None:
            look()


@pytest.fixture
def idle(nursery: trio.Nursery, autojump_clock: MockClock) -> Idle:
    return Idle(nursery, Harness())


async def test_it_ticks_once_per_sample_while_there_is_nothing_to_do(idle: Idle) -> None:
    await trio.sleep(1.01)
    assert idle.ticks_ms[1:] == list(range(idle.ticks_ms[1], 1001, SAMPLE_PERIOD_MS))
    assert len(idle.ticks_ms) >= 10


async def test_nothing_is_left_out_where_nobody_tells_of_commands(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    idle = Idle(nursery, Harness())
    idle.housekeeping.watch = None
    await trio.sleep(1.01)
    assert idle.ticks_ms == list(range(TICK_MS, 1001, TICK_MS))


@pytest.mark.parametrize("later_ms", range(1, SAMPLE_PERIOD_MS + 1, 9))
async def test_a_command_brings_the_next_tick_back_at_once(idle: Idle, later_ms: int) -> None:
    client = idle.harness.client()
    await trio.sleep(0.5 + later_ms / 1000)
    idle.ticks_ms.clear()
    idle.call(client, "PING")
    await trio.sleep(0.2)
    began_ms = 500 + later_ms
    assert began_ms <= idle.ticks_ms[0] <= began_ms + TICK_MS
    assert set(idle.ticks_ms) <= set(range(0, 1000, TICK_MS))


@pytest.mark.parametrize("life_ms", [1, 10, 40, 90, 130, 1000, 5000])
@pytest.mark.parametrize("later_ms", [1, 24, 60, 99])
async def test_a_key_that_is_written_while_it_sleeps_dies_in_time(
    idle: Idle, later_ms: int, life_ms: int
) -> None:
    client, entries = idle.harness.client(), idle.harness.node.keyspace.databases[0].entries
    await trio.sleep(0.5 + later_ms / 1000)
    idle.call(client, f"SET a 1 PX {life_ms}")
    began_s = trio.current_time()
    while b"a" in entries:  # noqa: ASYNC110  # there is no event for it
        await trio.sleep(0.001)
    assert life_ms <= round((trio.current_time() - began_s) * 1000) <= life_ms + TICK_MS + FINEST_MS + 1


@pytest.mark.parametrize("timeout_ms", [1, 30, 250])
async def test_who_waits_is_answered_when_the_time_is_up(idle: Idle, timeout_ms: int) -> None:
    client = idle.harness.client()
    await trio.sleep(0.51)
    idle.call(client, f"WAIT 1 {timeout_ms}")
    began_s = trio.current_time()
    while len(idle.harness.node.waits):  # noqa: ASYNC110  # there is no event for it
        await trio.sleep(0.001)
    assert round((trio.current_time() - began_s) * 1000) <= timeout_ms + TICK_MS + 1


async def test_changes_that_no_command_made_are_told_soon(idle: Idle) -> None:
    listener = idle.harness.client(protocol=3)
    listener("CLIENT TRACKING ON BCAST")
    await trio.sleep(1.01)
    assert idle.ticks_ms[1:] == list(range(idle.ticks_ms[1], 1001, TICK_MS))
    assert len(idle.ticks_ms) > 30


async def test_a_stop_within_a_long_sleep_is_seen(idle: Idle, autojump_clock: MockClock) -> None:
    lag = idle.housekeeping._lag
    await trio.sleep(0.51)
    autojump_clock.jump(0.4)
    await trio.sleep(0.1)
    assert 300 <= lag.last_and_worst_ms()[1] <= 400


def test_the_worst_lag_is_of_the_last_minute() -> None:
    lag = LoopLag()
    assert lag.last_and_worst_ms() == (0.0, 0.0)
    lag.record(30.0, 1000.0)
    lag.record(5.0, 1000.5)
    lag.record(7.0, 1002.0)
    assert lag.last_and_worst_ms() == (7.0, 30.0)
    lag.record(1.0, 1000.9 + LAG_WINDOW_S)
    assert lag.last_and_worst_ms() == (1.0, 7.0)


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
