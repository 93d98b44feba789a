"""The event sinks that the settings ask for, wired to the bus and the broker."""

import logging
from collections.abc import Mapping
from pathlib import Path

import trio

from ..events.loading import LOADING, WAITING
from ..events.notifications import parse_notification_classes
from ..events.record import Event
from ..events.vocabulary import CHANGES, CLUSTER, READS, SERVER
from ..settings.cluster_rules import is_clustered
from ..settings.settings import Settings
from ..sinks.assembly import make_sinks
from ..sinks.channel import CHANNEL, CLUSTER_CHANNEL, ChannelSink
from ..sinks.notifications import NotificationSink
from ..sinks.settings import (
    ConsoleSettings,
    CustomSettings,
    JsonFileSettings,
    SinkSettings,
    WebhookSettings,
)
from ..sinks.statistics import SinkStatistics
from ..sinks.supervisor import Supervisor
from .compose import Composition

log = logging.getLogger(__name__)


class EventSinks:
    """All sinks of one server. Raises SinkSettingsError when one cannot be made."""

    def __init__(self, parts: Composition, settings: Settings) -> None:
        node = parts.node
        broker = node.broker
        self._settings = settings
        self._bus = node.bus
        queued = make_sinks(queued_sinks(settings), parts.name, node.chance)
        self._reopen = [sink.reopen for sink in queued]
        self._supervisor = Supervisor(
            node.bus,
            queued,
            node.chance,
            lambda name, error: log.error("event sink %s failed and starts again: %s", name, error),
        )
        self._channel = ChannelSink(
            node.bus,
            broker.announce,
            lambda: settings.events_channel and broker.has_listeners(CHANNEL),
            kinds=kinds(settings),
            value_limit_bytes=value_limit_bytes(settings),
        )
        # Each node tells its own clients what it has noticed itself. Told to all, every death would be heard of
        # once for each survivor; and who listens at one node learns when that one knows.
        self._cluster = ChannelSink(
            node.bus,
            broker.publish,
            lambda: broker.has_listeners_here(CLUSTER_CHANNEL),
            name="cluster-channel",
            channel=CLUSTER_CHANNEL,
            kinds=CLUSTER,
        )
        self._notifications = NotificationSink(
            node.bus, broker.announce, lambda: broker.may_have_listeners_under(b"__key")
        )
        broker.on_interest = self._refresh
        settings.on_change(Settings.notify_keyspace_events, lambda _: self._switch())
        settings.on_change(Settings.events_channel, lambda _: self._refresh())
        node.sink_statistics = self.statistics
        self._switch()

    def start(self, nursery: trio.Nursery) -> None:
        self._supervisor.start(nursery)

    async def drain(self, timeout_s: float) -> None:
        await self._supervisor.drain(timeout_s)

    def reopen(self) -> None:
        """Open files anew, after a log rotation."""
        for reopen in self._reopen:
            reopen()

    def statistics(self) -> Mapping[str, SinkStatistics]:
        """Return the counts of every sink, by name."""
        return {
            self._channel.name: self._channel.statistics(),
            self._notifications.name: self._notifications.statistics(),
            **({self._cluster.name: self._cluster.statistics()} if is_clustered(self._settings) else {}),
            **self._supervisor.statistics(),
        }

    def _switch(self) -> None:
        self._notifications.switch(parse_notification_classes(self._settings.notify_keyspace_events))

    def _refresh(self) -> None:
        self._channel.refresh()
        self._cluster.refresh()
        self._notifications.refresh()


def kinds(settings: Settings) -> frozenset[type[Event]]:
    """Return the events that sinks are told of."""
    chosen = CHANGES | SERVER | (LOADING - WAITING)
    return chosen | READS | WAITING if settings.events_include_reads else chosen


def value_limit_bytes(settings: Settings) -> int:
    return settings.events_value_limit_bytes if settings.events_include_values else 0


def queued_sinks(settings: Settings) -> list[SinkSettings]:
    """Spell out the settings of each sink that has a queue."""
    chosen = kinds(settings) | CLUSTER
    limit = value_limit_bytes(settings)
    length = settings.events_queue_limit
    wanted: list[SinkSettings] = []
    if settings.events_console:
        wanted.append(ConsoleSettings(kinds=chosen, value_limit_bytes=limit, queue_length=length))
    if settings.events_file:
        wanted.append(
            JsonFileSettings(
                path=Path(settings.events_file), kinds=chosen, value_limit_bytes=limit, queue_length=length
            )
        )
    if settings.events_webhook_url:
        wanted.append(
            WebhookSettings(
                url=settings.events_webhook_url,
                most_per_batch=settings.events_webhook_batch,
                kinds=chosen,
                value_limit_bytes=limit,
                queue_length=length,
            )
        )
    for number, sink in enumerate(settings.events_sinks, 1):
        wanted.append(
            CustomSettings(
                # No colon: INFO's lines are cut at the first one.
                name=f"sink-{number}-{sink.class_path.replace(':', '.')}",
                target=sink.class_path,
                options=sink.options,
                kinds=chosen,
                value_limit_bytes=limit,
                queue_length=length,
            )
        )
    return wanted
