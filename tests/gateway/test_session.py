import logging
from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.gateway.messages import Outlet, Request, Steps, Takeover, json_response
from respcache.gateway.parting import Timeouts
from respcache.gateway.routing import Routes, Table
from tests.gateway.visitor import HttpHarness, Visitor, request, split_answers
from tests.thoroughness import examples

GET = request("GET", "/v1/keys/a")
SIZE = 100_000
LIMITS = Timeouts(head_ms=1000, idle_ms=5000, request_ms=60_000)


@pytest.fixture
def http() -> HttpHarness:
    return HttpHarness(http_max_body="1000", http_max_requests="2")


def look(visitor: Visitor, now_ms: int) -> None:
    visitor.session.check_time(now_ms, LIMITS)


def pause(http: HttpHarness) -> None:
    assert http.client()("CLIENT PAUSE 100000") == b"OK"


def unpause(http: HttpHarness) -> None:
    assert http.client()("CLIENT UNPAUSE") == b"OK"


def test_a_connection_stays_for_the_next_request(visitor: Visitor) -> None:
    assert visitor("PUT", "/v1/keys/a", b"1").status == 201
    answer = visitor("GET", "/v1/keys/a")
    assert (answer.status, answer.body) == (200, b"1")
    assert answer.headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert not visitor.is_ended


@pytest.mark.parametrize(
    ("wire", "is_last"),
    [
        (b"GET /healthcheck HTTP/1.0\r\nHost: localhost\r\n\r\n", True),
        (b"GET /healthcheck HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", False),
        (b"GET /healthcheck HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", True),
        (
            b"GET /healthcheck HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            True,
        ),
    ],
)
def test_a_client_says_whether_it_stays(visitor: Visitor, wire: bytes, is_last: bool) -> None:
    answers = visitor.send(wire)
    assert [one.status for one in answers] == [200]
    assert visitor.is_ended == is_last
    assert (answers[0].headers.get("connection") == "close") == is_last


def test_what_comes_behind_the_last_request_is_not_run(http: HttpHarness, visitor: Visitor) -> None:
    last = request("GET", "/healthcheck", headers={"Connection": "close"})
    assert len(visitor.send(last + request("PUT", "/v1/keys/a", b"1"))) == 1
    assert http.client()("GET a") is None


WIRES = [
    request("PUT", "/v1/keys/a", b"12345"),
    request("GET", "/v1/keys/a"),
    request("HEAD", "/v1/keys/a"),
    request("POST", "/v1/commands", b'["INCR","n"]'),
    request("DELETE", "/v1/keys/zz"),
    request("GET", "/nowhere"),
]
METHODS = [wire.split(b" ")[0].decode() for wire in WIRES]


@settings(max_examples=examples(50, 200))
@given(st.lists(st.integers(0, 600), max_size=30))
def test_pipelined_requests_are_answered_in_order_however_they_are_cut(places: list[int]) -> None:
    visitor, wire, out = HttpHarness().visitor(), b"".join(WIRES), b""
    edges = [0, *sorted({place % len(wire) for place in places}), len(wire)]
    for begin, end in pairwise(edges):
        visitor.session.receive(wire[begin:end])
        while visitor.session.is_hungry:
            visitor.session.resume()
        out += b"".join(visitor.session.take_output())
    answers, rest = split_answers(out, METHODS)
    assert not rest
    assert [one.status for one in answers] == [201, 200, 200, 200, 404, 404]
    assert [one.body for one in answers[:4]] == [b"", b"12345", b"", b'{"result":1}']
    assert answers[2].headers["content-length"] == "5"


def test_a_pause_holds_a_request_and_what_stands_behind_it(http: HttpHarness, visitor: Visitor) -> None:
    pause(http)
    assert visitor.send(request("PUT", "/v1/keys/a", b"1") + GET) == []
    assert http.gateway.running == 1
    assert not visitor.session.wants_input
    assert not visitor.session.is_drained
    wakes = visitor.wakes
    unpause(http)
    assert visitor.wakes > wakes
    assert [one.status for one in visitor.answers()] == [201, 200]
    assert http.gateway.running == 0


def test_so_many_may_wait_and_no_more(http: HttpHarness) -> None:
    pause(http)
    waiting = [http.visitor() for _ in range(2)]
    assert [one.send(GET) for one in waiting] == [[], []]
    answer = http.visitor()("GET", "/v1/keys/a")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert http.visitor()("GET", "/healthcheck").status == 200
    waiting[0].close()
    assert http.visitor().send(GET) == []
    unpause(http)
    assert http.gateway.running == 0
    assert [one.status for one in waiting[1].answers()] == [404]


