"""Frames between nodes on real sockets: taken and answered in the compiled loop, and left to Python in their order."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from respcache._speedups import IS_COMPILED, ConnectionState, FrameTaker, HotPath, confirmations_taker
from respcache.cluster.bus.connection import BusConnection
from respcache.cluster.replication.stream import Stream
from respcache.cluster.security.greeting import Role
from respcache.cluster.security.keyring import Keyring
from respcache.cluster.security.links import Link
from respcache.commands.client import Ending
from respcache.keyspace.clock import BatchClock
from respcache.server.pollers import READABLE
from tests.cluster.bus.test_connection import exchange
from tests.cluster.replication.followers import Waiting, record
from tests.commands.harness import Harness

from .test_copied import string
from .test_frame_taking import UNUSUAL, Taking, acknowledged, effects, wire

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")


class Connection(ConnectionState):
    """What the reactor would have of a socket."""

    session: "Node"


class Node(BusConnection):
    """One end, with what is left to Python."""

    def __init__(self, role: Role, id: bytes) -> None:
        self.left: list[bytes] = []
        self.on_woken: Callable[[], None] = lambda: None
        link = Link(role, "test", Keyring(()), id, bytes(32))
        super().__init__(link, BatchClock(0), lambda: self.on_woken(), "")  # noqa: PLW0108  # which is set later

    def established(self) -> None:
        """Begin."""

    def take(self, frame: bytes) -> None:
        self.left.append(frame)


class Bench:
    """The compiled loop with one connection to another node."""

    def __init__(self, taker: FrameTaker) -> None:
        self.dispatcher = Harness().dispatcher
        self.asked: list[str] = []
        self.sent = b""
        self.poller = select.epoll()
        self.stirred: dict[Any, None] = {}
        self.path = HotPath(
            self.poller,
            self.dispatcher,
            lambda: None,
            (
                lambda connection: self.asked.append("finish"),
                lambda connection: self.asked.append("drop"),
                lambda connection: self.asked.append("give up"),
                self.keep,
            ),
            512,
        )
        self.node, other = Node("accept", b"a" * 16), Node("dial", b"b" * 16)
        for end in (self.node, other):
            end.start()
        exchange(self.node, other)
        self.node.taker, self.node.is_quick = taker, True
        self.node.received_bytes = 0
        self.connection = Connection()
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.theirs.settimeout(5)
        self.connection.fd, self.connection.mask = self.ours.fileno(), READABLE
        self.connection.session = self.node
        self.node.on_woken = lambda: self.stirred.update({self.connection: None})
        self.path.add(self.connection)
        self.poller.register(self.ours.fileno(), READABLE)

    def keep(self, connection: ConnectionState, data: bytes) -> None:
        self.asked.append("send")
        self.sent += data

    def turn(self, data: bytes) -> list[tuple[int, int]]:
        self.theirs.sendall(data)
        return self.path.poll(0.0)

    def received(self) -> bytes:
        self.theirs.setblocking(False)
        try:
            return self.theirs.recv(1 << 20)
        except BlockingIOError:
            return b""

    def tell(self) -> list[ConnectionState]:
        return self.path.flush(self.stirred)

    def close(self) -> None:
        self.poller.close()
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def taking() -> Taking:
    return Taking()


@pytest.fixture
def bench(taking: Taking) -> Iterator[Bench]:
    bench = Bench(taking.taker)
    yield bench
    bench.close()


ANSWERS = [wire(acknowledged(at)) for at in (4, 5)]


def test_effects_are_answered_at_once(bench: Bench, taking: Taking) -> None:
    data = wire(effects(4, string(2, b"w")))
    assert bench.turn(data) == []
    assert bench.received() == ANSWERS[0]
    assert taking.value() == b"w"
    assert (bench.node.left, bench.asked) == ([], [])
    assert (bench.node.received_bytes, bench.node.sent_bytes) == (len(data), len(ANSWERS[0]))
    statistics = bench.dispatcher.statistics
    assert statistics.total_net_input_bytes == len(data)
    assert statistics.total_net_output_bytes == len(ANSWERS[0])


def test_what_is_left_goes_to_python_behind_the_answers_before_it(bench: Bench) -> None:
    bench.turn(wire(effects(4, string(2)), b"Rest", effects(5, string(3))))
    assert bench.received() == ANSWERS[0]
    assert bench.asked == ["finish"]
    assert [one[:1] for one in bench.node.left] == [b"R", b"E"]


def test_python_does_the_rest_of_a_frame(bench: Bench, taking: Taking) -> None:
    bench.turn(wire(effects(4, string(2, b"w"), UNUSUAL)))
    assert taking.value() == b"w"
    assert bench.received() == b""
    [left] = bench.node.left
    assert left == effects(4, UNUSUAL)


def test_a_frame_that_comes_in_two_parts_is_put_together_by_python(bench: Bench, taking: Taking) -> None:
    data = wire(effects(4, string(2, b"w")))
    bench.turn(data[:9])
    assert not bench.node.is_quick
    assert bench.turn(data[9:]) == [(bench.connection.fd, READABLE)]
    bench.node.receive(bench.ours.recv(100))
    assert bench.node.left == [data[4:]]
    assert bench.node.is_quick
    bench.turn(wire(effects(4, string(3, b"x"))))
    assert taking.value() == b"x"


def test_answers_stand_behind_what_is_to_be_sent_already(bench: Bench) -> None:
    bench.node.send(b"before")
    bench.turn(wire(effects(4, string(2))))
    assert bench.received() == b""
    assert b"".join(bench.node.take_output()) == wire(b"before") + ANSWERS[0]


def test_what_the_socket_does_not_take_is_kept_by_the_reactor(bench: Bench) -> None:
    for size in (1 << 16, 1):
        with suppress(BlockingIOError):
            while True:
                bench.ours.send(b"x" * size)
    bench.turn(wire(effects(4, string(2))))
    assert bench.asked == ["send", "finish"]
    assert bench.sent == ANSWERS[0]


def test_the_end_of_a_connection_is_the_reactors(bench: Bench) -> None:
    bench.theirs.shutdown(socket.SHUT_WR)
    bench.path.poll(0.0)
    assert bench.asked == ["drop"]


@pytest.mark.parametrize("state", ["sealed", "ending", "paused"])
def test_whoever_is_unusual_is_served_by_python(bench: Bench, state: str) -> None:
    if state == "sealed":
        bench.node.is_quick = False
    elif state == "ending":
        bench.node.client.ending = Ending.AFTER_REPLIES
    else:
        bench.connection.mask = 0
    assert bench.turn(wire(effects(4, string(2)))) == [(bench.connection.fd, READABLE)]


def test_a_mistake_costs_the_connection_only(bench: Bench) -> None:
    bench.node.taker = confirmations_taker(b"peer", dict[bytes, Stream]().__getitem__, lambda: None)
    bench.turn(wire(acknowledged(1)))
    assert bench.asked == ["give up"]


@pytest.fixture
def stream(bench: Bench) -> Stream:
    stream = Stream(5)
    bench.node.told = stream
    stream.connect(bench.node.stir_told)
    return stream


def test_a_stream_is_told_in_one_frame(bench: Bench, stream: Stream) -> None:
    waiting = Waiting()
    stream.add(record(1))
    stream.add(record(2))
    stream.wait(waiting)
    assert bench.tell() == []
    assert bench.received() == wire(effects(1, record(1), record(2)))
    assert waiting.is_closed
    assert (bench.node.out, bench.node.is_telling) == ([], False)
    assert not stream.has_frames
    stream.acknowledged(5, 1)
    assert waiting.confirmations == 1


def test_a_stream_goes_with_everything_else_where_there_is_more(bench: Bench, stream: Stream) -> None:
    stream.add(record(1))
    bench.node.send(b"more")
    assert bench.tell() == [bench.connection]
    assert bench.received() == b""
    assert stream.has_frames


def test_what_was_to_be_sent_before_a_stream_is_not_left_behind(bench: Bench, stream: Stream) -> None:
    bench.node.send(b"more")
    stream.add(record(1))
    assert bench.tell() == [bench.connection]


def test_nothing_is_sent_before_what_the_socket_has_not_taken(bench: Bench, stream: Stream) -> None:
    stream.add(record(1))
    bench.node.unsent_bytes = 1
    assert bench.tell() == [bench.connection]
    assert bench.received() == b""


def test_frames_that_are_sent_again_are_pythons(bench: Bench, stream: Stream) -> None:
    stream.add(record(1))
    bench.tell()
    stream.disconnect()
    stream.connect(bench.node.stir_told)
    stream.add(record(2))
    assert bench.tell() == [bench.connection]
    assert len(stream.take_frames()) == 2
