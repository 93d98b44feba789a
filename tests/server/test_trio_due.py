"""What the reactor knows of trio's own work."""

import threading
import time
from collections.abc import Callable

import pytest
import trio
import trio.testing

from respcache.server.trio_due import LONGEST_WAIT_S, TrioDue
from tests.commands.harness import Harness
from tests.server.served import serving


def inside() -> TrioDue:
    due = TrioDue.find()
    assert due is not None
    return due


async def test_trio_is_due_at_once_while_a_task_can_run() -> None:
    due = inside()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.lowlevel.checkpoint)
        assert due.seconds_left() == 0.0


async def test_trio_is_due_at_its_next_deadline() -> None:
    due = inside()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, LONGEST_WAIT_S / 2)
        await trio.testing.wait_all_tasks_blocked()
        await due.pass_on()
        assert 0.0 < due.seconds_left() <= LONGEST_WAIT_S / 2
        nursery.cancel_scope.cancel()


async def test_a_task_behind_us_in_the_same_pass_counts_as_one_that_can_run() -> None:
    due = inside()
    seen: list[float] = []

    async def look() -> None:
        seen.append(due.seconds_left())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        nursery.start_soon(look)
    await due.pass_on()
    assert len(seen) == 2
    assert seen[0] == 0.0


async def test_whoever_stands_behind_us_has_had_its_turn_when_we_go_on() -> None:
    due, runs = inside(), list[int]()

    async def wait(begin: trio.Event) -> None:
        await begin.wait()
        runs.append(1)

    for number in range(20):  # trio shuffles
        async with trio.open_nursery() as nursery:
            begin = trio.Event()
            nursery.start_soon(wait, begin)
            await trio.testing.wait_all_tasks_blocked()
            begin.set()
            await due.pass_on()
            assert len(runs) == number + 1


async def test_a_wait_without_a_near_deadline_is_bounded() -> None:
    due = inside()
    await due.pass_on()
    assert 0.0 < due.seconds_left() <= LONGEST_WAIT_S


async def test_trio_is_waited_for_as_by_any_task_when_its_clock_is_not_real(
    mock_clock: trio.testing.MockClock,
) -> None:
    assert TrioDue.find() is None


@pytest.mark.parametrize("find", [TrioDue.find, lambda: None], ids=["before trio", "as any task"])
async def test_other_tasks_and_threads_get_their_turn_while_clients_are_served(
    find: Callable[[], TrioDue | None],
) -> None:
    done = threading.Event()
    token = trio.lowlevel.current_trio_token()
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await trio.sleep(0.001)
            ticks.append(time.monotonic())

    async with serving(Harness(), find) as served, await served.caller() as caller:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tick)
            thread = threading.Thread(target=lambda: token.run_sync_soon(done.set))
            thread.start()
            while not done.is_set() or len(ticks) < 10:
                assert await caller.call("INCR n") > b""
            nursery.cancel_scope.cancel()
        thread.join()


async def test_a_reactor_that_alone_is_cancelled_ends() -> None:
    with trio.fail_after(5):
        async with serving(Harness()) as served, await served.caller() as caller:
            await caller.call("PING")
