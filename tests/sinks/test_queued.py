import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from respcache.events.vocabulary import Dropped
from respcache.sinks.queued import QueuedSink
from respcache.sinks.statistics import SinkStatistics

from .fakes import Recorder, flushed, queued

FIVE = [flushed(number) for number in range(5)]


async def test_events_are_written_in_order(nursery: trio.Nursery) -> None:
    recorder = Recorder()
    sink = queued(recorder)
    nursery.start_soon(sink.run)
    for event in FIVE:
        sink.deliver(event)
        await wait_all_tasks_blocked()
    assert recorder.events == FIVE
    assert sink.statistics() == SinkStatistics(delivered=5, dropped=0, failed=0, queued=0)
    sink.finish()


async def test_events_from_before_the_worker_started_are_written(nursery: trio.Nursery) -> None:
    recorder = Recorder()
    sink = queued(recorder)
    for event in FIVE:
        sink.deliver(event)
    sink.finish()
    await sink.run()
    assert recorder.batches == [FIVE]


async def test_a_batch_is_never_longer_than_allowed() -> None:
    recorder = Recorder()
    sink = queued(recorder, most_per_batch=2)
    for event in FIVE:
        sink.deliver(event)
    sink.finish()
    await sink.run()
    assert recorder.batches == [FIVE[0:2], FIVE[2:4], FIVE[4:5]]


async def test_a_lingering_event_waits_for_company(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    recorder = Recorder()
    sink = queued(recorder, linger_s=1)
    nursery.start_soon(sink.run)
    sink.deliver(FIVE[0])
    await trio.sleep(0.9)
    sink.deliver(FIVE[1])
    assert recorder.batches == []
    await trio.sleep(0.2)
    assert recorder.batches == [FIVE[:2]]
    sink.finish()


async def test_a_full_batch_does_not_linger(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    recorder = Recorder()
    sink = queued(recorder, most_per_batch=2, linger_s=1)
    nursery.start_soon(sink.run)
    sink.deliver(FIVE[0])
    sink.deliver(FIVE[1])
    await wait_all_tasks_blocked()
    assert recorder.batches == [FIVE[:2]]
    sink.finish()


async def test_finishing_ends_the_lingering(mock_clock: MockClock) -> None:
    recorder = Recorder()
    sink = queued(recorder, linger_s=1000)
    async with trio.open_nursery() as workers:
        workers.start_soon(sink.run)
        sink.deliver(FIVE[0])
        await wait_all_tasks_blocked()
        sink.finish()
    assert recorder.batches == [FIVE[:1]]


async def test_a_stalled_outlet_costs_a_bounded_queue_and_the_oldest_events(nursery: trio.Nursery) -> None:
    recorder = Recorder()
    recorder.stall()
    sink = queued(recorder, queue_length=2)
    nursery.start_soon(sink.run)
    sink.deliver(FIVE[0])
    await wait_all_tasks_blocked()
    for event in FIVE[1:]:
        sink.deliver(event)
    assert sink.statistics() == SinkStatistics(delivered=0, dropped=2, failed=0, queued=2)
    recorder.gate.set()
    sink.finish()
    await wait_all_tasks_blocked()
    assert recorder.batches == [[FIVE[0]], [Dropped(1003, "alpha", "recorder", 2), FIVE[3], FIVE[4]]]


async def failed_once(recorder: Recorder) -> QueuedSink:
    """Return a sink that has got five events, and failed with the first two."""
    recorder.errors.append(OSError("disk full"))
    sink = queued(recorder, most_per_batch=2)
    for event in FIVE:
        sink.deliver(event)
    with pytest.raises(OSError, match="disk full"):
        await sink.run()
    return sink


async def test_a_failed_batch_is_counted_and_raised() -> None:
    recorder = Recorder()
    sink = await failed_once(recorder)
    assert sink.statistics() == SinkStatistics(delivered=0, dropped=0, failed=2, queued=3)


async def test_the_stream_tells_of_a_failed_batch() -> None:
    recorder = Recorder()
    sink = await failed_once(recorder)
    sink.finish()
    await sink.run()
    assert recorder.events == [Dropped(1002, "alpha", "recorder", 2), *FIVE[2:]]


async def test_a_batch_cut_off_by_cancellation_is_counted() -> None:
    recorder = Recorder()
    recorder.stall()
    sink = queued(recorder)
    sink.deliver(FIVE[0])
    async with trio.open_nursery() as workers:
        workers.start_soon(sink.run)
        await wait_all_tasks_blocked()
        workers.cancel_scope.cancel()
    assert sink.statistics() == SinkStatistics(delivered=0, dropped=0, failed=1, queued=0)


async def test_what_is_given_up_counts_as_dropped() -> None:
    sink = queued(Recorder())
    sink.deliver(FIVE[0])
    sink.give_up()
    assert sink.statistics() == SinkStatistics(delivered=0, dropped=1, failed=0, queued=0)


def test_a_reopening_is_passed_on() -> None:
    recorder = Recorder()
    queued(recorder).reopen()
    assert recorder.reopenings == 1


def test_a_sink_shows_its_counts() -> None:
    assert repr(queued(Recorder())).startswith("<QueuedSink recorder: SinkStatistics(delivered=0")
