"""Handshakes as tasks, and what becomes of those that fail, with a reactor behind."""

import contextlib
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from respcache.server import greetings, tls_listening
from respcache.server.admission import Admission
from respcache.server.conversation import Conversation, Opener
from respcache.server.greetings import HANDSHAKE_S, MOST_HANDSHAKES, PATIENCE_S
from respcache.server.listeners import open_tcp_listeners
from respcache.server.tls_context import make_context
from respcache.server.tls_listening import TlsListening
from respcache.server.tls_socket import TlsSocket
from tests.certificates import Files
from tests.commands.harness import Harness
from tests.server.served import Caller, Served, serving

LONG_S = 10.0
"""For what takes no time on a machine that is not busy."""


class Desk:
    """Notes who has been let in; nobody serves them."""

    def __init__(self) -> None:
        self.guests: list[socket.socket] = []

    def attach(self, sock: socket.socket, open_session: Opener) -> None:
        open_session(sock, lambda: None)
        self.guests.append(sock)

    def close(self) -> None:
        for sock in self.guests:
            sock.close()


def let_in(sock: socket.socket, wake: object) -> Conversation | None:
    return None


@asynccontextmanager
async def listening(certificates: Files, open_session: Opener = let_in) -> AsyncIterator[tuple[Desk, int]]:
    """Let clients in at a desk, until the block ends."""
    desk = Desk()
    context = make_context(certificates.settings())
    one = TlsListening(lambda: context, desk)
    [listener] = open_tcp_listeners(["127.0.0.1"], 0, 128)
    port = listener.getsockname()[1]
    one.add_listener(listener, open_session)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run)
        yield desk, port
        one.close_listeners()
    desk.close()


@asynccontextmanager
async def serving_tls(harness: Harness, certificates: Files) -> AsyncIterator[tuple[Served, int]]:
    """Serve a harness over TLS as well, with a reactor."""
    context = make_context(certificates.settings())
    async with serving(harness) as served, trio.open_nursery() as nursery:
        one = TlsListening(lambda: context, served.reactor)
        [listener] = open_tcp_listeners(["127.0.0.1"], 0, 128)
        one.add_listener(listener, Admission(harness.settings, harness.dispatcher).open_session)
        nursery.start_soon(one.run)
        yield served, listener.getsockname()[1]
        one.close_listeners()


async def connect(
    port: int, certificates: Files, *, shows: str | None = "client"
) -> "trio.SSLStream[trio.SocketStream]":
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    tls = trio.SSLStream(
        stream, certificates.client_context(shows=shows), server_hostname="localhost", https_compatible=True
    )
    await tls.do_handshake()
    return tls


async def until_closed(stream: trio.abc.Stream) -> bytes:
    got = b""
    try:
        while data := await stream.receive_some():
            got += data
    except trio.BrokenResourceError:
        pass
    return got


async def test_whoever_is_through_is_handed_over(certificates: Files) -> None:
    async with listening(certificates) as (desk, port):
        stream = await connect(port, certificates)
        await wait_all_tasks_blocked()
        [guest] = desk.guests
        assert isinstance(guest, TlsSocket)
        await trio.aclose_forcefully(stream)


@pytest.mark.parametrize("shows", [None, "stranger"])
async def test_without_the_right_certificate_nobody_comes_in(
    shows: str | None, certificates: Files, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, tls_listening.__name__)
    async with listening(certificates) as (desk, port):
        stream = await connect(port, certificates, shows=shows)  # with TLS 1.3 a client hears of it later
        assert await until_closed(stream) == b""
        await trio.aclose_forcefully(stream)
        assert not desk.guests
    assert [record.levelname for record in caplog.records] == ["DEBUG"]


@pytest.mark.parametrize(
    "wire", [b"PING\r\n", b"*1\r\n$4\r\nPING\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03"]
)
async def test_whoever_does_not_speak_tls_is_let_go_with_a_line_for_debugging(
    wire: bytes, certificates: Files, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, tls_listening.__name__)
    async with listening(certificates) as (desk, port):
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(wire)
        with contextlib.suppress(trio.BrokenResourceError):  # let go already
            await stream.send_eof()
        assert b"PONG" not in await until_closed(stream)
        assert not desk.guests
        await stream.aclose()
    [record] = caplog.records
    assert record.levelname == "DEBUG"
    assert re.fullmatch(r"the TLS handshake of 127.0.0.1:\d+ failed: .+", record.message)


async def test_whoever_says_nothing_is_cut_off(certificates: Files, autojump_clock: MockClock) -> None:
    async with listening(certificates) as (desk, port):
        silent = await trio.open_tcp_stream("127.0.0.1", port)
        started = trio.current_time()
        assert await silent.receive_some() == b""
        assert HANDSHAKE_S <= trio.current_time() - started < HANDSHAKE_S + 1
        assert not desk.guests
        await silent.aclose()


async def test_silent_connections_keep_nobody_out(certificates: Files, autojump_clock: MockClock) -> None:
    async with listening(certificates) as (desk, port):
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(MOST_HANDSHAKES + 44)]
        await trio.sleep(PATIENCE_S)
        began_s = trio.current_time()
        clients = [await connect(port, certificates) for _ in range(3)]
        assert trio.current_time() - began_s < PATIENCE_S
        await wait_all_tasks_blocked(0.02)
        assert len(desk.guests) == 3
        for one in (*silent, *clients):
            await trio.aclose_forcefully(one)


