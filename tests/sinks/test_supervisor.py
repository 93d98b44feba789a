import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from respcache.events.bus import Bus
from respcache.events.vocabulary import Dropped
from respcache.sinks.supervisor import Supervisor

from .fakes import Recorder, Steady, flushed, queued, strict_bus

EVENTS = [flushed(number) for number in range(6)]


class House:
    """A bus, one sink with batches of one, and its supervisor."""

    def __init__(self, queue_length: int = 100) -> None:
        self.bus: Bus = strict_bus()
        self.recorder = Recorder()
        self.sink = queued(self.recorder, queue_length=queue_length, most_per_batch=1)
        self.reports: list[str] = []
        self.supervisor = Supervisor(self.bus, [self.sink], Steady(), self.report)

    def report(self, name: str, error: BaseException) -> None:
        self.reports.append(f"{name}: {error} at {trio.current_time()}")

    def fail(self, times: int) -> None:
        self.recorder.errors += [RuntimeError("broken")] * times


async def test_what_is_published_is_written(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    house = House()
    house.supervisor.start(nursery)
    house.bus.publish(EVENTS[0])
    await wait_all_tasks_blocked()
    assert house.recorder.events == EVENTS[:1]
    await house.supervisor.drain(1)


async def test_a_crashed_worker_is_started_again_after_longer_and_longer_pauses(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    house = House()
    house.fail(3)
    house.supervisor.start(nursery)
    for event in EVENTS[:4]:
        house.bus.publish(event)
    await trio.sleep(10)
    assert house.reports == [
        "recorder: broken at 0.0",
        "recorder: broken at 0.1",
        f"recorder: broken at {0.1 + 0.2}",
    ]
    assert house.recorder.events == [Dropped(1003, "alpha", "recorder", 3), EVENTS[3]]
    await house.supervisor.drain(1)


async def test_a_success_makes_the_pauses_short_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    house = House()
    house.fail(4)
    house.supervisor.start(nursery)
    for event in EVENTS[:5]:
        house.bus.publish(event)
    await trio.sleep(10)
    house.fail(2)
    house.bus.publish(EVENTS[5])
    house.bus.publish(EVENTS[5])
    await trio.sleep(10)
    assert [report.split(" at ")[1] for report in house.reports[4:]] == ["10.0", "10.1"]
    await house.supervisor.drain(1)


async def test_a_crashing_sink_leaves_the_others_alone(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    bus, broken, sound = strict_bus(), Recorder(), Recorder()
    broken.errors.append(RuntimeError("broken"))
    supervisor = Supervisor(bus, [queued(broken), queued(sound)], Steady(), lambda name, error: None)
    supervisor.start(nursery)
    bus.publish(EVENTS[0])
    await wait_all_tasks_blocked()
    assert (broken.events, sound.events) == ([], EVENTS[:1])
    await supervisor.drain(1)


async def test_draining_writes_what_waits(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    house = House()
    house.supervisor.start(nursery)
    for event in EVENTS:
        house.bus.publish(event)
    await house.supervisor.drain(1)
    assert house.recorder.events == EVENTS
    assert house.recorder.closings == 1


async def test_draining_ends_the_interest_in_events(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    house = House()
    house.supervisor.start(nursery)
    await house.supervisor.drain(1)
    assert not house.bus.listening


async def test_draining_ends_in_time_though_a_sink_is_stuck(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    house = House()
    house.recorder.stall()
    house.supervisor.start(nursery)
    for event in EVENTS:
        house.bus.publish(event)
    await wait_all_tasks_blocked()
    await house.supervisor.drain(timeout_s=3)
    assert trio.current_time() == 3
    statistics = house.supervisor.statistics()["recorder"]
    assert (statistics.failed, statistics.dropped, statistics.queued) == (1, 5, 0)


async def test_draining_does_not_wait_for_a_pause(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    house = House()
    house.fail(1)
    house.supervisor.start(nursery)
    house.bus.publish(EVENTS[0])
    house.bus.publish(EVENTS[1])
    await wait_all_tasks_blocked()
    await house.supervisor.drain(timeout_s=1)
    assert trio.current_time() == 0
    assert house.recorder.events[-1] == EVENTS[1]


async def test_draining_without_workers_is_done_at_once(mock_clock: MockClock) -> None:
    house = House()
    await house.supervisor.drain(1)
    assert trio.current_time() == 0


async def test_an_error_in_closing_is_only_reported(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    house = House()

    async def close() -> None:
        raise RuntimeError("will not close")

    house.recorder.close = close  # type: ignore[method-assign]  # one method differs, once
    house.supervisor.start(nursery)
    await house.supervisor.drain(1)
    assert house.reports == ["recorder: will not close at 0.0"]


async def test_cancelling_the_nursery_stops_the_workers(mock_clock: MockClock) -> None:
    house = House()
    house.recorder.stall()
    async with trio.open_nursery() as nursery:
        house.supervisor.start(nursery)
        house.bus.publish(EVENTS[0])
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert house.supervisor.statistics()["recorder"].failed == 1
