"""Events of this server, and those that come as messages."""

import base64
import json

import pytest

from respcache.events.encoding import to_json
from respcache.events.excerpt import Excerpt
from respcache.events.vocabulary import Created, Deleted, Flushed, Started
from respcache.gateway.event_sources import OwnEvent, told_event
from tests.gateway.live import Live
from tests.rows import every_row

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize("key", [b"user:1", b"\xff", b'"\n\x00', "é".encode()])
def test_both_tell_the_same_of_an_event(key: bytes) -> None:
    own = OwnEvent(Created(NOW_MS, "n", 0, key, "$", "set"), 0)
    told = told_event(own.json)
    assert told is not None
    assert (own.kind, own.key) == (told.kind, told.key) == ("created", key)
    assert own.json == told.json == to_json(own.record)


def test_an_event_without_a_key_has_none() -> None:
    own = OwnEvent(Flushed(NOW_MS, "n", 0), 0)
    told = told_event(own.json)
    assert told is not None
    assert own.key is told.key is None


def test_a_value_is_cut_when_the_event_comes() -> None:
    own = OwnEvent(Created(NOW_MS, "n", 0, b"k", "$", "set", Excerpt(b"x" * 100)), 10)
    assert json.loads(own.json)["value"] == "x" * 10
    assert own.size_bytes == len(own.json)


@pytest.mark.parametrize("key", [b"k", b"k" * 1000])
def test_a_size_is_about_that_of_the_json(key: bytes) -> None:
    own = OwnEvent(Deleted(NOW_MS, "node", 15, key, "g", "rename_from"), 0)
    assert len(own.json) <= own.size_bytes <= len(own.json) + 50


@every_row(
    "message",
    [
        b"",
        b"hello",
        b"[]",
        b"null",
        b"{}",
        b'{"kind":1}',
        b'{"kind":"created"',
        b'{"kind":"created","key":7}',
        b'{"kind":"created","key_base64":"*"}',
        b'{"kind":"created",\n\n"event":"stopped"}',
        b'{"kind":"created"}\r',
        b'{"kind":"created","x":"\xff"}',
        b'{"kind":"created","key":"\xff"}',
    ],
)
def test_what_is_no_event_is_told_to_nobody(message: bytes) -> None:
    live = Live()
    live.hear_all_nodes()
    stream, chosen, socket = live.follow(), live.follow("?kinds=created"), live.websocket()
    socket.ask({"events": {}})
    assert live.client(b"PUBLISH", b"respcache:events", message) == 1
    live.client("SET a 1")
    live.hub.flush()
    assert stream.keys() == chosen.keys() == ["a"]
    assert [one["event"]["key"] for one in socket.messages()] == ["a"]


def test_messages_of_clients_are_no_events_where_there_is_one_server() -> None:
    live = Live()
    stream = live.follow()
    assert live.client("PUBLISH", "respcache:events", '{"kind":"created","key":"forged"}') == 0
    live.client("SET a 1")
    live.hub.flush()
    assert stream.keys() == ["a"]


def test_a_key_that_is_no_text_comes_as_base64() -> None:
    told = told_event(b'{"kind":"created","key_base64":"%b"}' % base64.b64encode(b"\xff\x00"))
    assert told is not None
    assert told.key == b"\xff\x00"


@pytest.mark.parametrize("is_told", [False, True])
def test_readers_are_told_of_everything_by_either_way(is_told: bool) -> None:
    live = Live()
    if is_told:
        live.hear_all_nodes()
    stream = live.follow()
    for line in ("SET a 1", "SET a 2", "EXPIRE a 100", "DEL a", "SET b 1", "FLUSHDB"):
        live.client(line)
    live.node.bus.publish(Started(NOW_MS, "test", "1"))
    live.hub.flush()
    kinds = [event["kind"] for event in stream.events()]
    assert kinds == ["created", "updated", "touched", "deleted", "created", "flushed", "started"]


def test_reads_are_told_where_the_settings_say_so() -> None:
    for setting, kinds in (("no", ["created"]), ("yes", ["created", "read", "missed"])):
        live = Live(events_include_reads=setting)
        stream = live.follow()
        for line in ("SET a 1", "GET a", "GET b"):
            live.client(line)
        live.hub.flush()
        assert [event["kind"] for event in stream.events()] == kinds


def test_a_stream_does_not_need_the_channel() -> None:
    live = Live(events_channel="no")
    stream = live.follow()
    live.client("SET a 1")
    live.hub.flush()
    assert stream.keys() == ["a"]


def test_who_listens_to_the_channels_has_left_them_when_nothing_is_wanted() -> None:
    live = Live()
    live.hear_all_nodes()
    source = live.hub._source
    assert source.follow(frozenset({"created"}), live.hub.take) is None
    assert sorted(live.node.broker.channels) == [b"respcache:cluster", b"respcache:events"]
    assert source.follow(frozenset({"created", "deleted"}), live.hub.take) is None
    source.follow(frozenset(), live.hub.take)
    source.follow(frozenset(), live.hub.take)
    assert not live.node.broker.channels
