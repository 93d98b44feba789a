"""What one connection, and all of them together, may do before others have their turn."""

import socket
from contextlib import ExitStack

import trio

from respcache.gateway.gateway import REQUESTS_PER_TURN as MOST
from respcache.gateway.session import OUTPUT_PER_TURN_BYTES
from respcache.server.pollers import new_poller
from respcache.server.reactor import Reactor
from tests.gateway.visitor import HttpHarness, Visitor, request

GET = request("GET", "/v1/keys/a")


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


async def test_what_could_not_begin_in_this_turn_waits_in_its_socket(http: HttpHarness) -> None:
    gateway, poller = http.gateway, new_poller()
    assert poller is not None
    reactor = Reactor(poller, http.composition.dispatcher, gateway.begin_turn)
    crowd = [socket.socketpair() for _ in range(MOST + 5)]
    with ExitStack() as stack:
        for mine, its in crowd:
            stack.enter_context(mine).setblocking(False)
            reactor.attach(its, gateway.open_session)
            mine.sendall(GET)
        answered = []
        for _ in range(2):
            reactor.turn()
            assert gateway.deferred == 0
            answered.append(sum(_has_answer(mine) for mine, _ in crowd))
        with trio.CancelScope() as ended:
            ended.cancel()
            await reactor.run()
    assert answered == [MOST, 5]


async def test_of_many_that_are_always_busy_all_get_the_same(http: HttpHarness) -> None:
    """Who is served asks again at once, before the poller looks again: it must not stand in front of those who wait."""
    gateway, poller = http.gateway, new_poller()
    assert poller is not None
    reactor = Reactor(poller, http.composition.dispatcher, gateway.begin_turn)
    crowd = [socket.socketpair() for _ in range(3 * MOST)]
    answers = [0] * len(crowd)
    with ExitStack() as stack:
        for mine, its in crowd:
            stack.enter_context(mine).setblocking(False)
            reactor.attach(its, gateway.open_session)
            mine.sendall(GET)
        for _ in range(30):
            reactor.turn()
            for at, (mine, _) in enumerate(crowd):
                if _has_answer(mine):
                    answers[at] += 1
                    mine.sendall(GET)
        with trio.CancelScope() as ended:
            ended.cancel()
            await reactor.run()
    assert set(answers) == {10}


def _has_answer(sock: socket.socket) -> bool:
    try:
        return sock.recv(4096).startswith(b"HTTP/1.1 404")
    except BlockingIOError:
        return False


def test_who_speaks_another_protocol_is_read_all_the_same(visitor: Visitor) -> None:
    visitor.gateway.turn_left = 0
    assert visitor.session.wanted_bytes < 0
    visitor.gateway.begin_turn()
    assert visitor.session.wanted_bytes == 0
    visitor.session.receive(
        b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    )
    visitor.gateway.turn_left = 0
    assert visitor.session.wanted_bytes >= 0