def test_a_client_that_goes_amid_a_request_leaves_nothing_behind(http: HttpHarness, visitor: Visitor) -> None:
    pause(http)
    visitor.send(GET)
    visitor.close()
    unpause(http)
    assert http.gateway.running == 0
    assert visitor.session not in http.gateway.sessions
    assert not visitor.session.out


def test_who_waits_is_told_to_send_the_body(visitor: Visitor) -> None:
    head = request("PUT", "/v1/keys/a", headers={"Expect": "100-continue", "Content-Length": "2"})
    assert [one.status for one in visitor.send(head)] == [100]
    assert [one.status for one in visitor.send(b"hi")] == [201]


def test_it_is_told_in_its_turn(http: HttpHarness, visitor: Visitor) -> None:
    pause(http)
    head = request("PUT", "/v1/keys/b", headers={"Expect": "100-continue", "Content-Length": "2"})
    assert visitor.send(GET + head) == []
    unpause(http)
    assert [one.status for one in visitor.answers()] == [404, 100]


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(visitor: Visitor) -> None:
    head = request("PUT", "/v1/keys/a", headers={"Expect": "100-continue", "Content-Length": "2000"})
    answers = visitor.send(head)
    assert [one.status for one in answers] == [413]
    assert answers[0].headers["connection"] == "close"


def test_what_cannot_be_read_ends_the_connection_behind_what_could(visitor: Visitor) -> None:
    assert [one.status for one in visitor.send(GET + b"nonsense\r\n\r\n" + GET)] == [404, 400]
    assert visitor.is_ended


def test_a_request_that_does_not_arrive_is_given_up(http: HttpHarness, visitor: Visitor) -> None:
    begun_ms = http.clock.now_ms
    for at in range(10):
        http.clock.now_ms = begun_ms + at * 110
        assert visitor.send(GET[at : at + 1]) == []
    look(visitor, begun_ms + 1000)
    assert not visitor.is_ended
    look(visitor, begun_ms + 1001)
    assert [one.status for one in visitor.answers()] == [408]
    assert visitor.is_ended


def test_a_slow_body_has_more_time_for_each_64_kib(http: HttpHarness) -> None:
    http.gateway.most_body_bytes = 1 << 20
    visitor = http.visitor()
    visitor.send(request("PUT", "/v1/keys/a", headers={"Content-Length": "1000000"}) + b"x" * 132_000)
    look(visitor, http.clock.now_ms + 2900)
    assert not visitor.is_ended
    look(visitor, http.clock.now_ms + 3001)
    assert visitor.is_ended


def test_many_requests_without_a_gap_are_no_slow_request(http: HttpHarness, visitor: Visitor) -> None:
    begun_ms = http.clock.now_ms
    wire = GET * 100
    for at in range(0, len(wire), 25):
        http.clock.now_ms = begun_ms + at * 10
        visitor.send(wire[at : at + 25])
        look(visitor, http.clock.now_ms)
    assert not visitor.is_ended


def test_a_silent_connection_is_let_go_but_not_one_that_waits(http: HttpHarness, visitor: Visitor) -> None:
    look(visitor, http.clock.now_ms + 5000)
    assert not visitor.is_ended
    look(visitor, http.clock.now_ms + 5001)
    assert visitor.is_ended
    pause(http)
    waiting = http.visitor()
    waiting.send(GET)
    look(waiting, http.clock.now_ms + 10**6)
    assert not waiting.is_ended


def test_at_the_end_what_was_received_is_answered(http: HttpHarness, visitor: Visitor) -> None:
    pause(http)
    visitor.send(GET + GET)
    http.gateway.dismiss()
    assert not visitor.is_ended
    unpause(http)
    answers = visitor.answers()
    assert [one.status for one in answers] == [404, 404]
    assert [one.headers.get("connection") for one in answers] == [None, "close"]
    assert visitor.is_ended
    assert visitor.session.is_drained


def test_at_the_end_nobody_waits_for_those_who_ask_nothing(http: HttpHarness, visitor: Visitor) -> None:
    half = http.visitor()
    half.send(GET[:20])
    http.gateway.dismiss()
    assert visitor.is_ended
    assert half.is_ended


