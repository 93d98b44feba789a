"""What is sent to many in one go: everybody gets their own, whatever happens to the others."""

import select
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from respcache._speedups import IS_COMPILED, ConnectionState, HotPath, waker
from respcache.commands.client import Ending
from respcache.server.pollers import READABLE
from respcache.server.session import Session
from tests.commands.harness import Harness

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")

MOST_TOGETHER = 256
"""As in ``deliveries.pxd``."""

MUCH = bytes(range(256)) * 8000
"""More than a socket takes at once."""


class Connection(ConnectionState):
    session: Session


@dataclass(frozen=True, eq=False)
class End:
    """A connection, as the loop knows it, and the socket of who listens."""

    connection: ConnectionState
    session: Session
    ours: socket.socket
    theirs: socket.socket

    def push(self, *wires: bytes) -> None:
        for wire in wires:
            self.session.push(wire)

    def received(self) -> bytes:
        """Return what has come."""
        parts = []
        self.theirs.setblocking(False)
        try:
            while part := self.theirs.recv(1 << 20):
                parts.append(part)
        except BlockingIOError:
            pass
        return b"".join(parts)


class Bench:
    """A loop that serves both ends of socket pairs, and notes what it asks of the reactor."""

    def __init__(self) -> None:
        self.dispatcher = Harness().dispatcher
        self.stirred: dict[ConnectionState, None] = {}
        self.asked: list[tuple[str, ConnectionState]] = []
        self.ends: list[End] = []
        self.poller = select.epoll()
        handlers = (
            lambda connection: self.asked.append(("finish", connection)),
            lambda connection: self.asked.append(("drop", connection)),
            lambda connection: self.asked.append(("give up", connection)),
            lambda connection, data: self.asked.append(("send", connection)),
        )
        self.path = HotPath(self.poller, self.dispatcher, lambda: None, handlers, 512)

    def look(self, connection: ConnectionState) -> None:
        self.stirred[connection] = None

    def add(self) -> End:
        ours, theirs = socket.socketpair()
        connection = Connection()
        wake = waker(self.look, connection, self.stirred, lambda: None)
        session = Session(self.dispatcher, wake, "127.0.0.1:50000", "127.0.0.1:6379")
        connection.fd, connection.mask, connection.session = ours.fileno(), READABLE, session
        self.path.add(connection)
        self.ends.append(End(connection, session, ours, theirs))
        return self.ends[-1]

    def flush(self) -> list[ConnectionState]:
        return self.path.flush(self.stirred)

    def close(self) -> None:
        self.poller.close()
        for end in self.ends:
            end.ours.close()
            end.theirs.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_more_than_go_together_all_get_their_own(bench: Bench) -> None:
    ends = [bench.add() for _ in range(MOST_TOGETHER + 3)]
    for number, end in enumerate(ends):
        end.push(b"%d" % number)
    assert bench.flush() == []
    assert [end.received() for end in ends] == [b"%d" % number for number in range(len(ends))]
    assert (bench.stirred, bench.asked) == ({}, [])


def test_what_was_sent_is_counted(bench: Bench) -> None:
    ends = [bench.add() for _ in range(3)]
    for end in ends:
        end.push(b"x" * 1000)
    bench.flush()
    assert [end.session.sent_bytes for end in ends] == [1000] * 3
    assert [(end.session.pushed_bytes, end.session.out) for end in ends] == [(0, [])] * 3
    assert bench.dispatcher.statistics.total_net_output_bytes == 3000


def test_a_message_for_many_is_let_go_when_it_was_sent(bench: Bench) -> None:
    wire = b"x" * 100
    ends = [bench.add() for _ in range(3)]
    references = sys.getrefcount(wire)
    for end in ends:
        end.push(wire)
    bench.flush()
    assert sys.getrefcount(wire) == references


def test_several_messages_go_in_order(bench: Bench) -> None:
    one, other = bench.add(), bench.add()
    one.push(b"a", b"b", b"c")
    other.push(b"d")
    assert bench.flush() == []
    assert (one.received(), other.received()) == (b"abc", b"d")


def test_what_a_socket_does_not_take_waits_in_front(bench: Bench) -> None:
    slow, quick = bench.add(), bench.add()
    slow.push(MUCH)
    quick.push(b"a")
    assert bench.flush() == []
    assert bench.asked == [("finish", slow.connection)]
    slow.push(b"later")
    received = slow.received()
    assert 0 < len(received) < len(MUCH)
    assert received + b"".join(slow.session.out) == MUCH + b"later"
    assert slow.session.sent_bytes == len(received)
    assert bench.dispatcher.statistics.total_net_output_bytes == len(received) + 1
    assert quick.received() == b"a"


def test_a_socket_that_takes_nothing_loses_nothing(bench: Bench) -> None:
    end = bench.add()
    end.ours.setblocking(False)
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += end.ours.send(MUCH)
    end.push(b"a")
    bench.flush()
    assert (bench.asked, end.session.out, end.session.sent_bytes) == ([("finish", end.connection)], [b"a"], 0)
    assert len(end.received()) == filled


def test_one_that_has_gone_does_not_harm_the_others(bench: Bench) -> None:
    ends = [bench.add() for _ in range(5)]
    ends[2].theirs.close()
    for end in ends:
        end.push(b"a")
    assert bench.flush() == []
    assert bench.asked == [("drop", ends[2].connection)]
    assert [end.received() for end in ends if end is not ends[2]] == [b"a"] * 4


def test_output_that_is_no_bytes_costs_one_connection(bench: Bench) -> None:
    ends = [bench.add() for _ in range(3)]
    for end in ends:
        end.push(b"a")
    ends[1].session.out[0] = "a"  # type: ignore[call-overload]  # that is the mistake
    assert bench.flush() == []
    assert bench.asked == [("give up", ends[1].connection)]
    assert [ends[0].received(), ends[2].received()] == [b"a", b"a"]


def test_whoever_was_killed_meanwhile_is_the_reactors(bench: Bench) -> None:
    killed, other = bench.add(), bench.add()
    for end in (killed, other):
        end.push(b"a")
    killed.session.end(Ending.AT_ONCE)
    assert bench.flush() == [killed.connection]
    assert (killed.received(), other.received()) == (b"", b"a")


def test_whoever_is_served_no_more_is_sent_nothing(bench: Bench) -> None:
    """Its descriptor may be another's."""
    gone = bench.add()
    gone.push(b"a")
    bench.path.remove(gone.connection)
    assert bench.flush() == [gone.connection]
    assert (gone.received(), gone.session.out) == (b"", [b"a"])


def test_nobody_is_awaited_alone_where_several_are_answered(bench: Bench) -> None:
    ends = [bench.add() for _ in range(2)]
    for end in ends:
        end.push(b"a")
        end.session.is_awaited = True
    assert bench.flush() == []
    assert [end.received() for end in ends] == [b"a"] * 2
    assert not any(end.session.is_awaited for end in ends)


@pytest.mark.parametrize("state", ["unsent_bytes", "is_held", "is_awaited", "has_unread"])
def test_a_session_in_any_unusual_state_is_the_reactors(bench: Bench, state: str) -> None:
    end = bench.add()
    end.push(b"a")
    setattr(end.session, state, 1)
    assert bench.flush() == [end.connection]
    assert (end.received(), end.session.out) == (b"", [b"a"])
