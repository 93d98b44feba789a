"""``/v1/ws``: what is asked and answered, what comes by itself, and how it ends; wsproto is the client."""

import json
import re
from typing import Any

import pytest
from wsproto.events import BytesMessage, TextMessage

from respcache.commands.pending import Pending
from respcache.gateway import events as hub_file
from respcache.gateway import websocket as socket_file
from respcache.gateway.gateway import REQUESTS_PER_TURN
from tests.commands.tasks import run_tasks
from tests.gateway.live import Live, Socket, command, get, upgrade
from tests.rows import every_row

# -- commands --------------------------------------------------------------------


def test_commands_are_answered_with_their_id() -> None:
    socket = Live().websocket()
    assert socket.ask(command("SET", "a", "1", id=1)) == {"id": 1, "result": "OK"}
    assert socket.ask({"id": "two", "command": ["GET", "a"]}) == {"id": "two", "result": "1"}
    assert socket.ask(command("GET", "b")) == {"result": None}
    assert socket.ask(command("INCRBY", "a", 41, id=3)) == {"id": 3, "result": 42}


def test_an_error_is_an_answer() -> None:
    socket = Live().websocket()
    socket.ask(command("HSET", "h", "f", "v"))
    assert socket.ask(command("INCR", "h", id=1))["error"].startswith("WRONGTYPE ")
    assert socket.ask(command("NO-SUCH", id=2))["error"].startswith("ERR unknown command")


def test_bytes_that_are_no_text_go_both_ways() -> None:
    socket = Live().websocket()
    assert socket.ask(command("SET", "a", {"base64": "/wA="})) == {"result": "OK"}
    assert socket.ask(command("GET", "a")) == {"result": {"base64": "/wA="}}
    assert "error" in socket.ask(command({"base64": "/wA="}))


@pytest.mark.parametrize("name", ["SUBSCRIBE", "multi", "MONITOR", "HELLO", "select", "AUTH", "CLIENT"])
def test_commands_that_change_a_connection_are_refused(name: str) -> None:
    assert "changes a connection" in Live().websocket().ask(command(name, "0"))["error"]


@every_row(
    "text",
    ["", "x", "[]", "1", "null", '{"id":', "{}", '{"nothing": 1}', '{"command": "GET a"}', '{"command": []}',
     '{"command": [null]}', '{"publish": ["a"]}', '{"publish": ["a", 1, 2]}', '{"subscribe": "a"}', '{"subscribe": [1.5, null]}',
     '{"patterns": {}}', '{"events": true}', '{"events": {"kinds": ["x"]}}', '{"events": {"match": 1}}',
     '{"id": [], "command": ["PING"]}', '{"id": {"a": 1}, "command": ["PING"]}', '{"command": [{"base64": "?"}]}'],
)  # fmt: skip
def test_what_is_no_request_is_told_so_and_ends_nothing(text: str) -> None:
    socket = Live().websocket()
    socket.say_text(text)
    [answer] = socket.messages()
    assert answer["error"].startswith("ERR ")
    assert socket.ask(command("PING")) == {"result": "PONG"}


def test_more_names_than_anybody_needs_are_refused() -> None:
    socket = Live().websocket()
    assert "error" in socket.ask({"subscribe": [str(number) for number in range(1001)]})


def test_answers_go_to_the_asker_only() -> None:
    live = Live()
    asker, other = live.websocket(), live.websocket()
    asker.say(command("SET", "a", "1"))
    assert other.wire.read() == b""
    assert asker.messages() == [{"result": "OK"}]


def test_an_answer_may_be_larger_than_what_may_wait_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "MOST_UNSENT_BYTES", 1000)
    monkeypatch.setattr(hub_file, "LEAST_UNSENT_BYTES", 1000)
    live = Live()
    live.client("SET", "big", "x" * 100_000)
    socket = live.websocket()
    socket.ask({"subscribe": ["news"]})
    socket.say(command("GET", "big"))
    live.client("PUBLISH news extra")
    answer, message = socket.messages()
    assert len(answer["result"]) == 100_000
    assert message == {"channel": "news", "message": "extra"}


# -- their order -----------------------------------------------------------------


def test_a_command_that_waits_holds_up_those_behind_it() -> None:
    live = Live(enable_debug_command="yes")
    socket = live.websocket()
    live.harness.client().send("DEBUG OWNER-SLEEP busy 0")
    for number, line in enumerate([["INCR", "busy"], ["GET", "free"], ["INCR", "busy"]]):
        socket.say(command(*line, id=number))
    assert socket.messages() == []
    assert live.client("PING") == b"PONG"
    run_tasks(live.harness)
    assert [answer["id"] for answer in socket.messages()] == [0, 1, 2]


