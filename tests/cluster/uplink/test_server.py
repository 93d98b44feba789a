import json
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from respcache.cluster.uplink import server as module
from respcache.cluster.uplink.registry import Registry
from respcache.cluster.uplink.server import Uplink

ID = "ab" * 20
MEMBER = f"/v1/clusters/c/members/{ID}"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
async def registry() -> Registry:
    return Registry()


@pytest.fixture
async def uplink(registry: Registry) -> Uplink:
    return Uplink(registry)


@pytest.fixture
async def port(uplink: Uplink) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        yield await nursery.start(uplink.serve, "127.0.0.1", 0)
        nursery.cancel_scope.cancel()


def put(body: bytes, *headers: str) -> bytes:
    head = [f"PUT {MEMBER} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


async def said(port: int, *pieces: bytes, ends: bool = True) -> bytes:
    """Send the pieces one by one; return all that comes until the other end closes."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    received = b""
    async with stream:
        try:
            for piece in pieces:
                await stream.send_all(piece)
            if ends:
                await stream.send_eof()
        except (trio.BrokenResourceError, OSError):
            pass  # refused while we spoke
        async for chunk in stream:
            received += chunk
    return received


def statuses(received: bytes) -> list[int]:
    return [int(part.split()[0]) for part in received.split(b"HTTP/1.1 ")[1:]]


async def test_a_request_is_answered(port: int, registry: Registry) -> None:
    received = await said(port, put(b'{"bus": "0.0.0.0:1"}'))
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body)["bus"] == "127.0.0.1:1"
    assert registry.count() == (1, 1)


async def test_a_connection_serves_many_requests_at_once_or_cut_up(port: int) -> None:
    requests = put(b'{"bus": "a:1"}') + HEALTH + f"DELETE {MEMBER} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    whole = await said(port, requests)
    assert statuses(whole) == [200, 200, 204]
    assert statuses(await said(port, *(requests[at : at + 1] for at in range(len(requests))))) == [
        200,
        200,
        204,
    ]


async def test_a_head_has_no_body(port: int) -> None:
    received = await said(port, HEALTH.replace(b"GET", b"HEAD") + HEALTH)
    assert statuses(received) == [405, 200]
    assert received.count(b"{") == 1


async def test_who_asks_first_may_go_on(port: int) -> None:
    received = await said(port, put(b'{"bus": "a:1"}', "Expect: 100-continue"))
    assert statuses(received)[-1] == 200
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        head, body = put(b'{"bus": "a:1"}', "Expect: 100-continue").split(b"\r\n\r\n")
        await stream.send_all(head + b"\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 100")
        await stream.send_all(body)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("close", [b"HTTP/1.0\r\n\r\n", b"HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
async def test_who_wants_to_close_is_let_go(port: int, close: bytes) -> None:
    assert statuses(await said(port, b"GET /healthz " + close, ends=False)) == [200]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600), 400),  # TLS
        (b"*1\r\n$4\r\nPING\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000, 431),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400),
        (put(bytes(5000)), 413),
        (put(bytes(3_000_000)), 413),
        (b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ff\r\n" + bytes(255) + b"\r\n"
         + (b"fff\r\n" + bytes(4095) + b"\r\n") * 2, 413),
    ],
)  # fmt: skip
async def test_what_is_no_request_is_refused_and_ends_only_its_own_connection(
    port: int, registry: Registry, request_: bytes, status: int
) -> None:
    with trio.fail_after(5):
        assert statuses(await said(port, request_)) == [status]
    assert statuses(await said(port, HEALTH)) == [200]
    assert registry.count() == (0, 0)


@pytest.mark.parametrize("cut", [b"", b"GET /hea", put(b"{}")[:-1]])
async def test_who_goes_away_in_between_is_forgotten(port: int, uplink: Uplink, cut: bytes) -> None:
    with trio.fail_after(5):
        await said(port, cut)
    assert uplink.connections == 0


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\n", put(b"{}")[:-1], HEALTH])
async def test_who_is_slow_keeps_no_connection(
    port: int, start: bytes, uplink: Uplink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REQUEST_S", 0.05)
    with trio.fail_after(5):
        await said(port, start, ends=False)
    assert uplink.connections == 0


async def test_who_does_not_take_the_answer_keeps_no_connection(
    port: int, uplink: Uplink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        with trio.fail_after(10), pytest.raises(trio.BrokenResourceError):
            await stream.send_all(HEALTH * 1_000_000)  # answers are never read
    assert uplink.connections == 0


async def test_too_many_are_turned_away(port: int, uplink: Uplink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    async with await trio.open_tcp_stream("127.0.0.1", port) as first:
        await first.send_all(HEALTH)
        await first.receive_some()
        with trio.fail_after(5):
            assert await said(port, b"", ends=False) == b""
        await first.send_all(HEALTH)
        assert (await first.receive_some()).startswith(b"HTTP/1.1 200")


async def test_a_mistake_of_ours_ends_one_connection_only(
    port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.delattr(Registry, "count")
        assert await said(port, HEALTH) == b""
    assert caplog.messages == ["a mistake of our own ended a connection"]
    assert statuses(await said(port, HEALTH)) == [200]


async def test_entries_expire(registry: Registry) -> None:
    clock = MockClock()
    uplink = Uplink(registry, clock.current_time)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(uplink.serve, "127.0.0.1", 0)
        await said(port, put(b'{"bus": "a:1", "ttl_s": 2}'))
        clock.jump(2)
        assert statuses(await said(port, f"GET {MEMBER} HTTP/1.1\r\nHost: a\r\n\r\n".encode())) == [404]
        nursery.cancel_scope.cancel()
