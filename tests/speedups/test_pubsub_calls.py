"""PUBLISH in the compiled loop: the same messages and numbers as the handler's, and whom it leaves to the handler."""

import pytest
import trio

from respcache._speedups import IS_COMPILED
from tests.commands.harness import Harness
from tests.server.served import Served, serving

from .talk import expect

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")

SUBSCRIBED = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
PUSHED_SUBSCRIBED = b">" + SUBSCRIBED[1:]
HELLO = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n"
PUSHED_HELLO = b">" + HELLO[1:]


async def speak_resp3(stream: trio.SocketStream) -> None:
    await stream.send_all(b"HELLO 3\r\nPING\r\n")
    got = b""
    while not got.endswith(b"+PONG\r\n"):
        got += await stream.receive_some()


async def test_a_message_to_nobody_is_counted_as_such(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as stream:
        await expect(stream, b"PUBLISH c hello\r\n", b":0\r\n")
    assert not left
    assert served.harness.node.command_statistics["publish"].calls == 1


async def test_subscribers_of_either_protocol_get_it(served: Served, left: list[bytes]) -> None:
    async with (
        await served.connect() as two,
        await served.connect() as three,
        await served.connect() as stream,
    ):
        await speak_resp3(three)
        await expect(two, b"SUBSCRIBE c\r\n", SUBSCRIBED)
        await expect(three, b"SUBSCRIBE c\r\n", PUSHED_SUBSCRIBED)
        await expect(stream, b"SET a 1\r\npublish c hello\r\nGET a\r\n", b"+OK\r\n:2\r\n$1\r\n1\r\n")
        await expect(two, b"", HELLO)
        await expect(three, b"", PUSHED_HELLO)
    assert b"publish" not in left


async def test_messages_keep_their_order_and_their_bytes(served: Served) -> None:
    messages = [b"", b"\r\n", bytes(range(256)), b"x" * 20_000, b"y" * 100_000]
    async with await served.connect() as listener, await served.connect() as stream:
        await expect(listener, b"SUBSCRIBE c\r\n", SUBSCRIBED)
        wires = [b"$%d\r\n%b\r\n" % (len(message), message) for message in messages]
        request = b"".join(b"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n" + wire for wire in wires)
        await expect(stream, request, b":1\r\n" * len(wires))
        await expect(listener, b"", b"".join(HELLO.replace(b"$5\r\nhello\r\n", wire) for wire in wires))


async def test_patterns_are_the_handlers(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as listener, await served.connect() as stream:
        await expect(listener, b"PSUBSCRIBE *\r\n", b"*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n")
        await expect(stream, b"PUBLISH c hello\r\n", b":1\r\n")
        await expect(listener, b"", b"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$1\r\nc\r\n$5\r\nhello\r\n")
    assert left == [b"PSUBSCRIBE", b"PUBLISH"]


async def test_other_nodes_are_the_handlers(
    served: Served, left: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhere:
        def publish(self, channel: bytes, message: bytes) -> int:
            return 41

    async with await served.connect() as stream:
        monkeypatch.setattr(served.harness.node.broker, "elsewhere", Elsewhere())
        await expect(stream, b"PUBLISH c hello\r\n", b":41\r\n")
        monkeypatch.undo()
    assert left == [b"PUBLISH"]


async def test_a_publishers_own_message_comes_before_its_reply(served: Served) -> None:
    async with await served.connect() as stream:
        await speak_resp3(stream)
        await expect(stream, b"SUBSCRIBE c\r\n", PUSHED_SUBSCRIBED)
        await expect(
            stream, b"GET a\r\nPUBLISH c hello\r\nGET a\r\n", b"_\r\n" + PUSHED_HELLO + b":1\r\n_\r\n"
        )


async def test_a_subscriber_near_its_limit_is_the_handlers(left: list[bytes]) -> None:
    harness = Harness(client_output_buffer_limit="pubsub 1000 0 0")
    async with (
        serving(harness) as served,
        await served.connect() as listener,
        await served.connect() as stream,
    ):
        await expect(listener, b"SUBSCRIBE c\r\n", SUBSCRIBED)
        await expect(stream, b"PUBLISH c hello\r\n", b":1\r\n")
        await expect(listener, b"", HELLO)
        await expect(stream, b"PUBLISH c %b\r\n" % (b"x" * 1000), b":1\r\n")
        assert await listener.receive_some() == b""
    assert left == [b"SUBSCRIBE", b"PUBLISH"]


async def test_whoever_was_killed_in_the_same_read_gets_nothing(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as listener, await served.connect() as stream:
        await expect(listener, b"SUBSCRIBE c\r\n", SUBSCRIBED)
        [killed] = [one for one in served.harness.node.clients if one.channels]
        request = b"CLIENT KILL ID %d\r\nPUBLISH c hello\r\nPUBLISH c hello\r\n" % killed.id
        async with await served.connect() as other:
            await expect(other, b"SUBSCRIBE c\r\n", SUBSCRIBED)
            await expect(stream, request, b":1\r\n:2\r\n:2\r\n")
            await expect(other, b"", HELLO * 2)
        assert await listener.receive_some() == b""
    assert left.count(b"PUBLISH") == 2


async def test_a_slow_subscriber_gets_everything_in_order_in_the_end(served: Served) -> None:
    """Its socket takes part of a message; what is published then stands behind the rest."""
    body = bytes(range(256)) * 200
    async with (
        await served.connect() as slow,
        await served.connect() as quick,
        await served.connect() as stream,
    ):
        for listener in (slow, quick):
            await expect(listener, b"SUBSCRIBE c\r\n", SUBSCRIBED)
        wires = [b"$%d\r\n%04d%b\r\n" % (len(body) + 4, number, body) for number in range(200)]
        messages = [HELLO.replace(b"$5\r\nhello\r\n", wire) for wire in wires]
        for wire, message in zip(wires, messages, strict=True):
            await expect(stream, b"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n" + wire, b":2\r\n")
            await expect(quick, b"", message)
        unsent = [one.connection.output_bytes for one in served.harness.node.clients if one.channels]
        assert max(unsent) > len(body), "it was not slow"
        await expect(slow, b"", b"".join(messages))
