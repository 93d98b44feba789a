"""Where events are published, and where sinks say which of them they want.

Publishing is synchronous: when ``publish`` returns, every sink has been told, in
the order of publishing. That keeps the order per key, and it is cheap because a
sink must not block; one that has slow work keeps a ``Backlog`` and works later.

Almost always nobody listens, and then an event must cost next to nothing. So the
bus keeps plain boolean attributes, and who publishes tests one before it builds an event:

    if bus.wants_changes:
        bus.publish(Flushed(clock.now_ms, node, db))

``on_interest_change`` is called whenever one of them changes, so that a source of
events can be attached and detached as a whole. A sink's error stays here.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from .record import Event
from .vocabulary import CHANGES, READS


class Sink(Protocol):
    """Whoever wants to be told. ``deliver`` must not block, and must not publish."""

    def deliver(self, event: Event) -> None: ...


class Subscription:
    """What one sink has asked for, and how often it has failed."""

    __slots__ = ("failures", "kinds", "sink", "value_limit_bytes")

    def __init__(self, sink: Sink, kinds: frozenset[type[Event]], value_limit_bytes: int) -> None:
        self.sink = sink
        self.kinds = kinds
        self.value_limit_bytes = value_limit_bytes
        self.failures = 0


Report: TypeAlias = Callable[[Sink, BaseException, int], None]
"""Told of a sink, its error, and how many there have been; it must not raise."""


def _ignore() -> None:
    """Stand in for a callback that nobody has set."""


class Bus:
    """Fans events out to sinks. The attributes are for reading; only ``on_interest_change`` may be set."""

    def __init__(self, report: Report) -> None:
        self.on_interest_change: Callable[[], None] = _ignore
        self.listening = False
        """Whether anybody wants anything."""
        self.wants_changes = False
        """Whether anybody wants to know of any change of the keyspace."""
        self.wants_reads = False
        """Whether anybody wants to know of hits or misses."""
        self.wants_values = False
        """Whether anybody wants values with the events; a publisher may then leave them out."""
        self.value_limit_bytes = 0
        """The most of a value that anybody wants to see."""
        self.failures = 0
        """How often any sink has raised, since the start."""
        self._report = report
        self._subscriptions: tuple[Subscription, ...] = ()
        self._routes: dict[type[Event], tuple[Subscription, ...]] = {}

    def subscribe(self, sink: Sink, kinds: Iterable[type[Event]], value_limit_bytes: int = 0) -> Subscription:
        """Tell ``sink`` of these events from now on, instead of those it asked for before.

        Events carry values of up to ``value_limit_bytes`` if that is not 0, or if another sink asked for them.
        """
        subscription = Subscription(sink, frozenset(kinds), value_limit_bytes)
        others = tuple(one for one in self._subscriptions if one.sink is not sink)
        self._settle((*others, subscription))
        return subscription

    def unsubscribe(self, sink: Sink) -> None:
        """Tell ``sink`` nothing any more; nothing happens if it was told nothing before."""
        self._settle(tuple(one for one in self._subscriptions if one.sink is not sink))

    def wants(self, kind: type[Event]) -> bool:
        """Say whether anybody wants this very kind of event."""
        return kind in self._routes

    def publish(self, event: Event) -> None:
        """Tell every sink that wants this kind of event, at once."""
        for subscription in self._routes.get(event.__class__, ()):
            try:
                subscription.sink.deliver(event)
            except Exception as error:  # whatever a sink does wrong, the cache goes on
                self._note_failure(subscription, error)

    def _note_failure(self, subscription: Subscription, error: Exception) -> None:
        self.failures += 1
        subscription.failures += 1
        # A sink that fails for every event would fill the log: 1, 2, 4, 8 ... failures are reported.
        if subscription.failures & (subscription.failures - 1) == 0:
            self._report(subscription.sink, error, subscription.failures)

    def _settle(self, subscriptions: tuple[Subscription, ...]) -> None:
        before = self._interest()
        routes: dict[type[Event], tuple[Subscription, ...]] = {}
        for subscription in subscriptions:
            for kind in subscription.kinds:
                routes[kind] = (*routes.get(kind, ()), subscription)
        self._subscriptions = subscriptions
        self._routes = routes
        self.listening = bool(routes)
        self.wants_changes = not CHANGES.isdisjoint(routes)
        self.wants_reads = not READS.isdisjoint(routes)
        limits = (one.value_limit_bytes for one in subscriptions if one.kinds)
        self.value_limit_bytes = max(limits, default=0)
        self.wants_values = self.value_limit_bytes > 0
        if self._interest() != before:
            self.on_interest_change()

    def _interest(self) -> tuple[frozenset[type[Event]], int]:
        return frozenset(self._routes), self.value_limit_bytes
