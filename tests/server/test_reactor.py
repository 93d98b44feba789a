"""The reactor over real sockets: many clients, fairness, slow readers, ends."""

import contextlib
import socket
from collections.abc import AsyncIterator
from time import perf_counter

import pytest
import trio

from respcache.server.admission import Admission
from respcache.server.conversation import FEWEST_QUICK_ONES
from respcache.server.pollers import new_poller
from respcache.server.reactor import Reactor
from tests.commands.harness import Harness
from tests.server.served import Served, receive_exactly, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving(Harness(maxclients="50")) as served:
        yield served


async def test_a_client_gets_its_answers(served: Served) -> None:
    async with await served.connect() as stream:
        await stream.send_all(b"SET a 1\r\nGET a\r\n")
        assert await receive_exactly(stream, 12) == b"+OK\r\n$1\r\n1\r\n"


async def test_clients_see_each_others_writes(served: Served) -> None:
    async with await served.connect() as one, await served.connect() as two:
        await one.send_all(b"SET a 1\r\n")
        await receive_exactly(one, 5)
        await two.send_all(b"GET a\r\n")
        assert await receive_exactly(two, 7) == b"$1\r\n1\r\n"


async def test_a_deep_pipeline_does_not_keep_others_waiting(served: Served) -> None:
    async with (
        await served.connect() as deep,
        await served.connect() as other,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(deep.send_all, b"PING\r\n" * 100_000)
        await other.send_all(b"PING\r\n")
        assert await receive_exactly(other, 7) == b"+PONG\r\n"
        await receive_exactly(deep, 700_000)


async def test_a_value_larger_than_every_buffer_arrives_whole(served: Served) -> None:
    value = bytes(range(256)) * 40_000
    async with await served.connect() as stream:
        await stream.send_all(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%b\r\n" % (len(value), value))
        assert await receive_exactly(stream, 5) == b"+OK\r\n"
        await stream.send_all(b"GET a\r\n")
        head = b"$%d\r\n" % len(value)
        assert await receive_exactly(stream, len(head) + len(value) + 2) == head + value + b"\r\n"


async def test_a_client_that_does_not_read_is_not_read_either(served: Served) -> None:
    async with await served.connect() as stream:
        await stream.send_all(b"SET a " + b"x" * 60_000 + b"\r\n")
        await receive_exactly(stream, 5)
        with trio.move_on_after(1.0) as scope:
            while True:
                await stream.send_all(b"GET a\r\n" * 1000)
        assert scope.cancelled_caught, "the server reads on although nobody takes its answers"
        [client] = [one for one in served.harness.node.clients if one.connection.received_bytes]
        assert client.connection.output_bytes < 64 * 70_000


async def test_a_slow_subscriber_is_cut_off_and_others_are_undisturbed(served: Served) -> None:
    served.harness.settings.set_many([("client-output-buffer-limit", "pubsub 1mb 0 0")])
    async with (
        await served.connect() as slow,
        await served.connect() as quick,
        await served.connect() as loud,
    ):
        for stream in (slow, quick):
            await stream.send_all(b"SUBSCRIBE news\r\n")
            await receive_exactly(stream, 33)
        message = b"*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$50000\r\n%b\r\n" % (b"x" * 50_000)
        for _ in range(400):
            await loud.send_all(message)
            await receive_exactly(loud, 4)
            await receive_exactly(quick, 50_000)
        assert len(served.harness.node.clients) == 2


async def test_a_client_that_leaves_is_forgotten(served: Served) -> None:
    stream = await served.connect()
    await stream.send_all(b"PING\r\n")
    await receive_exactly(stream, 7)
    await stream.aclose()
    with trio.fail_after(5):
        while len(served.reactor):  # noqa: ASYNC110  # the reactor tells nobody
            await trio.sleep(0.01)  # the reactor tells nobody
    assert not len(served.harness.node.clients)


async def test_quit_answers_before_it_closes(served: Served) -> None:
    async with await served.connect() as stream:
        await stream.send_all(b"SET a 1\r\nQUIT\r\nSET a 2\r\n")
        assert await receive_exactly(stream, 10) == b"+OK\r\n+OK\r\n"
        assert await stream.receive_some() == b""


async def test_one_client_too_many_is_told_so(served: Served) -> None:
    streams = [await served.connect() for _ in range(50)]
    for stream in streams:
        await stream.send_all(b"PING\r\n")
        await receive_exactly(stream, 7)
    extra = await served.connect()
    assert await receive_exactly(extra, 35) == b"-ERR max number of clients reached\r\n"
    for stream in (*streams, extra):
        await stream.aclose()


async def test_post_and_host_end_the_connection_without_an_answer(served: Served) -> None:
    for request in (b"POST / HTTP/1.1\r\n", b"Host: localhost\r\n"):
        async with await served.connect() as stream:
            await stream.send_all(request + b"SET a 1\r\n")
            with contextlib.suppress(trio.BrokenResourceError):  # a reset says the same
                assert await stream.receive_some() == b""
    assert not len(served.harness.node.keyspace.databases[0])


async def test_idle_clients_go_after_the_timeout(served: Served) -> None:
    async with await served.connect() as stream:
        await stream.send_all(b"PING\r\n")
        await receive_exactly(stream, 7)
        served.harness.clock.advance(10_000)
        served.reactor.check_limits(served.harness.clock.now_ms, 5_000)
        assert await stream.receive_some() == b""


async def test_a_bug_in_serving_costs_only_that_client(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with await served.connect() as other, await served.connect() as victim:
        await victim.send_all(b"PING\r\n")
        await receive_exactly(victim, 7)
        [session] = [one.connection for one in served.harness.node.clients if one.last_command == "ping"]
        monkeypatch.setattr(session, "parser", None)
        await victim.send_all(b"PING\r\n")
        with contextlib.suppress(trio.BrokenResourceError):  # a reset says the same: its PING was not read
            assert await victim.receive_some() == b""
        assert "internal error" in caplog.text
        await other.send_all(b"PING\r\n")
        assert await receive_exactly(other, 7) == b"+PONG\r\n"


async def test_a_bug_in_letting_clients_in_costs_only_those_clients(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("respcache.server.admission.Session", None)
        async with await served.connect() as stream:
            assert await stream.receive_some() == b""
    assert "internal error" in caplog.text
    async with await served.connect() as stream:
        await stream.send_all(b"PING\r\n")
        assert await receive_exactly(stream, 7) == b"+PONG\r\n"


async def test_unix_sockets_are_served_alike(served: Served, tmp_path: object) -> None:
    from respcache.server.listeners import open_unix_listener

    path = f"{tmp_path}/socket"
    listener = open_unix_listener(path, 0o700, 16)
    served.reactor.add_listener(
        listener, Admission(served.harness.settings, served.harness.dispatcher).open_session
    )
    async with await trio.open_unix_socket(path) as stream:
        await stream.send_all(b"PING\r\n")
        assert await receive_exactly(stream, 7) == b"+PONG\r\n"
    assert listener.family == socket.AF_UNIX


async def test_whoever_asks_is_told_after_each_turn_that_something_has_come() -> None:
    poller, harness = new_poller(), Harness()
    assert poller is not None
    reactor = Reactor(poller, harness.dispatcher, lambda: None, clock=harness.clock)
    near, far = socket.socketpair()
    reactor.attach(near, Admission(harness.settings, harness.dispatcher).open_session)
    counts: list[int] = []
    reactor.on_turn = lambda: counts.append(harness.node.statistics.total_commands_processed)
    for _ in range(2):
        far.send(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n")
        began_s = perf_counter()
        reactor.turn(5.0)
        assert perf_counter() - began_s < 4.0  # and not when all of the time is up
    assert counts == [1, 2]
    with far, trio.CancelScope() as scope:
        scope.cancel()
        await reactor.run()


class WatchedPoller:
    """The platform's, which notes whether it was asked to sleep."""

    def __init__(self) -> None:
        poller = new_poller()
        assert poller is not None
        self._poller = poller
        self.register, self.modify, self.unregister = poller.register, poller.modify, poller.unregister
        self.fileno, self.close = poller.fileno, poller.close
        self.looks: list[bool] = []

    def poll(self, timeout: float, maxevents: int) -> list[tuple[int, int]]:
        self.looks.append(timeout > 0)
        return self._poller.poll(timeout, maxevents)


async def test_who_asks_at_once_after_an_answer_from_elsewhere_is_waited_for_awake() -> None:
    poller, harness = WatchedPoller(), Harness()
    reactor = Reactor(poller, harness.dispatcher, lambda: None)
    near, far = socket.socketpair()
    reactor.attach(near, Admission(harness.settings, harness.dispatcher).open_session)
    [client] = harness.node.clients

    def answer_and_wait(next_command: bytes = b"") -> list[bool]:
        client.connection.settle()
        client.connection.push(b"+OK\r\n")
        reactor.turn()
        far.send(next_command)
        poller.looks.clear()
        reactor.turn(0.001)
        return poller.looks

    for _ in range(FEWEST_QUICK_ONES):
        assert answer_and_wait(b"PING\r\n") == [True]
    assert answer_and_wait()[0] is False
    with far, trio.CancelScope() as scope:
        scope.cancel()
        await reactor.run()
