"""Which sinks the settings ask for, and that CONFIG SET switches those that can be switched."""

import json
from pathlib import Path

import pytest
import trio

from respcache.app.sinks import EventSinks, kinds, queued_sinks, value_limit_bytes
from respcache.events.loading import LOADING, WAITING
from respcache.events.vocabulary import CHANGES, CLUSTER, READS, SERVER, Created, Read
from respcache.settings.settings import Settings
from respcache.sinks.settings import (
    ConsoleSettings,
    CustomSettings,
    JsonFileSettings,
    SinkSettingsError,
    WebhookSettings,
)
from tests.commands.harness import Harness, HarnessClient


def with_sinks(**settings: str) -> Harness:
    harness = Harness(None, **settings)
    EventSinks(harness.composition, harness.settings)
    return harness


def subscriber(harness: Harness, channel: str) -> HarnessClient:
    client = harness.client()
    client.send("SUBSCRIBE", channel)
    client.pushes.clear()
    return client


def messages(client: HarnessClient) -> list[bytes]:
    client.replies()
    return [push[-1] for push in client.pushes]


# -- what the settings ask for -------------------------------------------------


def test_nothing_is_queued_unless_it_is_asked_for() -> None:
    assert queued_sinks(Settings()) == []


def test_each_sink_gets_what_was_said_about_it() -> None:
    settings = Settings(
        events_console="yes",
        events_file="/var/log/events",
        events_webhook_url="http://receiver",
        events_webhook_batch="9",
        events_sinks='[{"class": "package.module:Class", "options": {"depth": 3}}]',
        events_queue_limit="77",
    )
    console, file, webhook, custom = queued_sinks(settings)
    assert isinstance(console, ConsoleSettings)
    assert isinstance(file, JsonFileSettings)
    assert isinstance(webhook, WebhookSettings)
    assert isinstance(custom, CustomSettings)
    assert file.path == Path("/var/log/events")
    assert (webhook.url, webhook.most_per_batch) == ("http://receiver", 9)
    assert (custom.target, custom.options) == ("package.module:Class", {"depth": 3})
    assert {one.queue_length for one in (console, file, webhook, custom)} == {77}


def test_sinks_of_one_class_have_names_of_their_own() -> None:
    twice = '[{"class": "package:Class"}, {"class": "package:Class"}]'
    names = [one.name for one in queued_sinks(Settings(events_sinks=twice))]
    assert names == ["sink-1-package.Class", "sink-2-package.Class"]


USUAL = CHANGES | SERVER | (LOADING - WAITING)


@pytest.mark.parametrize(("wanted", "told"), [("no", USUAL), ("yes", CHANGES | SERVER | LOADING | READS)])
def test_reads_are_told_only_on_demand(wanted: str, told: frozenset[type]) -> None:
    settings = Settings(events_include_reads=wanted, events_console="yes")
    assert kinds(settings) == told
    assert queued_sinks(settings)[0].kinds == told | CLUSTER


@pytest.mark.parametrize(("wanted", "limit"), [("no", 0), ("yes", 50)])
def test_values_are_shown_only_on_demand(wanted: str, limit: int) -> None:
    settings = Settings(events_include_values=wanted, events_value_limit="50", events_console="yes")
    assert value_limit_bytes(settings) == limit
    assert queued_sinks(settings)[0].value_limit_bytes == limit


def test_a_sink_that_cannot_be_made_is_told() -> None:
    with pytest.raises(SinkSettingsError, match="sink-1-no"):
        with_sinks(events_sinks='[{"class": "no.such.module:Class"}]')


# -- the channel -----------------------------------------------------------------


def test_whoever_subscribes_to_the_channel_hears_of_changes() -> None:
    harness = with_sinks()
    ear = subscriber(harness, "respcache:events")
    harness.client()("SET key 1")
    (message,) = messages(ear)
    assert json.loads(message)["kind"] == Created.kind
    assert b"value" not in message


def test_the_channel_shows_reads_and_values_on_demand() -> None:
    harness = with_sinks(events_include_reads="yes", events_include_values="yes")
    ear = subscriber(harness, "respcache:events")
    writer = harness.client()
    writer("SET key 1")
    writer("GET key")
    assert [json.loads(one)["kind"] for one in messages(ear)] == [Created.kind, Read.kind]
    assert b"value" in messages(ear)[0]


def test_the_channel_is_switched_by_config_set() -> None:
    harness = with_sinks(events_channel="no")
    ear, writer = subscriber(harness, "respcache:events"), harness.client()
    writer("SET key 1")
    writer("CONFIG SET events-channel yes")
    writer("SET key 2")
    writer("CONFIG SET events-channel no")
    writer("SET key 3")
    assert len(messages(ear)) == 1


def test_while_nobody_listens_changes_cost_nothing() -> None:
    harness = with_sinks()
    ear = subscriber(harness, "respcache:events")
    assert harness.node.keyspace.journal.attentive
    ear.send("UNSUBSCRIBE")
    assert not harness.node.keyspace.journal.attentive


# -- Redis' own notifications ------------------------------------------------------


def test_notifications_are_asked_for_at_the_start() -> None:
    harness = with_sinks(notify_keyspace_events="KEA")
    ear = subscriber(harness, "__keyevent@0__:set")
    harness.client()("SET key 1")
    assert messages(ear) == [b"key"]


def test_notifications_are_switched_by_config_set() -> None:
    harness = with_sinks()
    ear, writer = subscriber(harness, "__keyspace@0__:key"), harness.client()
    writer("SET key 1")
    writer("CONFIG SET notify-keyspace-events KEA")
    writer("DEL key")
    writer('CONFIG SET notify-keyspace-events ""')
    writer("SET key 2")
    assert messages(ear) == [b"del"]


# -- figures and files -------------------------------------------------------------


def test_info_events_shows_every_sink() -> None:
    harness = with_sinks(events_console="yes", notify_keyspace_events="E$")
    ear = subscriber(harness, "__keyevent@0__:set")
    harness.client()("SET key 1")
    assert len(messages(ear)) == 1
    figures = harness.node.sink_statistics()
    assert set(figures) == {"channel", "notifications", "console"}
    assert figures["notifications"].delivered == 1
    info = harness.client()("INFO events")
    assert all(name.encode() in info for name in figures)


async def test_a_file_is_opened_anew_after_a_rotation(tmp_path: Path) -> None:
    file = tmp_path / "events"
    harness = Harness(events_file=str(file))
    sinks = EventSinks(harness.composition, harness.settings)
    async with trio.open_nursery() as running:
        sinks.start(running)
        harness.client()("SET before 1")
        with trio.fail_after(5):
            while not file.is_file() or b"before" not in file.read_bytes():  # noqa: ASYNC110  # the disk tells nobody
                await trio.sleep(0.01)
        file.rename(tmp_path / "rotated")
        sinks.reopen()
        harness.client()("SET after 1")
        await sinks.drain(5)
        running.cancel_scope.cancel()
    assert b"after" in file.read_bytes()
    assert b"after" not in (tmp_path / "rotated").read_bytes()
