from collections.abc import Iterable

import pytest

from respcache.events.bus import Bus, Sink
from respcache.events.record import Event
from respcache.events.vocabulary import CHANGES, Created, Flushed, Missed, Read, Started


class Notebook:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def deliver(self, event: Event) -> None:
        self.events.append(event)


class Broken:
    def deliver(self, event: Event) -> None:
        raise RuntimeError("out of order")


class Reports:
    def __init__(self) -> None:
        self.counts: list[int] = []

    def __call__(self, sink: Sink, error: BaseException, failures: int) -> None:
        self.counts.append(failures)


FLUSHED = Flushed(1, "a", 0)
MISSED = Missed(1, "a", 0, b"key")


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def bus(reports: Reports) -> Bus:
    return Bus(reports)


def test_a_sink_is_told_only_what_it_wants(bus: Bus) -> None:
    notebook = Notebook()
    bus.subscribe(notebook, {Flushed})
    bus.publish(MISSED)
    bus.publish(FLUSHED)
    assert notebook.events == [FLUSHED]


def test_all_sinks_are_told_in_the_order_of_publishing(bus: Bus) -> None:
    first, second = Notebook(), Notebook()
    for notebook in (first, second):
        bus.subscribe(notebook, {Flushed, Missed})
    for event in (FLUSHED, MISSED, FLUSHED):
        bus.publish(event)
    assert first.events == second.events == [FLUSHED, MISSED, FLUSHED]


def test_an_event_without_a_listener_goes_nowhere(bus: Bus) -> None:
    bus.publish(FLUSHED)
    assert not bus.listening
    assert bus.failures == 0


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ({Started}, (True, False, False)),
        ({Created}, (True, True, False)),
        ({Read}, (True, False, True)),
        ({Created, Missed}, (True, True, True)),
        (set(), (False, False, False)),
    ],
)
def test_the_attributes_tell_the_interest(
    bus: Bus, kinds: Iterable[type[Event]], expected: tuple[bool, ...]
) -> None:
    bus.subscribe(Notebook(), kinds)
    assert (bus.listening, bus.wants_changes, bus.wants_reads) == expected


def test_wants_answers_for_the_very_kind(bus: Bus) -> None:
    bus.subscribe(Notebook(), {Read})
    assert bus.wants(Read)
    assert not bus.wants(Missed)


def test_interest_ends_with_the_last_subscription(bus: Bus) -> None:
    notebook = Notebook()
    bus.subscribe(notebook, CHANGES, 100)
    bus.unsubscribe(notebook)
    bus.publish(FLUSHED)
    assert notebook.events == []
    assert (bus.listening, bus.wants_changes, bus.wants_values) == (False, False, False)


def test_the_largest_wish_for_values_counts(bus: Bus) -> None:
    greedy = Notebook()
    bus.subscribe(Notebook(), CHANGES, 10)
    bus.subscribe(greedy, CHANGES, 1000)
    assert bus.value_limit_bytes == 1000
    bus.unsubscribe(greedy)
    assert bus.value_limit_bytes == 10
    assert bus.wants_values


def test_a_second_subscription_replaces_the_first(bus: Bus) -> None:
    notebook = Notebook()
    bus.subscribe(notebook, {Flushed, Missed})
    bus.subscribe(notebook, {Missed})
    bus.publish(FLUSHED)
    bus.publish(MISSED)
    assert notebook.events == [MISSED]


def test_a_change_of_interest_is_called_out_once(bus: Bus) -> None:
    seen: list[bool] = []
    bus.on_interest_change = lambda: seen.append(bus.wants_changes)
    one, other = Notebook(), Notebook()
    bus.subscribe(one, {Flushed})
    bus.subscribe(other, {Flushed})
    bus.unsubscribe(one)
    bus.unsubscribe(other)
    assert seen == [True, False]


def test_a_failing_sink_harms_neither_publisher_nor_other_sinks(bus: Bus) -> None:
    notebook = Notebook()
    bus.subscribe(Broken(), {Flushed})
    bus.subscribe(notebook, {Flushed})
    bus.publish(FLUSHED)
    assert notebook.events == [FLUSHED]


def test_failures_are_counted_for_each_sink(bus: Bus) -> None:
    broken = bus.subscribe(Broken(), {Flushed})
    sound = bus.subscribe(Notebook(), {Flushed})
    bus.publish(FLUSHED)
    bus.publish(FLUSHED)
    assert (broken.failures, sound.failures, bus.failures) == (2, 0, 2)


def test_a_sink_that_always_fails_does_not_flood_the_log(bus: Bus, reports: Reports) -> None:
    bus.subscribe(Broken(), {Flushed})
    for _ in range(100):
        bus.publish(FLUSHED)
    assert reports.counts == [1, 2, 4, 8, 16, 32, 64]


def test_a_sink_may_leave_while_it_is_told(bus: Bus) -> None:
    class Fleeting(Notebook):
        def deliver(self, event: Event) -> None:
            super().deliver(event)
            bus.unsubscribe(self)

    fleeting, steady = Fleeting(), Notebook()
    bus.subscribe(fleeting, {Flushed})
    bus.subscribe(steady, {Flushed})
    bus.publish(FLUSHED)
    bus.publish(FLUSHED)
    assert (len(fleeting.events), len(steady.events)) == (1, 2)
