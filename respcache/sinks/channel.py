"""Publishes events as JSON on a pub/sub channel such as ``respcache:events``, for any client that subscribes.

Nothing waits here: the broker puts messages into the clients' output buffers, and
closes a client that lets its own grow too long. While the channel has no
subscriber this sink does not listen to the bus at all, so that nothing is encoded for nobody.
"""

from collections.abc import Callable, Iterable
from typing import Final

from respcache.events.bus import Bus
from respcache.events.encoding import to_json
from respcache.events.record import Event
from respcache.events.vocabulary import CHANGES, SERVER

from .statistics import SinkStatistics

CHANNEL: Final = b"respcache:events"
CLUSTER_CHANNEL: Final = b"respcache:cluster"


class ChannelSink:
    """``publish`` returns the number of receivers; ``has_subscribers`` counts those of patterns, too."""

    def __init__(
        self,
        bus: Bus,
        publish: Callable[[bytes, bytes], int],
        has_subscribers: Callable[[], bool],
        *,
        name: str = "channel",
        channel: bytes = CHANNEL,
        kinds: Iterable[type[Event]] = CHANGES | SERVER,
        value_limit_bytes: int = 0,
    ) -> None:
        self.name = name
        self._channel = channel
        self._bus = bus
        self._publish = publish
        self._has_subscribers = has_subscribers
        self._kinds = frozenset(kinds)
        self._value_limit_bytes = value_limit_bytes
        self._delivered = 0
        self._failed = 0
        self.refresh()

    def refresh(self) -> None:
        """Look again whether anybody subscribes; the broker calls this when that changes."""
        if self._has_subscribers():
            self._bus.subscribe(self, self._kinds, self._value_limit_bytes)
        else:
            self._bus.unsubscribe(self)

    def deliver(self, event: Event) -> None:
        try:
            self._publish(self._channel, to_json(event, self._value_limit_bytes))
        except Exception:
            self._failed += 1
            raise
        self._delivered += 1

    def statistics(self) -> SinkStatistics:
        return SinkStatistics(self._delivered, dropped=0, failed=self._failed, queued=0)
