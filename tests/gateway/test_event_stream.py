"""``/v1/events`` as its readers see it."""

import json

import pytest

from respcache.commands.client import Ending
from respcache.commands.pending import Pending
from respcache.gateway import events as hub_file
from respcache.gateway.event_stream import DROPPED, HEARTBEAT, SLOW, STOPPED
from tests.gateway.live import Live, Stream, get


def test_the_head_is_that_of_a_stream() -> None:
    head = Live().open(get("/v1/events")).read().decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Type: text/event-stream\r\n" in head
    assert "Cache-Control: no-store\r\n" in head
    assert "Content-Length" not in head
    assert head.endswith("\r\n\r\nretry: 1000\n\n")


def test_writes_of_both_ports_are_told() -> None:
    live = Live()
    stream = live.follow()
    live.client("SET over-redis 1")
    live.open(b"PUT /v1/keys/over-http HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1")
    live.hub.flush()
    assert {"over-redis", "over-http"} <= set(stream.keys())


def test_an_event_is_the_json_of_the_channel_with_a_number() -> None:
    live = Live()
    stream = live.follow()
    live.client("SET a 1")
    live.hub.flush()
    text = stream.text()
    first, second, *rest = text.split("\n")
    assert first == f"id: {live.hub.run_id.decode()}-1"
    assert second.startswith("data: {")
    assert rest == ["", ""]
    told = json.loads(second.removeprefix("data: "))
    assert told == {
        "kind": "created",
        "at_ms": live.harness.clock.now_ms,
        "node": "test",
        "db": 0,
        "key": "a",
        "notice": "set",
    }


def test_readers_choose_by_kind_and_key() -> None:
    live = Live()
    created, users = live.follow("?kinds=created"), live.follow("?match=user:*")
    both = live.follow("?kinds=deleted,expired&match=user:*")
    for line in ("SET user:1 a", "SET user:1 b", "SET other 1", "DEL user:1", "DEL other"):
        live.client(line)
    live.hub.flush()
    assert created.keys() == ["user:1", "other"]
    assert [event["kind"] for event in users.events()] == ["created", "updated", "deleted"]
    assert both.keys() == ["user:1"]


def test_bytes_that_are_no_text_can_be_chosen() -> None:
    live = Live()
    stream = live.follow("?match=%FF*")
    live.client(b"SET", b"\xff1", b"v")
    live.client("SET a 1")
    live.hub.flush()
    [event] = stream.events()
    assert event["key_base64"] == "/zE="


@pytest.mark.parametrize("query", ["?kinds=nothing", "?kinds=created,no", "?match=" + "x" * 2000])
def test_a_choice_that_cannot_be_understood_is_refused(query: str) -> None:
    assert Live().open(get(f"/v1/events{query}")).read().startswith(b"HTTP/1.1 400 ")


def test_a_reader_that_comes_back_misses_nothing() -> None:
    live = Live()
    stream = live.follow()
    live.client("SET a 1")
    live.hub.flush()
    assert stream.keys() == ["a"]
    stream.wire.session.close()
    live.client("SET b 1")
    live.client("SET c 1")
    again = Stream(live.open(get("/v1/events", f"Last-Event-ID: {stream.last_id}")))
    assert again.keys() == ["b", "c"]
    live.client("SET d 1")
    live.hub.flush()
    assert again.keys() == ["d"]


def test_what_is_sent_again_is_chosen_too() -> None:
    live = Live()
    stream = live.follow()
    live.client("SET a 1")
    live.hub.flush()
    stream.text()
    for key in ("b", "user:1", "c"):
        live.client(f"SET {key} 1")
    again = Stream(live.open(get(f"/v1/events?match=user:*&last-event-id={stream.last_id}")))
    assert again.keys() == ["user:1"]


def test_a_reader_that_comes_back_too_late_is_told_of_the_gap() -> None:
    live = Live()
    assert Stream(live.open(get("/v1/events", "Last-Event-ID: 00000000-7"))).keys() == ["gap"]


def test_a_burst_that_was_too_much_is_a_gap_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "KEPT_EVENTS", 2)
    live = Live()
    stream, chooser = live.follow(), live.follow("?match=none:*")
    for key in "abcd":
        live.client(f"SET {key} 1")
    live.hub.flush()
    assert stream.keys() == ["gap", "c", "d"]
    assert chooser.keys() == ["gap"]


def test_a_silent_stream_has_heartbeats_and_a_busy_one_none() -> None:
    live = Live()
    quiet, busy = live.follow("?match=none:*"), live.follow()
    for stream in (quiet, busy):
        beat(stream)
    live.client("SET a 1")
    live.hub.flush()
    for stream in (quiet, busy):
        beat(stream)
    assert quiet.wire.read() == HEARTBEAT
    assert HEARTBEAT not in busy.wire.read()


def beat(stream: Stream) -> None:
    upgraded = stream.wire.session.upgraded
    assert upgraded is not None
    upgraded.beat()  # type: ignore[attr-defined]  # it is a stream


def test_head_shows_the_head_and_ends() -> None:
    live = Live()
    wire = live.open(get("/v1/events", method="HEAD"))
    head = wire.read()
    assert b"\r\nConnection: close\r\n" in head
    assert head.index(b"\r\n\r\n") == len(head) - 4
    assert wire.ending is Ending.AFTER_REPLIES
    assert not live.hub.readers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_for_streams(method: str) -> None:
    wire = Live().open(get("/v1/events", "Content-Length: 0", method=method))
    answer = wire.read()
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"Allow: GET, HEAD, OPTIONS\r\n" in answer