def test_a_thousand_requests_may_wait_for_one() -> None:
    live = Live(enable_debug_command="yes")
    socket = live.websocket()
    live.harness.client().send("DEBUG OWNER-SLEEP busy 0")
    socket.say(command("INCR", "busy"))
    for number in range(2000):
        socket.say(command("PING", str(number)))
    assert not socket.wire.session.wants_input
    run_tasks(live.harness)
    socket.wire.turn()
    answers = socket.messages()
    assert [answer["result"] for answer in answers[1:]] == [str(number) for number in range(2000)]
    assert socket.wire.session.wants_input


def test_a_client_that_goes_during_a_command_leaves_nothing_behind() -> None:
    live = Live(enable_debug_command="yes")
    socket = live.websocket()
    live.harness.client().send("DEBUG OWNER-SLEEP busy 0")
    socket.say(command("INCR", "busy"))
    socket.say(command("SET", "never", "1"))
    socket.wire.session.close()
    run_tasks(live.harness)
    assert live.client("GET busy") == b"1"
    assert live.client("GET never") is None
    assert socket.wire.read() == b""


def test_a_pause_holds_writes_up_and_lets_them_go() -> None:
    live = Live()
    socket = live.websocket()
    live.client("CLIENT PAUSE 1000 WRITE")
    socket.say(command("SET", "a", "1"))
    assert socket.messages() == []
    live.client("CLIENT UNPAUSE")
    assert socket.messages() == [{"result": "OK"}]


def test_a_client_that_reads_no_answers_is_not_run_ahead_of() -> None:
    live = Live()
    live.client("SET", "big", "x" * 50_000)
    socket = live.websocket()
    for number in range(100):
        socket.say(command("GET", "big", id=number))
    assert socket.wire.session.output_bytes < socket_file.ANSWERS_BYTES + 51_000
    answers: list[Any] = []
    while some := socket.messages():
        answers += some
    assert [answer["id"] for answer in answers] == list(range(100))


def test_a_turn_runs_so_many_commands_and_no_more() -> None:
    socket = Live().websocket()
    gateway, session = socket.wire.live.gateway, socket.wire.session
    gateway.begin_turn()
    session.receive(pings(socket, 1000))
    assert len(socket.messages_now()) == REQUESTS_PER_TURN
    assert session.is_hungry
    socket.wire.turn()
    assert len(socket.messages()) == 1000 - REQUESTS_PER_TURN
    assert gateway.deferred == 0


def pings(socket: Socket, number: int) -> bytes:
    return b"".join(socket.frames.send(TextMessage(data='{"command":["PING"]}')) for _ in range(number))


def test_all_connections_together_have_a_turn_and_who_waits_is_next() -> None:
    live = Live()
    first, second = live.websocket(), live.websocket()
    third = live.connect()
    live.gateway.begin_turn()
    first.wire.session.receive(pings(first, REQUESTS_PER_TURN + 1))
    assert live.gateway.deferred == 1
    live.gateway.begin_turn()
    second.wire.session.receive(pings(second, 1))
    third.session.receive(get("/healthcheck"))
    assert (second.messages_now(), third.session.take_output()) == ([], [])
    first.wire.session.resume()
    assert len(first.messages_now()) == REQUESTS_PER_TURN + 1
    second.wire.session.resume()
    third.session.resume()
    assert len(second.messages_now()) == 1
    assert third.read().startswith(b"HTTP/1.1 200 ")
    assert live.gateway.deferred == 0


@pytest.mark.parametrize("way", ["goes", "breaks a rule", "is dismissed"])
def test_who_will_not_go_on_holds_nobody_back(way: str) -> None:
    live = Live()
    socket = live.websocket()
    session = socket.wire.session
    live.gateway.begin_turn()
    session.receive(pings(socket, REQUESTS_PER_TURN + 1))
    assert live.gateway.deferred == 1
    if way == "goes":
        session.close()
    elif way == "is dismissed":
        session.dismiss()
    else:
        session.receive(socket.frames.send(BytesMessage(data=b"x")))
    assert live.gateway.deferred == 0


def test_a_full_way_to_another_node_holds_commands_back() -> None:
    live = Live()
    socket = live.websocket()
    session = socket.wire.session
    session.jam()
    live.gateway.begin_turn()
    session.receive(pings(socket, 3))
    assert not session.is_hungry
    assert (socket.messages_now(), live.gateway.deferred) == ([], 0)
    session.clear_jam()
    assert session.is_hungry
    socket.wire.turn()
    assert len(socket.messages()) == 3


# -- channels --------------------------------------------------------------------


