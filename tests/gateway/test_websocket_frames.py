"""``/v1/ws``, frame by frame: what is taken, how it ends, and what becomes of whatever anybody may send."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from respcache.commands.client import Ending
from respcache.gateway import events as hub_file
from respcache.gateway import websocket as socket_file
from respcache.gateway.websocket import CLOSING_MS, MOST_MESSAGE_BYTES, SILENT_BEATS, SLOW
from tests.commands.tasks import run_tasks
from tests.gateway.live import Live, Socket, command
from tests.thoroughness import examples

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


def test_a_client_that_takes_what_waits_for_it_has_not_gone() -> None:
    """While much waits it is not read from, and so its pongs are not, either."""
    socket = Live().websocket()
    for _ in range(3 * SILENT_BEATS):
        socket.wire.session.send(b"x" * 100_000)
        socket.wire.session.sent_bytes += 1000
        beat(socket)
    assert socket.wire.ending is None
    for _ in range(SILENT_BEATS + 1):
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


@settings(max_examples=examples(30, 200))
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


@settings(max_examples=examples(50, 200))
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


def test_a_reader_let_go_amid_a_message_for_patterns_spoils_it_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_file, "MOST_UNSENT_BYTES", 1000)
    monkeypatch.setattr(hub_file, "LEAST_UNSENT_BYTES", 1000)
    live = Live()
    slow, good = live.websocket(), live.websocket()
    slow.ask({"subscribe": ["news"], "patterns": ["n*", "ne*"]})
    good.ask({"patterns": ["ne?s", "*s"]})
    while slow.wire.ending is None:
        assert live.client("PUBLISH", "news", "x" * 300) >= 2
        assert len(good.messages()) == 2
    assert slow.closing()[0] == 1008
    assert live.client("PUBLISH", "news", "x") == 2
