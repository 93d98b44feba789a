"""``/v1/ws``: what is asked and answered, what comes by itself, and how it ends; wsproto is the client."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from respcache.commands.client import Ending
from respcache.commands.pending import Pending
from respcache.gateway import events as hub_file
from respcache.gateway import websocket as socket_file
from respcache.gateway.websocket import CLOSING_MS, MOST_MESSAGE_BYTES, SILENT_BEATS, SLOW
from tests.commands.tasks import run_tasks
from tests.gateway.live import Live, Socket, upgrade


def command(*words: object, id: int | None = None) -> dict[str, Any]:
    return {"command": list(words)} if id is None else {"id": id, "command": list(words)}


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


@pytest.mark.parametrize(
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
    frame = b"".join(socket.frames.send(TextMessage(data='{"command":["PING"]}')) for _ in range(1000))
    socket.wire.session.receive(frame)
    assert len(socket.messages_now()) == socket_file.COMMANDS_PER_TURN
    assert socket.wire.session.is_hungry
    socket.wire.turn()
    assert len(socket.messages()) == 1000 - socket_file.COMMANDS_PER_TURN


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


# -- frames ----------------------------------------------------------------------


def test_a_message_may_come_in_fragments_with_a_ping_between_them() -> None:
    socket = Live().websocket()
    text = json.dumps(command("SET", "ä", "ö"))
    socket.say_text(text[:9], is_whole=False)
    socket.send(Ping(payload=b"?"))
    socket.say_text("", is_whole=False)
    socket.say_text(text[9:])
    pong, answer = socket.receive()
    assert pong == Pong(payload=b"?")
    assert isinstance(answer, TextMessage)
    assert json.loads(answer.data) == {"result": "OK"}


def test_a_pong_that_nobody_asked_for_is_nothing() -> None:
    socket = Live().websocket()
    socket.send(Pong(payload=b"x"))
    assert socket.receive() == []


def test_empty_fragments_cost_nothing() -> None:
    socket = Live().websocket()
    socket.say_text("{", is_whole=False)
    for _ in range(1000):
        socket.say_text("", is_whole=False)
    upgraded: Any = socket.wire.session.upgraded
    assert len(upgraded._parts) == 1


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(0, 400), max_size=20))
def test_however_the_bytes_are_cut_the_answers_are_the_same(cuts: list[int]) -> None:
    socket = Live().websocket()
    wire = b"".join(
        socket.frames.send(event)
        for event in (
            TextMessage(data=json.dumps(command("SET", "a", "x" * 130, id=1))),
            Ping(payload=b"p"),
            TextMessage(data='{"id": 2, "comm', message_finished=False),
            TextMessage(data='and": ["GET", "a"]}'),
            TextMessage(data="no json"),
        )
    )
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    for begin, end in pairwise(edges):
        socket.wire.send(wire[begin:end])
    received = socket.receive()
    told = [json.loads(event.data) for event in received if isinstance(event, TextMessage)]
    assert told == [
        {"id": 1, "result": "OK"},
        {"id": 2, "result": "x" * 130},
        {"error": "ERR a message is a JSON object"},
    ]
    assert sum(isinstance(event, Pong) for event in received) == 1


# -- closing ---------------------------------------------------------------------


def test_a_goodbye_is_answered_and_ends_the_connection() -> None:
    socket = Live().websocket()
    socket.send(CloseConnection(code=1000, reason="bye"))
    assert socket.closing() == (1000, "bye")
    assert socket.wire.ending is Ending.AFTER_REPLIES


def test_a_goodbye_without_a_code() -> None:
    socket = Live().websocket()
    socket.wire.send(b"\x88\x80\x00\x00\x00\x00")
    assert socket.wire.read() == b"\x88\x00"


def test_what_was_asked_before_a_goodbye_is_done_and_answered() -> None:
    live = Live()
    socket = live.websocket()
    asked = socket.frames.send(TextMessage(data=json.dumps(command("SET", "a", "1"))))
    socket.wire.send(asked + socket.frames.send(CloseConnection(code=1000)))
    answer, close = socket.receive()
    assert isinstance(answer, TextMessage)
    assert isinstance(close, CloseConnection)
    assert live.client("GET a") == b"1"


def test_a_goodbye_waits_for_the_answer_that_is_owed() -> None:
    live = Live(enable_debug_command="yes")
    socket = live.websocket()
    live.harness.client().send("DEBUG OWNER-SLEEP busy 0")
    socket.say(command("INCR", "busy"))
    socket.send(CloseConnection(code=1000))
    assert socket.wire.ending is None
    run_tasks(live.harness)
    answer, close = socket.receive()
    assert isinstance(answer, TextMessage)
    assert isinstance(close, CloseConnection)


def test_the_server_says_goodbye_behind_the_answer_that_it_owes() -> None:
    live = Live(enable_debug_command="yes")
    idle, busy = live.websocket(), live.websocket()
    live.harness.client().send("DEBUG OWNER-SLEEP busy 0")
    busy.say(command("INCR", "busy"))
    busy.say(command("SET", "never", "1"))
    live.gateway.dismiss()
    assert idle.closing() == (1001, "the server stops")
    assert not busy.wire.session.is_drained
    run_tasks(live.harness)
    answer, close = busy.receive()
    assert isinstance(answer, TextMessage)
    assert isinstance(close, CloseConnection)
    assert busy.wire.session.is_drained
    assert live.client("GET never") is None


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (b"\x82\x80\x00\x00\x00\x00", 1003),  # binary
        (b"\x81\x82\x00\x00\x00\x00\xc3\x28", 1007),  # no UTF-8
        (b"\x81\x01x", 1002),  # not masked
        (b"\x83\x80\x00\x00\x00\x00", 1002),  # a kind that there is not
        (b"\xc1\x80\x00\x00\x00\x00", 1002),  # a bit of an extension
        (b"\x80\x80\x00\x00\x00\x00", 1002),  # goes on with nothing
        (b"\x01\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00", 1002),  # a message within a message
        (b"\x09\x80\x00\x00\x00\x00", 1002),  # a ping in fragments
        (b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + b"x" * 126, 1002),  # a long ping
        (b"\x88\x81\x00\x00\x00\x00x", 1002),  # half a code
        (b"\x88\x82\x00\x00\x00\x00\x03\xed", 1002),  # 1005, which is never sent
        (b"\x88\x84\x00\x00\x00\x00\x03\xe8\xc3\x28", 1007),  # a reason that is no UTF-8
        (b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1002),  # more bytes than there are
    ],
)
def test_who_breaks_the_rules_is_told_which(frames: bytes, code: int) -> None:
    socket = Live().websocket()
    socket.wire.send(frames + frames)
    assert socket.closing()[0] == code
    socket.wire.send(frames)
    assert socket.wire.read() == b""
    socket.wire.wait(CLOSING_MS + 200)
    assert socket.wire.ending is not None


def test_a_message_too_big_is_refused_before_it_is_there() -> None:
    socket = Live().websocket()
    piece = "x" * 65_536
    for _ in range(MOST_MESSAGE_BYTES // len(piece) + 1):
        socket.say_text(piece, is_whole=False)
    assert socket.closing()[0] == 1009
    deaf = Socket(socket.wire)
    for _ in range(10):
        deaf.say_text(piece, is_whole=False)
    upgraded: Any = socket.wire.session.upgraded
    assert upgraded._parts_length <= MOST_MESSAGE_BYTES + len(piece)


def test_a_goodbye_of_ours_ends_with_theirs() -> None:
    socket = Live().websocket()
    socket.wire.send(b"\x82\x80\x00\x00\x00\x00")
    [close] = socket.receive()
    assert isinstance(close, CloseConnection)
    assert socket.wire.ending is None
    socket.send(close.response())
    assert socket.wire.ending is Ending.AFTER_REPLIES


def test_a_goodbye_of_ours_ends_soon_without_theirs() -> None:
    socket = Live().websocket()
    socket.wire.send(b"\x82\x80\x00\x00\x00\x00")
    socket.wire.wait(CLOSING_MS)
    assert socket.wire.ending is None
    socket.wire.wait(200)
    assert socket.wire.ending is Ending.AFTER_REPLIES


def test_a_reader_that_does_not_read_is_let_go_and_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_file, "MOST_UNSENT_BYTES", 10_000)
    monkeypatch.setattr(hub_file, "LEAST_UNSENT_BYTES", 10_000)
    live = Live()
    slow, quick = live.websocket(), live.websocket()
    for socket in (slow, quick):
        socket.ask({"subscribe": ["news"]})
    while slow.wire.ending is None:
        live.client("PUBLISH news hello")
        assert len(quick.messages()) == 1
        assert slow.wire.session.output_bytes < 10_500
    assert slow.closing() == (1008, "the reader is too slow")
    assert live.gateway.dropped_readers[SLOW] == 1
    assert live.client("PUBLISH news hello") == 1


def beat(socket: Socket) -> None:
    upgraded: Any = socket.wire.session.upgraded
    upgraded.beat()


def test_a_client_is_asked_whether_it_is_there() -> None:
    socket = Live().websocket()
    for _ in range(3 * SILENT_BEATS):
        beat(socket)
        [ping] = socket.receive()
        assert isinstance(ping, Ping)
        socket.send(ping.response())
    assert socket.wire.ending is None


def test_a_client_that_does_not_answer_has_gone() -> None:
    socket = Live().websocket()
    for _ in range(SILENT_BEATS):
        beat(socket)
    assert socket.wire.ending is None
    beat(socket)
    assert socket.wire.ending is Ending.AT_ONCE


def test_a_bug_in_a_command_is_an_answer(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    socket = Live().websocket()
    monkeypatch.setattr(socket_file, "as_json", fail)
    assert socket.ask(command("PING", id=1)) == {"id": 1, "error": "ERR internal error"}
    assert "a bug" in caplog.text


# -- whatever anybody may send ----------------------------------------------------

words = st.one_of(st.text(max_size=5), st.integers(), st.none(), st.booleans(), st.floats(allow_nan=False))
names = st.sampled_from(
    ["id", "command", "publish", "subscribe", "unsubscribe", "patterns", "events", "kinds", "match", "base64"]
)
values = st.recursive(
    words | st.sampled_from(["GET", "SET", "created", "\x00", "*"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.lists(st.dictionaries(names, values, max_size=4), max_size=5))
def test_any_json_is_answered_once(requests: list[dict[str, Any]]) -> None:
    socket = Live().websocket()
    for request in requests:
        socket.say(request)
        told = [
            message for message in socket.messages() if "channel" not in message and "event" not in message
        ]
        assert len(told) == 1
        assert ("result" in told[0]) != ("error" in told[0])


frame_bytes = st.builds(
    lambda opcode, is_last, reserved, payload: (
        bytes([is_last << 7 | reserved << 4 | opcode])
        + bytes([0x80 | len(payload)])
        + b"\x00\x00\x00\x00"
        + payload
    ),
    st.sampled_from([0, 1, 2, 8, 9, 10, 3, 15]),
    st.booleans(),
    st.sampled_from([0, 0, 0, 0, 1, 4]),
    st.binary(max_size=20)
    | st.sampled_from([b'{"command":["PING"]}', b'{"id":', b"1}", b"\x03\xe8", b"\xff"]),
)


@settings(max_examples=100)
@given(st.lists(frame_bytes | st.binary(max_size=30), max_size=12), st.booleans())
def test_any_bytes_end_in_a_goodbye_or_go_on(frames: list[bytes], are_together: bool) -> None:
    socket = Live().websocket()
    if are_together:
        frames = [b"".join(frames)]
    received: list[object] = []
    for frame in frames:
        socket.wire.send(frame)
        received += socket.receive()
    closes = [event for event in received if isinstance(event, CloseConnection)]
    assert len(closes) <= 1
    assert not closes or received[-1] is closes[0]


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
