"""Replies of the compiled loop that wait for copies: over real sockets, in their order, once, and to nobody too early."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest
import trio

from respcache._speedups import IS_COMPILED
from respcache.cluster.replication.held import REPLACED_WIRE
from respcache.cluster.replication.holds import Holds
from respcache.cluster.replication.stream import Stream
from respcache.commands.client import Client
from respcache.commands.context import Context
from respcache.commands.pending import Pending, Slot
from respcache.commands.spec import Command
from respcache.keyspace.slots import PARTITIONS, key_partition
from respcache.protocol.replies import Reply
from tests.cluster.replication.nodes import Node
from tests.cluster.replication.test_holds import Marks
from tests.server.served import Served, receive_exactly, serving

from .talk import expect

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")

A, B, C = (key_partition(key) for key in (b"a", b"b", b"c"))


class Here:
    """A router of a node that serves everything; what is not compiled has no marks to look at."""

    def __init__(self, marks: Marks, written: list[int]) -> None:
        self.marks = marks.mine, written

    def bound(
        self, command: Command, run: Callable[[Context, Sequence[bytes]], Reply | Slot]
    ) -> Callable[[Context, Sequence[bytes]], Reply | Slot]:
        return run

    def route(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        """Let everything run here."""

    def serves(self, key: bytes) -> bool:
        return True

    def gone(self, command: Command, argv: Sequence[bytes]) -> Collection[int]:
        return ()

    def follow(
        self,
        client: Client,
        command: Command,
        argv: Sequence[bytes],
        pending: Pending,
        note: Callable[[], None],
    ) -> Pending:
        return pending

    def check_queued(self, context: Context, command: Command, argv: Sequence[bytes]) -> None:
        """Let everything be queued."""

    def unwatch(self, client: Client) -> None:
        """Watch nothing."""


class Server:
    """A server in the compiled loop, with copies at two others."""

    def __init__(self) -> None:
        self.node = Node(serves=range(PARTITIONS))
        self.streams = [Stream(1), Stream(1)]
        for stream in self.streams:
            stream.connect(lambda: None)
        self.marks = Marks()
        recorder = self.node.recorder
        self.holds = Holds(recorder.written, self.marks, cast(list[tuple[Stream, ...]], recorder.routes))
        self.require({p: [0] for p in range(PARTITIONS)})
        harness = self.node.harness
        harness.node.holds = self.holds
        harness.node.router = Here(self.marks, recorder.written)
        harness.dispatcher.rebind()

    def require(self, required: dict[int, list[int]]) -> None:
        for partition, followers in required.items():
            streams = tuple([self.streams[at] for at in followers])
            self.node.recorder.routes[partition] = self.holds.required[partition] = streams

    def acknowledge(self, at: int = 0) -> int:
        """Let a follower have everything; return how many records that were."""
        stream = self.streams[at]
        before = stream.sent
        stream.take_frames()
        stream.acknowledged(*stream.position)
        return stream.sent - before

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Served]:
        async with serving(self.node.harness) as served:
            yield served

    async def until(self, is_so: Callable[[], bool]) -> None:
        with trio.fail_after(10):
            while not is_so():  # noqa: ASYNC110  # nothing tells of what is asked here
                await trio.sleep(0.001)

    async def until_held(self, count: int = 1) -> None:
        await self.until(lambda: self.holds.waiting == count)


@pytest.fixture
def server() -> Server:
    return Server()


def sent_bytes(server: Server) -> int:
    return server.node.harness.node.statistics.total_net_output_bytes


def is_unmarked(server: Server) -> bool:
    return not any(server.marks.unconfirmed) and set(server.marks.mine) == {1}


async def test_a_pipeline_waits_in_one_run_and_leaves_in_order(server: Server, left: list[bytes]) -> None:
    async with server.serving() as served, await served.connect() as stream:
        await stream.send_all(b"SET a 1\r\nPING\r\nGET c\r\nSET b 22\r\nGET b\r\nINCR a\r\n")
        await server.until_held()
        assert sent_bytes(server) == 0
        assert server.marks.unconfirmed[A]
        assert server.marks.unconfirmed[B]
        assert not server.marks.unconfirmed[C]
        assert server.acknowledge() == 3
        answer = b"+OK\r\n+PONG\r\n$-1\r\n+OK\r\n$2\r\n22\r\n:2\r\n"
        assert await receive_exactly(stream, len(answer)) == answer
        assert is_unmarked(server)
        await expect(stream, b"GET a\r\n", b"$1\r\n2\r\n")
    assert not left


async def test_what_stands_before_the_first_write_leaves_at_once(server: Server, left: list[bytes]) -> None:
    async with server.serving() as served, await served.connect() as stream:
        await stream.send_all(b"PING\r\nGET c\r\nSET a 1\r\nGET c\r\n")
        assert await receive_exactly(stream, 12) == b"+PONG\r\n$-1\r\n"
        await server.until_held()
        server.acknowledge()
        assert await receive_exactly(stream, 10) == b"+OK\r\n$-1\r\n"
    assert not left


async def test_a_read_waits_for_what_another_has_written(server: Server, left: list[bytes]) -> None:
    async with server.serving() as served:
        writer, reader = await served.connect(), await served.connect()
        await writer.send_all(b"SET a 1\r\n")
        await server.until_held()
        await expect(reader, b"GET c\r\n", b"$-1\r\n")
        await reader.send_all(b"GET a\r\n")
        await server.until_held(2)
        server.acknowledge()
        assert await receive_exactly(reader, 7) == b"$1\r\n1\r\n"
        assert await receive_exactly(writer, 5) == b"+OK\r\n"
        await writer.aclose()
        await reader.aclose()
    assert not left


async def test_replies_that_wait_for_others_are_runs_of_their_own(server: Server, left: list[bytes]) -> None:
    server.require({B: [1], C: []})
    async with server.serving() as served, await served.connect() as stream:
        await stream.send_all(b"SET a 1\r\nSET c 3\r\nSET b 2\r\nGET b\r\nINCR a\r\n")
        await server.until_held(3)
        assert server.acknowledge(1) == 1
        assert sent_bytes(server) == 0
        assert server.acknowledge(0) == 2
        answer = b"+OK\r\n+OK\r\n+OK\r\n$1\r\n2\r\n:2\r\n"
        assert await receive_exactly(stream, len(answer)) == answer
    assert not left
    assert is_unmarked(server)


async def test_a_partition_that_is_lost_costs_its_own_replies_only(server: Server) -> None:
    async with server.serving() as served, await served.connect() as stream:
        await stream.send_all(b"SET a 1\r\nSET b 2\r\nGET a\r\nPING\r\n")
        await server.until_held()
        server.holds.fail(A)
        server.holds.fail(A)
        server.acknowledge()
        answer = REPLACED_WIRE + b"+OK\r\n" + REPLACED_WIRE + b"+PONG\r\n"
        assert await receive_exactly(stream, len(answer)) == answer


async def test_python_goes_on_behind_a_run(server: Server, left: list[bytes]) -> None:
    async with server.serving() as served, await served.connect() as stream:
        await stream.send_all(b"SET a 1\r\nECHO x\r\nNOSUCH\r\nPING\r\n")
        await server.until_held()
        server.acknowledge()
        answer = b"+OK\r\n$1\r\nx\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n+PONG\r\n"
        assert await receive_exactly(stream, len(answer)) == answer
        await expect(stream, b"PING\r\n", b"+PONG\r\n")
    assert left == [b"NOSUCH", b"PING"]


async def test_long_values_keep_their_place_in_a_run(server: Server) -> None:
    value = b"v" * 100_000
    async with server.serving() as served, await served.connect() as stream:
        await stream.send_all(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%b\r\n" % (len(value), value))
        await server.until_held()
        server.acknowledge()
        assert await receive_exactly(stream, 5) == b"+OK\r\n"
        server.require({B: [1]})
        await stream.send_all(b"GET a\r\nSET a 1\r\nSET b 2\r\nGET a\r\n")
        head = b"$%d\r\n%b\r\n" % (len(value), value)
        assert await receive_exactly(stream, len(head)) == head
        await server.until_held(3)
        server.acknowledge(1)
        server.acknowledge(0)
        assert await receive_exactly(stream, 17) == b"+OK\r\n+OK\r\n$1\r\n1\r\n"


async def test_nothing_waits_where_copies_are_not_waited_for(server: Server, left: list[bytes]) -> None:
    server.holds.is_sync = False
    async with server.serving() as served, await served.connect() as stream:
        await expect(stream, b"SET a 1\r\nGET a\r\n", b"+OK\r\n$1\r\n1\r\n")
        assert server.streams[0].records
    assert not left


async def test_a_client_that_has_gone_is_answered_nothing(server: Server) -> None:
    async with server.serving() as served:
        stream = await served.connect()
        await stream.send_all(b"SET a 1\r\n")
        await server.until_held()
        await stream.aclose()
        await server.until(lambda: not len(served.reactor))
        server.acknowledge()
        assert not server.holds.waiting
        assert sent_bytes(server) == 0


async def test_a_run_of_a_turn_does_not_wait_for_the_frames_of_the_next(server: Server) -> None:
    async with server.serving() as served, await served.connect() as first, await served.connect() as second:
        await first.send_all(b"SET a 1\r\n")
        await server.until_held()
        server.streams[0].take_frames()
        confirmed = server.streams[0].position
        await second.send_all(b"SET a 2\r\nSET b 2\r\n")
        await server.until_held(2)
        server.streams[0].acknowledged(*confirmed)
        assert await receive_exactly(first, 5) == b"+OK\r\n"
        assert server.holds.waiting == 1
        assert server.marks.unconfirmed[A]
        server.acknowledge()
        assert await receive_exactly(second, 10) == b"+OK\r\n+OK\r\n"
        assert is_unmarked(server)
