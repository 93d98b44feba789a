import pytest

from respcache.commands.client import Ending
from respcache.gateway.messages import Request
from respcache.gateway.parting import LAST_WORDS_MS, LINGER_BYTES, LINGER_MS, Stillness, Timeouts
from tests.gateway.visitor import HttpHarness, Visitor, request

GET = request("GET", "/v1/keys/a")
SIZE = 100_000
LIMITS = Timeouts(head_ms=1000, idle_ms=5000, request_ms=60_000)


@pytest.fixture
def http() -> HttpHarness:
    return HttpHarness(http_max_body="1000")


def test_the_rest_of_a_body_that_is_refused_is_read_for_a_while_so_that_the_answer_arrives(
    http: HttpHarness, visitor: Visitor
) -> None:
    assert [one.status for one in visitor.send(request("PUT", "/v1/keys/a", b"x" * 2000))] == [413]
    assert visitor.send(GET) == []
    assert not visitor.is_ended
    visitor.session.check_time(http.clock.now_ms + LINGER_MS - 1, LIMITS)
    assert not visitor.is_ended
    visitor.session.check_time(http.clock.now_ms + LINGER_MS, LIMITS)
    assert visitor.is_ended


def test_but_not_for_ever(visitor: Visitor) -> None:
    visitor.send(request("PUT", "/v1/keys/a", b"x" * 2000))
    for _ in range(LINGER_BYTES // SIZE + 1):
        visitor.send(b"x" * SIZE)
    assert visitor.is_ended


def test_stillness_lasts_from_the_last_change_on() -> None:
    still = Stillness(900)
    assert still.lasts_ms(1000, 10, None) == 0
    assert still.lasts_ms(3000, 10, None) == 2000
    assert still.lasts_ms(4000, 11, None) == 0
    assert still.lasts_ms(4500, 11, None) == 500


def test_who_does_not_read_its_last_answer_is_let_go(http: HttpHarness, visitor: Visitor) -> None:
    visitor.session.receive(request("GET", "/v1/keys/a", headers={"Connection": "close"}))
    session, now_ms = visitor.session, http.clock.now_ms
    for later_ms in (0, LAST_WORDS_MS):
        session.check_time(now_ms + later_ms, LIMITS)
        assert session.client.ending is Ending.AFTER_REPLIES
    session.check_time(now_ms + LAST_WORDS_MS + 1, LIMITS)
    assert session.client.ending is Ending.AT_ONCE


def test_who_has_read_it_is_left_to_the_transport(http: HttpHarness, visitor: Visitor) -> None:
    visitor.send(request("GET", "/v1/keys/a", headers={"Connection": "close"}))
    for later_ms in (0, LAST_WORDS_MS + 1):
        visitor.session.check_time(http.clock.now_ms + later_ms, LIMITS)
        assert visitor.session.client.ending is Ending.AFTER_REPLIES


def test_a_request_does_not_wait_for_ever(http: HttpHarness, visitor: Visitor) -> None:
    wait = request("POST", "/v1/commands", b'["WAIT","1","0"]')
    assert visitor.send(wait + GET) == []
    now_ms = http.clock.now_ms
    for later_ms in (0, 60_000):
        visitor.session.check_time(now_ms + later_ms, LIMITS)
        assert not visitor.session.out
    visitor.session.check_time(now_ms + 60_001, LIMITS)
    [answer] = visitor.answers()
    assert (answer.status, answer.headers["connection"]) == (504, "close")
    assert visitor.is_ended
    assert http.gateway.running == 0


def test_a_request_of_which_something_comes_now_and_then_may_take_long(
    http: HttpHarness, visitor: Visitor
) -> None:
    assert http.client()("CLIENT PAUSE 100000") == b"OK"
    assert visitor.send(request("POST", "/v1/batch", b'[["GET","a"],["WAIT","1","0"]]')) == []
    now_ms = http.clock.now_ms
    visitor.session.check_time(now_ms, LIMITS)
    visitor.session.check_time(now_ms + 50_000, LIMITS)
    assert http.client()("CLIENT UNPAUSE") == b"OK"
    visitor.session.check_time(now_ms + 100_000, LIMITS)
    assert not visitor.session.out
    visitor.session.check_time(now_ms + 160_001, LIMITS)
    assert [one.status for one in visitor.answers()] == [504]


@pytest.mark.parametrize("ahead", [0, 40])
def test_who_reads_an_answer_slowly_has_time_and_who_does_not_read_is_let_go(
    http: HttpHarness, visitor: Visitor, ahead: int
) -> None:
    session, now_ms = visitor.session, http.clock.now_ms
    visitor.send(GET)
    session.unsent_bytes = SIZE
    session.backlog.extend([Request("GET", b"/healthcheck", b"", {}, b"")] * ahead)
    for second in range(100):
        session.sent_bytes += 1
        visitor.session.check_time(now_ms + second * 1000, LIMITS)
        assert not visitor.is_ended
    visitor.session.check_time(now_ms + 99_000 + 5000, LIMITS)
    assert not visitor.is_ended
    visitor.session.check_time(now_ms + 99_000 + 5001, LIMITS)
    assert visitor.is_ended


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/v1/keys/a", {}, 401),
        ("/v1/keys/a", {"Authorization": "Bearer wrong"}, 401),
        ("/nowhere", {"Authorization": "Bearer word"}, 404),
        ("/healthcheck", {}, 405),
        ("/v1/keys/a", {"Origin": "http://evil.example"}, 403),
    ],
)
def test_a_big_body_is_refused_before_it_comes(target: str, headers: dict[str, str], status: int) -> None:
    http = HttpHarness(requirepass="word")
    visitor = http.visitor()
    [answer] = visitor.send(request("PUT", target, headers={**headers, "Content-Length": "1000000"}))
    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert visitor.send(b"x" * SIZE) == []
    assert visitor.session.reader.buffered_bytes < 1000
    assert not visitor.is_ended, "what is still sent would take the answer with it"
    visitor.session.check_time(http.clock.now_ms + LINGER_MS, LIMITS)
    assert visitor.is_ended