routes = Routes()


@routes.add("GET", "/bug")
def bug(request: Request) -> Steps:
    yield [b"PING"]
    raise KeyError(request.path)


@routes.add("GET", "/bug-at-once")
def bug_at_once(request: Request) -> Steps:
    raise KeyError(request.path)


@routes.add("GET", "/fine")
def fine(request: Request) -> Steps:
    return json_response((yield [b"CLIENT", b"ID"]))


class Echo:
    """Takes a connection over, and sends back what comes."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.pushed: list[bytes] = []
        self.is_closed = False
        outlet.send(b"hello:")

    def receive(self, data: bytes) -> None:
        self.outlet.send(data)

    is_ready = False

    def resume(self) -> None:
        """Do nothing: nothing waits."""

    def check_time(self, now_ms: int) -> None:
        """Do nothing: it has no end."""

    def push(self, wire: bytes) -> None:
        self.pushed.append(wire)

    def dismiss(self) -> None:
        self.outlet.send(b"bye")

    def close(self) -> None:
        self.is_closed = True


@routes.add("GET", "/echo")
def echo(request: Request) -> Steps:
    return Takeover(Echo)
    yield []


@pytest.mark.parametrize("path", ["/bug", "/bug-at-once"])
def test_a_bug_is_a_500_and_ends_nothing_else(
    http: HttpHarness, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    http.gateway.table = Table(routes.all)
    visitor = http.visitor()
    with caplog.at_level(logging.ERROR):
        answers = visitor.send(request("GET", path) + request("GET", "/fine"))
    assert [one.status for one in answers] == [500, 200]
    assert "internal error in GET" in caplog.text
    assert b"KeyError" not in answers[0].body


def test_a_connection_can_be_taken_over(http: HttpHarness) -> None:
    http.gateway.table = Table(routes.all)
    session = http.visitor().session
    session.receive(request("GET", "/echo", headers={"Connection": "Upgrade", "Upgrade": "echo"}) + b"abc")
    assert b"".join(session.take_output()) == b"hello:abc"
    session.receive(b"def")
    taken: Any = session.upgraded
    session.push(b"message")
    http.gateway.dismiss()
    assert b"".join(session.take_output()) == b"defbye"
    assert taken.pushed == [b"message"]
    assert session.is_drained
    session.close()
    assert taken.is_closed


def test_pages_of_other_sites_may_ask_where_they_are_allowed_to() -> None:
    visitor = HttpHarness(http_cors_origins="https://shop.example").visitor()
    origin = {"Origin": "https://shop.example"}
    for answer in (visitor("OPTIONS", "/v1/keys/a", b"", origin), visitor("GET", "/v1/keys/a", b"", origin)):
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert visitor("GET", "/v1/keys/a", b"", {"Origin": "https://evil.example"}).status == 403
    closed = HttpHarness().visitor()
    assert "vary" not in closed("GET", "/v1/keys/a").headers
    assert closed("OPTIONS", "/v1/keys/a").headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


def test_a_full_way_to_another_node_holds_requests_back(http: HttpHarness, visitor: Visitor) -> None:
    session = visitor.session
    session.jam()
    session.jam()
    assert visitor.send(GET) == []
    assert not session.wants_input
    session.clear_jam()
    assert not session.is_hungry
    session.clear_jam()
    assert [one.status for one in visitor.answers()] == [404]


async def test_a_busy_key_holds_its_own_request_alone(nursery: trio.Nursery) -> None:
    alarm = trio.Event()

    async def sleep(seconds: float) -> None:
        await alarm.wait()

    http = HttpHarness(nursery.start_soon, enable_debug_command="local")
    http.host.sleep = sleep  # type: ignore[method-assign]
    assert http.client().send("DEBUG OWNER-SLEEP a 60") == []
    waiting = http.visitor()
    assert waiting.send(request("PUT", "/v1/keys/a", b"1")) == []
    assert http.visitor()("PUT", "/v1/keys/b", b"1").status == 201
    alarm.set()
    await trio.testing.wait_all_tasks_blocked()
    assert [one.status for one in waiting.answers()] == [201]


def test_options_has_no_big_body(visitor: Visitor) -> None:
    head = request("OPTIONS", "/v1/keys/a", headers={"Content-Length": "2", "Expect": "100-continue"})
    assert [one.status for one in visitor.send(head)] == [413]