def test_requests_behind_that_for_a_stream_are_not_answered_and_cost_nothing() -> None:
    live = Live()
    wire = live.open(get("/v1/events") + get("/healthcheck") * 3)
    assert wire.read().count(b"HTTP/1.1") == 1
    assert not wire.session.is_hungry
    wire.send(get("/healthcheck") + b"and whatever \x00 else")
    assert wire.read() == b""
    assert wire.ending is None


def test_a_reader_that_does_not_read_is_let_go_and_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "MOST_UNSENT_BYTES", 10_000)
    monkeypatch.setattr(hub_file, "LEAST_UNSENT_BYTES", 10_000)
    live = Live()
    slow, quick = live.follow(), live.follow()
    most = 0
    while slow.wire.ending is None:
        live.client("SET key 1")
        live.hub.flush()
        most = max(most, slow.wire.session.output_bytes)
        assert quick.keys() == ["key"]
    assert 10_000 < most < 10_500
    assert slow.wire.read() == DROPPED
    assert slow.wire.ending is Ending.AFTER_REPLIES
    assert live.gateway.dropped_readers[SLOW] == 1
    assert quick.wire.ending is None


def test_what_a_reader_has_missed_does_not_make_it_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "MOST_UNSENT_BYTES", 1000)
    monkeypatch.setattr(hub_file, "LEAST_UNSENT_BYTES", 1000)
    live = Live()
    live.follow()
    for number in range(100):
        live.client(f"SET {number} 1")
    live.hub.flush()
    again = Stream(live.open(get(f"/v1/events?last-event-id={live.hub.run_id.decode()}-0")))
    live.client("SET new 1")
    live.hub.flush()
    assert again.wire.ending is None
    assert len(again.keys()) == 101


def test_one_batch_larger_than_the_allowance_is_sent_to_who_has_read_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_file, "MOST_UNSENT_BYTES", 1000)
    monkeypatch.setattr(hub_file, "LEAST_UNSENT_BYTES", 1000)
    live = Live()
    stream = live.follow()
    for number in range(100):
        live.client(f"SET {number} 1")
    live.hub.flush()
    assert len(stream.keys()) == 100


def test_a_reader_that_never_takes_its_last_words_is_closed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_file, "MOST_UNSENT_BYTES", 1000)
    monkeypatch.setattr(hub_file, "LEAST_UNSENT_BYTES", 1000)
    live = Live()
    stream = live.follow()
    while stream.wire.ending is None:
        live.client("SET key 1")
        live.hub.flush()
    endings = []
    for _ in range(2):
        stream.wire.wait(3000)
        endings.append(stream.wire.ending)
    assert endings == [Ending.AFTER_REPLIES, Ending.AT_ONCE]


def test_a_stream_is_not_closed_for_being_idle() -> None:
    live = Live()
    stream = live.follow()
    stream.wire.wait(200_000)
    assert stream.wire.ending is None


def test_who_is_told_something_is_not_idle_for_the_setting_timeout() -> None:
    live = Live()
    stream = live.follow()
    live.harness.clock.advance(60_000)
    for _ in range(2):
        beat(stream)
    assert stream.wire.session.client.last_used_ms == live.harness.clock.now_ms


def test_readers_are_told_that_the_server_stops() -> None:
    live = Live()
    stream = live.follow()
    live.gateway.dismiss()
    assert not stream.wire.session.is_drained
    assert stream.wire.read() == STOPPED
    assert stream.wire.session.is_drained
    assert stream.wire.ending is Ending.AFTER_REPLIES


def test_a_reader_that_has_gone_is_forgotten() -> None:
    live = Live()
    stream = live.follow()
    assert live.gateway.readers == {"stream": 1, "websocket": 0}
    stream.wire.session.close()
    assert live.gateway.readers == {"stream": 0, "websocket": 0}
    live.client("SET a 1")
    live.hub.flush()


def test_a_stream_begins_when_other_nodes_have_heard_of_it() -> None:
    live = Live()
    live.hear_all_nodes()
    pending = Pending()
    live.node.broker.confirmation = lambda client, reply: pending  # type: ignore[method-assign]
    early = live.open(get("/v1/events"))
    gone = live.open(get("/v1/events"))
    live.client("SET before 1")
    live.hub.flush()
    gone.session.close()
    assert early.read() == b""
    pending.resolve(None)
    assert early.wakes
    assert early.read().startswith(b"HTTP/1.1 200 OK")
    assert gone.read() == b""
    live.client("SET after 1")
    live.hub.flush()
    assert Stream(early).keys() == ["after"]


def test_a_stream_needs_the_password() -> None:
    live = Live(requirepass="secret")
    assert live.open(get("/v1/events")).read().startswith(b"HTTP/1.1 401 ")
    assert live.open(get("/v1/events", "Authorization: Bearer secret")).read().startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_pages_of_allowed_sites_may_read_a_stream(method: str) -> None:
    live = Live(http_cors_origins="https://shop.example")
    head = live.open(get("/v1/events", "Origin: https://shop.example", method=method)).read()
    assert b"\r\nAccess-Control-Allow-Origin: https://shop.example\r\n" in head
    assert b"\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n" in head
    assert b"Access-Control" not in Live().open(get("/v1/events")).read()
