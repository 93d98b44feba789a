import pytest

from respcache.commands.client import Ending
from respcache.gateway.parting import LAST_WORDS_MS, LINGER_BYTES, LINGER_MS, LastWords
from tests.gateway.visitor import HttpHarness, Visitor, request

GET = request("GET", "/v1/keys/a")
SIZE = 100_000


@pytest.fixture
def http() -> HttpHarness:
    return HttpHarness(http_max_body="1000")


@pytest.fixture
def visitor(http: HttpHarness) -> Visitor:
    return http.visitor()


def test_the_rest_of_a_body_that_is_refused_is_read_for_a_while_so_that_the_answer_arrives(
    http: HttpHarness, visitor: Visitor
) -> None:
    assert [one.status for one in visitor.send(request("PUT", "/v1/keys/a", b"x" * 2000))] == [413]
    assert visitor.send(GET) == []
    assert not visitor.is_ended
    visitor.session.check_time(http.clock.now_ms + LINGER_MS - 1, 1000, 5000)
    assert not visitor.is_ended
    visitor.session.check_time(http.clock.now_ms + LINGER_MS, 1000, 5000)
    assert visitor.is_ended


def test_but_not_for_ever(visitor: Visitor) -> None:
    visitor.send(request("PUT", "/v1/keys/a", b"x" * 2000))
    for _ in range(LINGER_BYTES // SIZE + 1):
        visitor.send(b"x" * SIZE)
    assert visitor.is_ended


def test_last_words_are_lost_once_nothing_of_them_has_left_for_a_while() -> None:
    words = LastWords()
    assert not words.are_lost(1000, 10)
    assert not words.are_lost(1000 + LAST_WORDS_MS, 10)
    assert words.are_lost(1001 + LAST_WORDS_MS, 10)


def test_they_have_more_time_as_long_as_some_of_them_leave() -> None:
    words = LastWords()
    for at in range(10):
        assert not words.are_lost(at * LAST_WORDS_MS, at)
    assert words.are_lost(9 * LAST_WORDS_MS + LAST_WORDS_MS + 1, 9)


def test_who_does_not_read_its_last_answer_is_let_go(http: HttpHarness, visitor: Visitor) -> None:
    visitor.session.receive(request("GET", "/v1/keys/a", headers={"Connection": "close"}))
    session, now_ms = visitor.session, http.clock.now_ms
    for later_ms in (0, LAST_WORDS_MS):
        session.check_time(now_ms + later_ms, 1000, 5000)
        assert session.client.ending is Ending.AFTER_REPLIES
    session.check_time(now_ms + LAST_WORDS_MS + 1, 1000, 5000)
    assert session.client.ending is Ending.AT_ONCE


def test_who_has_read_it_is_left_to_the_transport(http: HttpHarness, visitor: Visitor) -> None:
    visitor.send(request("GET", "/v1/keys/a", headers={"Connection": "close"}))
    for later_ms in (0, LAST_WORDS_MS + 1):
        visitor.session.check_time(http.clock.now_ms + later_ms, 1000, 5000)
        assert visitor.session.client.ending is Ending.AFTER_REPLIES
