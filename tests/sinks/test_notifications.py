import pytest

from respcache.events.notifications import parse_notification_classes
from respcache.events.record import Event
from respcache.events.vocabulary import (
    Created,
    Deleted,
    Evicted,
    Expired,
    Flushed,
    Missed,
    Read,
    Touched,
    Updated,
)
from respcache.sinks.notifications import NotificationSink, kinds_for
from tests.rows import every_row

from .fakes import strict_bus

WRITES = {Created, Updated, Touched, Deleted}


def notifications(classes: str, *events: Event) -> list[tuple[bytes, bytes]]:
    """Publish events under these classes; return what subscribers see."""
    messages: list[tuple[bytes, bytes]] = []

    def publish(channel: bytes, message: bytes) -> int:
        messages.append((channel, message))
        return 1

    bus = strict_bus()
    sink = NotificationSink(bus, publish, lambda: True)
    sink.switch(parse_notification_classes(classes))
    for event in events:
        bus.publish(event)
    assert sink.statistics().delivered == len(messages)
    return messages


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Created(1, "a", 0, b"k", "$", "set"), b"set"),
        (Updated(1, "a", 0, b"k", "h", "hset"), b"hset"),
        (Touched(1, "a", 0, b"k", "g", "expire"), b"expire"),
        (Deleted(1, "a", 0, b"k", "g", "del"), b"del"),
        (Expired(1, "a", 0, b"k"), b"expired"),
        (Evicted(1, "a", 0, b"k"), b"evicted"),
    ],
)
def test_each_event_is_told_by_its_name_in_redis(event: Event, message: bytes) -> None:
    assert notifications("KEA", event) == [
        (b"__keyspace@0__:k", message),
        (b"__keyevent@0__:" + message, b"k"),
    ]


def test_a_new_key_is_told_before_its_first_write() -> None:
    told = notifications("EAn", Created(1, "a", 0, b"k", "$", "set"), Updated(1, "a", 0, b"k", "$", "set"))
    assert [channel for channel, _ in told] == [
        b"__keyevent@0__:new",
        b"__keyevent@0__:set",
        b"__keyevent@0__:set",
    ]


def test_a_miss_is_told_only_under_m() -> None:
    miss = Missed(1, "a", 2, b"k")
    assert notifications("KEA", miss) == []
    assert notifications("Km", miss) == [(b"__keyspace@2__:k", b"keymiss")]


def test_a_class_that_is_off_is_not_told() -> None:
    assert notifications("KE$", Updated(1, "a", 0, b"k", "h", "hset")) == []


def test_what_redis_does_not_tell_is_not_told() -> None:
    assert notifications("KEAmn", Flushed(1, "a", 0), Read(1, "a", 0, b"k")) == []


@every_row(
    ("classes", "kinds"),
    [
        ("", set()),
        ("A", set()),
        ("KE", set()),
        ("Kx", {Expired}),
        ("Ee", {Evicted}),
        ("Em", {Missed}),
        ("K$", WRITES),
        ("En", WRITES),
        ("KA", {*WRITES, Expired, Evicted}),
        ("KEAm", {*WRITES, Expired, Evicted, Missed}),
    ],
)
def test_only_what_is_switched_on_is_listened_to(classes: str, kinds: set[type[Event]]) -> None:
    assert kinds_for(parse_notification_classes(classes)) == kinds


def test_interest_comes_and_goes_with_subscribers_and_setting() -> None:
    bus = strict_bus()
    subscribers = False
    sink = NotificationSink(bus, lambda channel, message: 0, lambda: subscribers)
    sink.switch(parse_notification_classes("KEA"))
    assert not bus.listening
    subscribers = True
    sink.refresh()
    assert bus.wants_changes
    sink.switch(parse_notification_classes(""))
    assert not bus.listening


def test_an_error_of_the_broker_is_counted() -> None:
    bus = strict_bus()

    def publish(channel: bytes, message: bytes) -> int:
        raise RuntimeError("no broker")

    sink = NotificationSink(bus, publish, lambda: True)
    sink.switch(parse_notification_classes("KEA"))
    with pytest.raises(RuntimeError, match="no broker"):
        bus.publish(Expired(1, "a", 0, b"k"))
    assert (sink.statistics().delivered, sink.statistics().failed) == (0, 1)
