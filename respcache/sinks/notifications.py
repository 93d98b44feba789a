"""Publishes Redis' keyspace notifications, as ``notify-keyspace-events`` asks for them.

What is said on which channel is decided in ``events.notifications``; here it is
only sent. While everything is switched off, or nobody subscribes to anything,
this sink does not listen to the bus.
"""

from collections.abc import Callable
from typing import Final

from respcache.events.bus import Bus
from respcache.events.notifications import LETTERS, NotificationClass, channels_for
from respcache.events.record import Event, KeyEvent
from respcache.events.vocabulary import Created, Deleted, Evicted, Expired, Missed, Touched, Updated

from .statistics import SinkStatistics

CLASS_OF_LETTER: Final = {letter: int(one) for letter, one in LETTERS.items()}
"""Plain integers: an operation on flags takes ten times as long."""

NEW: Final = int(NotificationClass.NEW)
WRITTEN: Final = (
    NotificationClass.ALL & ~NotificationClass.EXPIRED & ~NotificationClass.EVICTED
) | NotificationClass.NEW
CHANNELS: Final = NotificationClass.KEYSPACE | NotificationClass.KEYEVENT


class NotificationSink:
    """``has_subscribers`` says whether any client subscribes to any channel or pattern at all."""

    name: Final = "notifications"

    def __init__(
        self, bus: Bus, publish: Callable[[bytes, bytes], int], has_subscribers: Callable[[], bool]
    ) -> None:
        self._bus = bus
        self._publish = publish
        self._has_subscribers = has_subscribers
        self._classes = NotificationClass(0)
        self._flags = 0
        self._delivered = 0
        self._failed = 0

    @property
    def classes(self) -> NotificationClass:
        return self._classes

    def switch(self, classes: NotificationClass) -> None:
        """Follow ``notify-keyspace-events`` from now on."""
        self._classes = classes
        self._flags = int(classes)
        self.refresh()

    def refresh(self) -> None:
        """Look again whether anybody subscribes; the broker calls this when that changes."""
        kinds = kinds_for(self._classes)
        if kinds and self._has_subscribers():
            self._bus.subscribe(self, kinds)
        else:
            self._bus.unsubscribe(self)

    def deliver(self, event: Event) -> None:
        assert isinstance(event, Created | Updated | Touched | Deleted | Expired | Evicted | Missed)
        if event.__class__ is Created:
            self._notify(NEW, b"new", event)  # before the command's own, as in Redis
        self._notify(CLASS_OF_LETTER[event.notice_class], event.notice_name.encode(), event)

    def _notify(self, notification_class: int, event_name: bytes, event: KeyEvent) -> None:
        for channel, message in channels_for(
            self._flags, notification_class, event_name, event.db, event.key
        ):
            try:
                self._publish(channel, message)
            except Exception:
                self._failed += 1
                raise
            self._delivered += 1

    def statistics(self) -> SinkStatistics:
        """Count notifications rather than events: an event may cause up to four."""
        return SinkStatistics(self._delivered, dropped=0, failed=self._failed, queued=0)


def kinds_for(classes: NotificationClass) -> frozenset[type[Event]]:
    """Return the events that these classes are about; none if there is no channel to say it on."""
    kinds: set[type[Event]] = set()
    if not classes & CHANNELS:
        return frozenset()
    if classes & WRITTEN:
        kinds |= {Created, Updated, Touched, Deleted}
    if classes & NotificationClass.EXPIRED:
        kinds.add(Expired)
    if classes & NotificationClass.EVICTED:
        kinds.add(Evicted)
    if classes & NotificationClass.KEY_MISS:
        kinds.add(Missed)
    return frozenset(kinds)
