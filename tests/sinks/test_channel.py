import json

import pytest

from respcache.events.bus import Bus
from respcache.events.excerpt import Excerpt
from respcache.events.vocabulary import CLUSTER, Expired, Missed, ViewChanged
from respcache.sinks.channel import CLUSTER_CHANNEL, ChannelSink

from .fakes import flushed, strict_bus


class Broker:
    def __init__(self, subscribers: int) -> None:
        self.subscribers = subscribers
        self.messages: list[tuple[bytes, bytes]] = []

    def publish(self, channel: bytes, message: bytes) -> int:
        self.messages.append((channel, message))
        return self.subscribers

    def has_subscribers(self) -> bool:
        return self.subscribers > 0


def subscribed_channel(bus: Bus, value_limit_bytes: int = 0) -> tuple[Broker, ChannelSink]:
    broker = Broker(subscribers=1)
    return broker, ChannelSink(
        bus, broker.publish, broker.has_subscribers, value_limit_bytes=value_limit_bytes
    )


def test_subscribers_get_events_as_json() -> None:
    bus = strict_bus()
    broker, sink = subscribed_channel(bus)
    bus.publish(flushed(3))
    ((channel, message),) = broker.messages
    assert channel == b"respcache:events"
    assert json.loads(message) == {"kind": "flushed", "at_ms": 1003, "node": "alpha", "db": 3}
    assert sink.statistics().delivered == 1


def test_a_channel_tells_of_what_it_is_for() -> None:
    bus, broker = strict_bus(), Broker(subscribers=1)
    sink = ChannelSink(
        bus,
        broker.publish,
        broker.has_subscribers,
        name="cluster-channel",
        channel=CLUSTER_CHANNEL,
        kinds=CLUSTER,
    )
    bus.publish(flushed(3))
    bus.publish(ViewChanged(1, "alpha", 7, "00", 3, 341))
    assert [channel for channel, _ in broker.messages] == [b"respcache:cluster"]
    assert sink.name == "cluster-channel"


def test_values_are_cut_at_the_limit() -> None:
    bus = strict_bus()
    broker, _ = subscribed_channel(bus, value_limit_bytes=3)
    bus.publish(Expired(1, "alpha", 0, b"k", Excerpt(b"value")))
    assert json.loads(broker.messages[0][1])["value"] == "val"
    assert bus.value_limit_bytes == 3


def test_reads_are_not_told_unless_asked_for() -> None:
    bus = strict_bus()
    broker, _ = subscribed_channel(bus)
    bus.publish(Missed(1, "alpha", 0, b"k"))
    assert not bus.wants_reads
    assert broker.messages == []


def test_without_a_subscriber_nobody_listens() -> None:
    bus, broker = strict_bus(), Broker(subscribers=0)
    ChannelSink(bus, broker.publish, broker.has_subscribers)
    assert not bus.listening


def test_interest_comes_and_goes_with_the_subscribers() -> None:
    bus, broker = strict_bus(), Broker(subscribers=0)
    sink = ChannelSink(bus, broker.publish, broker.has_subscribers)
    seen = []
    for broker.subscribers in (1, 2, 0):
        sink.refresh()
        seen.append(bus.listening)
    assert seen == [True, True, False]


def test_an_error_of_the_broker_is_counted() -> None:
    bus = strict_bus()

    def publish(channel: bytes, message: bytes) -> int:
        raise RuntimeError("no broker")

    sink = ChannelSink(bus, publish, lambda: True)
    with pytest.raises(RuntimeError, match="no broker"):
        bus.publish(flushed(1))
    assert (sink.statistics().delivered, sink.statistics().failed) == (0, 1)
