"""What one connection, and all of them together, may do before others have their turn."""

import pytest

from respcache.gateway.gateway import REQUESTS_PER_TURN as MOST
from respcache.gateway.session import OUTPUT_PER_TURN_BYTES
from tests.gateway.visitor import HttpHarness, Visitor, request

GET = request("GET", "/v1/keys/a")


@pytest.fixture
def http() -> HttpHarness:
    return HttpHarness()


@pytest.fixture
def visitor(http: HttpHarness) -> Visitor:
    return http.visitor()


def test_others_get_their_turn_between_many_requests(visitor: Visitor) -> None:
    visitor.gateway.begin_turn()
    visitor.session.receive(GET * 100)
    assert b"".join(visitor.session.take_output()).count(b"HTTP/1.1 404") == MOST
    assert visitor.session.is_hungry
    assert not visitor.session.wants_input
    assert len(visitor.answers()) == 100 - MOST
    assert visitor.session.wants_input


def test_all_connections_together_have_a_turn_and_who_waits_is_next(http: HttpHarness) -> None:
    gateway, crowd = http.gateway, [http.visitor() for _ in range(40)]
    gateway.begin_turn()
    for one in crowd:
        one.session.receive(GET)
    assert [bool(one.session.out) for one in crowd] == [True] * MOST + [False] * (40 - MOST)
    assert gateway.deferred == 40 - MOST
    assert all(one.session.is_hungry for one in crowd[MOST:])
    gateway.begin_turn()
    crowd[0].session.receive(GET)
    assert len(crowd[0].session.out) == 1
    crowd[-1].close()
    for one in crowd[MOST:-1]:
        assert [answer.status for answer in one.answers()] == [404]
    assert [answer.status for answer in crowd[0].answers()] == [404, 404]
    assert gateway.deferred == 0


def test_others_get_their_turn_between_commands_of_one_request(http: HttpHarness, visitor: Visitor) -> None:
    visitor.session.receive(request("POST", "/v1/batch", b"[" + b",".join([b'["INCR","n"]'] * 5000) + b"]"))
    assert visitor.session.has_unread
    assert 0 < int(http.client()("GET n")) < 1000
    [answer] = visitor.answers()
    assert answer.json[-1] == {"result": 5000}
    assert not visitor.session.has_unread


def test_big_answers_do_not_pile_up(http: HttpHarness, visitor: Visitor) -> None:
    http.client()("SET", "a", b"x" * OUTPUT_PER_TURN_BYTES)
    visitor.session.receive(GET * 10)
    assert len(visitor.session.take_output()) <= 2
    assert visitor.session.is_hungry


def test_a_late_answer_leaves_what_stands_behind_it_to_the_next_turn(
    http: HttpHarness, visitor: Visitor
) -> None:
    assert http.client()("CLIENT PAUSE 100000 ALL") == b"OK"
    visitor.send(GET * 3)
    http.gateway.turn_left = 0
    assert http.client()("CLIENT UNPAUSE") == b"OK"
    assert len(visitor.session.out) == 1
    assert visitor.session.is_hungry
    assert http.gateway.deferred == 1
    assert len(visitor.answers()) == 3