async def test_who_sends_a_byte_now_and_then_is_no_better(
    certificates: Files, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(greetings, "MOST_HANDSHAKES", 2)
    async with listening(certificates) as (_, port):
        slow = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(2)]
        for byte in (b"\x16", b"\x03", b"\x01"):
            await trio.sleep(0.6 * PATIENCE_S)
            for stream in slow:
                await stream.send_all(byte)
        began_s = trio.current_time()
        client = await connect(port, certificates)
        assert trio.current_time() - began_s < PATIENCE_S / 2
        for one in (*slow, client):
            await trio.aclose_forcefully(one)


async def test_many_who_come_at_once_all_get_in(certificates: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(greetings, "MOST_HANDSHAKES", 4)
    monkeypatch.setattr(greetings, "PATIENCE_S", 60.0)  # on a busy machine the other end may be slow as well
    async with listening(certificates) as (desk, port):
        streams: list[trio.abc.Stream] = []

        async def come() -> None:
            streams.append(await connect(port, certificates))

        async with trio.open_nursery() as nursery:
            for _ in range(24):
                nursery.start_soon(come)
        with trio.fail_after(LONG_S):
            while len(desk.guests) < 24:  # noqa: ASYNC110  # nothing else tells of it
                await trio.sleep(0.01)
        for stream in streams:
            await trio.aclose_forcefully(stream)


async def test_a_mistake_of_ours_costs_one_client(
    certificates: Files, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(sock: socket.socket, wake: object) -> NoReturn:
        raise RuntimeError("a mistake")

    async with listening(certificates, fail) as (_, port):
        for _ in range(2):
            stream = await connect(port, certificates)
            assert await until_closed(stream) == b""
            await trio.aclose_forcefully(stream)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "internal error while letting a TLS client in; closed"
    ] * 2


async def test_when_it_is_over_nobody_is_listened_to(certificates: Files) -> None:
    async with listening(certificates) as (_, port):
        pass
    with pytest.raises(OSError, match="connect"):
        await trio.open_tcp_stream("127.0.0.1", port)


async def test_a_client_of_tls_is_served_by_the_reactor_beside_plain_ones(certificates: Files) -> None:
    harness = Harness()
    async with serving_tls(harness, certificates) as (served, port):
        async with await served.caller() as plain, Caller(await connect(port, certificates)) as secret:
            assert await plain.call("SET a 1") == b"+OK\r\n"
            assert await secret.call("GET a") == b"$1\r\n1\r\n"
            assert len(harness.node.clients) == 2
        with trio.fail_after(LONG_S):
            while len(harness.node.clients):  # noqa: ASYNC110  # nothing else tells of it
                await trio.sleep(0.01)


async def test_messages_to_many_reach_those_of_both_kinds(certificates: Files) -> None:
    async with (
        serving_tls(Harness(), certificates) as (served, port),
        await served.caller() as plain,
        Caller(await connect(port, certificates)) as secret,
        await served.caller() as other,
    ):
        for caller in (plain, secret):
            await caller.call("SUBSCRIBE news")
        assert await other.call("PUBLISH news hello") == b":2\r\n"
        assert await plain.read() == await secret.read()


async def test_a_reader_who_is_slow_is_let_go(certificates: Files) -> None:
    harness = Harness(client_output_buffer_limit="pubsub 100kb 0 0")
    async with serving_tls(harness, certificates) as (served, port):
        stream = await connect(port, certificates)
        async with Caller(stream) as slow, await served.caller() as other:
            await slow.call("SUBSCRIBE news")
            replies = [await other.call(f"PUBLISH news {'x' * 100_000}") for _ in range(200)]
            assert replies[0] == b":1\r\n"
            assert replies[-1] == b":0\r\n"
            assert harness.node.clients  # the other one


async def test_a_client_that_sends_much_and_reads_nothing_is_not_read_from(certificates: Files) -> None:
    harness = Harness()
    async with serving_tls(harness, certificates) as (_, port):
        stream = await connect(port, certificates)
        async with Caller(stream) as caller:
            await caller.call(f"SET big {'x' * 1_000_000}")
            await caller.send_together(*["GET big"] * 60)
            replies = [await caller.read() for _ in range(60)]
    assert {len(reply) for reply in replies} == {1_000_012}


async def test_a_client_that_is_killed_is_gone(certificates: Files) -> None:
    async with serving_tls(Harness(), certificates) as (served, port):
        stream = await connect(port, certificates)
        async with Caller(stream) as victim, await served.caller() as other:
            id_line = await victim.call("CLIENT ID")
            assert await other.call(f"CLIENT KILL ID {id_line[1:-2].decode()}") == b":1\r\n"
            assert await until_closed(stream) == b""


async def test_an_address_is_the_clients(certificates: Files) -> None:
    async with (
        serving_tls(Harness(), certificates) as (_, port),
        Caller(await connect(port, certificates)) as caller,
    ):
        info = (await caller.call("CLIENT INFO")).decode()
    assert f"laddr=127.0.0.1:{port}" in info