def test_subscribers_get_messages_and_publishers_the_number_of_these() -> None:
    live = Live()
    listener, speaker = live.websocket(), live.websocket()
    assert listener.ask({"id": 1, "subscribe": ["news"], "patterns": ["n*"]}) == {"id": 1, "result": 2}
    assert speaker.ask({"id": 2, "publish": ["news", "hello"]}) == {"id": 2, "result": 2}
    assert listener.messages() == [
        {"channel": "news", "message": "hello"},
        {"channel": "news", "message": "hello", "pattern": "n*"},
    ]
    assert speaker.messages() == []


def test_who_subscribes_and_publishes_hears_itself() -> None:
    socket = Live().websocket()
    socket.ask({"subscribe": ["news"]})
    socket.say({"id": 1, "publish": ["news", "me"]})
    assert socket.messages() == [{"channel": "news", "message": "me"}, {"id": 1, "result": 1}]


def test_what_is_unsubscribed_comes_no_more() -> None:
    live = Live()
    socket = live.websocket()
    socket.ask({"subscribe": ["a", "b"], "patterns": ["c*"]})
    assert socket.ask({"unsubscribe": ["a"], "patterns": ["c*"]}) == {"result": 1}
    for channel in ("a", "b", "cc"):
        live.client(f"PUBLISH {channel} x")
    assert [message["channel"] for message in socket.messages()] == ["b"]


def test_channels_and_messages_may_be_any_bytes() -> None:
    live = Live()
    socket = live.websocket()
    socket.ask({"subscribe": [{"base64": "/w=="}]})
    live.client(b"PUBLISH", b"\xff", b"\xfe")
    assert socket.messages() == [{"channel": {"base64": "/w=="}, "message": {"base64": "/g=="}}]


def test_a_subscription_is_confirmed_when_other_nodes_know_of_it() -> None:
    live = Live()
    pending = Pending()
    live.node.broker.confirmation = lambda client, reply: pending  # type: ignore[method-assign]
    socket = live.websocket()
    socket.say({"id": 1, "subscribe": ["news"]})
    socket.say(command("PING", id=2))
    assert socket.messages() == []
    pending.resolve(None)
    assert [answer["id"] for answer in socket.messages()] == [1, 2]


def test_a_socket_that_has_gone_is_subscribed_to_nothing() -> None:
    live = Live()
    socket = live.websocket()
    socket.ask({"subscribe": ["news"], "patterns": ["*"]})
    socket.wire.session.close()
    assert live.client("PUBLISH news x") == 0
    assert not live.node.broker.patterns


# -- events ----------------------------------------------------------------------


def test_events_are_told_as_chosen_until_they_are_not() -> None:
    live = Live()
    socket = live.websocket()
    assert socket.ask({"id": 1, "events": {"kinds": ["created"], "match": "user:*"}}) == {
        "id": 1,
        "result": True,
    }
    for line in ("SET user:1 a", "SET user:1 b", "SET other 1"):
        live.client(line)
    live.hub.flush()
    [message] = socket.messages()
    assert message["event"]["key"] == "user:1"
    assert message["event"]["kind"] == "created"
    assert socket.ask({"events": False}) == {"result": False}
    live.client("SET user:2 a")
    live.hub.flush()
    assert socket.messages() == []


def test_another_choice_takes_the_place_of_the_first() -> None:
    live = Live()
    socket = live.websocket()
    socket.ask({"events": {"match": "a*"}})
    socket.ask({"events": {"match": "b*"}})
    live.client("MSET a 1 b 1")
    live.hub.flush()
    assert [message["event"]["key"] for message in socket.messages()] == ["b"]


def test_a_choice_that_is_refused_changes_nothing() -> None:
    live = Live()
    socket = live.websocket()
    socket.ask({"events": {"match": "a*"}})
    assert "error" in socket.ask({"events": {"kinds": ["nonsense"]}})
    live.client("SET a 1")
    live.hub.flush()
    assert [message["event"]["key"] for message in socket.messages()] == ["a"]


def test_a_gap_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "KEPT_EVENTS", 1)
    live = Live()
    socket = live.websocket()
    socket.ask({"events": {}})
    live.client("MSET a 1 b 1")
    live.hub.flush()
    gap, event = socket.messages()
    assert list(gap) == ["gap"]
    assert event["event"]["key"] == "b"


def test_every_request_of_the_page_is_understood() -> None:
    documented = re.findall(r"^\| ``(\{.*?\})``", socket_file.__doc__ or "", re.MULTILINE)
    assert len(documented) == 5
    socket = Live().websocket()
    for text in documented:
        told = socket.ask(json.loads(text.replace("[...]", '["created"]')))
        assert "result" in told, told


def test_an_upgrade_is_counted_among_readers() -> None:
    live = Live()
    live.websocket()
    assert live.gateway.readers == {"stream": 0, "websocket": 1}
    live.open(upgrade(version="8"))
    assert live.gateway.responses == {426: 1}
