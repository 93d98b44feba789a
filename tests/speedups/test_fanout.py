"""A message for many reaches each as ``push`` would have brought it, whichever way it takes."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import respcache._speedups as speedups
from respcache._speedups import plain
from respcache._speedups.plain import ConnectionState
from respcache.commands.client import Ending

ENOUGH_BYTES = 1000

PATHS: dict[str, Any] = {"plain": plain, "best": speedups}
if not speedups.IS_COMPILED:
    del PATHS["best"]


def encode(words: list[bytes], protocol: int) -> bytes:
    return b"%d:" % protocol + b" ".join(words)


class Bench:
    """Sessions that keep what they get, and a reactor's ear."""

    def __init__(self, path: Any) -> None:
        self.path = path
        self.stirred: dict[Any, None] = {}
        self.rings = 0
        self.fan_out = path.FanOut(encode)
        self.fan_out.surely_allowed_bytes = ENOUGH_BYTES
        self.clients: dict[int, Any] = {}

    def look(self, connection: ConnectionState) -> None:
        if not self.stirred:
            self.ring()
        self.stirred[connection] = None

    def ring(self) -> None:
        self.rings += 1

    def add(self, protocol: int = 2) -> Any:
        """Add a client with a session of the kind that a reactor serves."""
        bench = self

        class Session(self.path.SessionState):  # type: ignore[misc, name-defined]
            def push(self, wire: bytes) -> None:
                if self.client.ending is None:
                    self.pushes.append(wire)
                    self.tail.append(wire)
                    self.pushed_bytes += len(wire)
                    if not self.is_running:
                        self.wake()

        class Client(self.path.ClientState):  # type: ignore[misc, name-defined]
            pass

        session, client = Session(), Client()
        connection = self.path.ConnectionState()
        connection.session = session
        session.client, session.pushes = client, []
        session.out = session.tail = []
        session.is_running, session.unsent_bytes, session.pushed_bytes = False, 0, 0
        session.wake = self.path.waker(bench.look, connection, self.stirred, self.ring)
        client.connection, client.protocol, client.ending = session, protocol, None
        self.clients[len(self.clients)] = client
        return session


@pytest.fixture(params=PATHS)
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(PATHS[request.param])


def test_everybody_gets_the_same_bytes_in_its_own_protocol(bench: Bench) -> None:
    sessions = [bench.add(protocol) for protocol in (2, 3, 2, 3)]
    assert bench.fan_out.send(bench.clients, [b"a", b"b"]) == 4
    assert [session.out for session in sessions] == [[b"2:a b"], [b"3:a b"], [b"2:a b"], [b"3:a b"]]
    assert sessions[0].out[0] is sessions[2].out[0]
    assert [session.pushed_bytes for session in sessions] == [5] * 4


def test_nobody_is_no_work(bench: Bench) -> None:
    assert bench.fan_out.send({}, [b"a"]) == 0
    assert (bench.stirred, bench.rings) == ({}, 0)


def test_connections_are_noted_in_order_and_the_bell_rings_once(bench: Bench) -> None:
    sessions = [bench.add() for _ in range(3)]
    for _ in range(2):
        bench.fan_out.send(bench.clients, [b"a"])
    assert [connection.session for connection in bench.stirred] == sessions
    assert bench.rings == 1


def test_a_message_goes_behind_replies_that_are_still_to_come(bench: Bench) -> None:
    session = bench.add()
    session.tail = [b"first"]
    bench.fan_out.send(bench.clients, [b"a"])
    assert (session.out, session.tail) == ([], [b"first", b"2:a"])


def test_whoever_runs_is_not_woken(bench: Bench) -> None:
    session = bench.add()
    session.is_running = True
    bench.fan_out.send(bench.clients, [b"a"])
    assert (session.out, bench.stirred) == ([b"2:a"], {})


def test_whoever_goes_gets_nothing_more(bench: Bench) -> None:
    session = bench.add()
    session.client.ending = Ending.AFTER_REPLIES
    assert bench.fan_out.send(bench.clients, [b"a"]) == 1
    assert (session.out, bench.stirred) == ([], {})


@pytest.mark.parametrize(("unsent", "pushed", "asks"), [(0, 997, False), (997, 0, False), (500, 498, True)])
def test_a_session_near_a_limit_decides_itself(bench: Bench, unsent: int, pushed: int, *, asks: bool) -> None:
    session = bench.add()
    session.unsent_bytes, session.pushed_bytes = unsent, pushed
    bench.fan_out.send(bench.clients, [b"a"])
    assert session.out == [b"2:a"]
    assert bool(session.pushes) == (asks or bench.path is plain)


def test_a_session_of_another_transport_is_asked(bench: Bench) -> None:
    session, woken = bench.add(), []
    session.wake = lambda: woken.append(1)
    bench.fan_out.send(bench.clients, [b"a"])
    assert (session.out, session.pushes, woken) == ([b"2:a"], [b"2:a"], [1])


def test_clients_may_leave_while_they_are_sent_to(bench: Bench) -> None:
    sessions = [bench.add() for _ in range(3)]
    sessions[0].wake = bench.clients.clear
    assert bench.fan_out.send(bench.clients, [b"a"]) == 3
    assert [session.out for session in sessions] == [[b"2:a"]] * 3


def test_a_waker_is_called_as_any_function(bench: Bench) -> None:
    looked: list[Any] = []
    connection = bench.path.ConnectionState()
    wake: Callable[[], None] = bench.path.waker(looked.append, connection, {}, bench.ring)
    wake()
    assert looked == [connection]


def test_what_cannot_be_encoded_reaches_nobody(bench: Bench) -> None:
    session = bench.add()
    with pytest.raises(TypeError):
        bench.fan_out.send(bench.clients, [1])
    assert (session.out, bench.stirred) == ([], {})


def test_a_client_of_another_kind_is_refused_or_asked_but_never_misread(bench: Bench) -> None:
    pushed: list[bytes] = []
    stranger = SimpleNamespace(protocol=2, connection=SimpleNamespace(push=pushed.append))
    try:
        bench.fan_out.send({1: stranger}, [b"a"])
    except TypeError:
        assert pushed == []
    else:
        assert pushed == [b"2:a"]
