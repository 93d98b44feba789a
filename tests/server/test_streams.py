"""The same session over a trio stream."""

import trio
from trio.testing import memory_stream_pair

from respcache.server.session import Session
from respcache.server.streams import StreamConnection
from tests.commands.harness import Harness
from tests.server.served import receive_exactly


async def serve(harness: Harness, stream: trio.abc.Stream) -> None:
    connection = StreamConnection(stream)
    await connection.serve(Session(harness.dispatcher, connection.wake, "stream:0", "stream:0"))


async def test_a_client_gets_its_answers_and_may_leave(nursery: trio.Nursery) -> None:
    harness = Harness()
    client, server = memory_stream_pair()
    nursery.start_soon(serve, harness, server)
    await client.send_all(b"SET a 1\r\nGET a\r\n")
    assert await receive_exactly(client, 12) == b"+OK\r\n$1\r\n1\r\n"
    await client.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert not len(harness.node.clients)


async def test_quit_ends_the_stream(nursery: trio.Nursery) -> None:
    client, server = memory_stream_pair()
    nursery.start_soon(serve, Harness(), server)
    await client.send_all(b"QUIT\r\n")
    assert await receive_exactly(client, 5) == b"+OK\r\n"
    assert await client.receive_some() == b""


async def test_messages_arrive_without_asking(nursery: trio.Nursery) -> None:
    harness = Harness()
    client, server = memory_stream_pair()
    nursery.start_soon(serve, harness, server)
    await client.send_all(b"SUBSCRIBE news\r\n")
    await receive_exactly(client, 33)
    harness.client()("PUBLISH news hello")
    assert (await receive_exactly(client, 38)).endswith(b"hello\r\n")
    await client.aclose()


async def test_more_than_a_turn_of_commands_is_answered(nursery: trio.Nursery) -> None:
    client, server = memory_stream_pair()
    nursery.start_soon(serve, Harness(), server)
    await client.send_all(b"PING\r\n" * 5000)
    assert await receive_exactly(client, 35_000) == b"+PONG\r\n" * 5000
    await client.aclose()


async def test_broken_input_is_explained_before_the_end(nursery: trio.Nursery) -> None:
    client, server = memory_stream_pair()
    nursery.start_soon(serve, Harness(), server)
    await client.send_all(b"*1\r\n:1\r\n")
    assert b"Protocol error" in await receive_exactly(client, 30)
    while await client.receive_some():
        pass


async def test_a_client_that_is_killed_is_cut_off(nursery: trio.Nursery) -> None:
    harness = Harness()
    client, server = memory_stream_pair()
    nursery.start_soon(serve, harness, server)
    await client.send_all(b"CLIENT ID\r\n")
    number = (await receive_exactly(client, 4)).strip(b":\r\n").decode()
    assert harness.client()(f"CLIENT KILL ID {number}") == 1
    assert await client.receive_some() == b""
