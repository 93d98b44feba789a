"""The compiled loop, over real sockets: what it serves itself, and what it leaves to the session, in which order."""

import sys

import pytest
import trio

from respcache._speedups import IS_COMPILED
from respcache.commands.client import Client
from respcache.keyspace.entry import Value
from respcache.server import memory_guard
from respcache.server.session import Session
from tests.commands.harness import Harness
from tests.server.served import Served, serving

from .talk import ask, expect

if IS_COMPILED:
    from respcache._speedups import serving as serving_module

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the extension is not in use")


async def test_ordinary_commands_never_reach_the_python_session(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as stream:
        await expect(stream, b"SET a 1\r\nGET a\r\nPING\r\nINCR a\r\n", b"+OK\r\n$1\r\n1\r\n+PONG\r\n:2\r\n")
    assert not left


async def test_a_name_may_be_spelled_in_any_way(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as stream:
        await expect(stream, b"sEt a 1\r\nget a\r\nGeT a\r\n", b"+OK\r\n$1\r\n1\r\n$1\r\n1\r\n")
    assert not left


async def test_what_is_not_compiled_runs_in_its_place(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as stream:
        await expect(
            stream,
            b"SET a 1\r\nOBJECT ENCODING a\r\nDBSIZE\r\nGET a\r\nNOSUCH\r\nGET\r\nGET a\r\n",
            b"+OK\r\n$3\r\nint\r\n:1\r\n$1\r\n1\r\n"
            b"-ERR unknown command 'NOSUCH', with args beginning with: \r\n"
            b"-ERR wrong number of arguments for 'get' command\r\n$1\r\n1\r\n",
        )
    assert left == [b"OBJECT", b"DBSIZE", b"NOSUCH", b"GET"]


async def test_what_a_compiled_command_declines_runs_in_its_place(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as stream:
        await expect(
            stream,
            b"HSET h f v\r\nGET h\r\nSET a 1 EX zero\r\nHGET h f\r\n",
            b":1\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
            b"-ERR value is not an integer or out of range\r\n$1\r\nv\r\n",
        )
    assert left == [b"GET", b"SET"]


async def test_a_transaction_begins_and_ends_within_a_pipeline(served: Served) -> None:
    async with await served.connect() as stream:
        await expect(
            stream,
            b"SET a 1\r\nMULTI\r\nINCR a\r\nGET a\r\nEXEC\r\nGET a\r\nMULTI\r\nSET a 9\r\nDISCARD\r\nGET a\r\n",
            b"+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:2\r\n$1\r\n2\r\n$1\r\n2\r\n+OK\r\n+QUEUED\r\n+OK\r\n$1\r\n2\r\n",
        )


async def test_the_protocol_and_the_database_may_change_within_a_pipeline(served: Served) -> None:
    async with await served.connect() as stream:
        request = b"GET no\r\nSELECT 1\r\nSET a 1\r\nSELECT 0\r\nGET a\r\nSELECT 1\r\nGET a\r\n"
        await expect(stream, request, b"$-1\r\n+OK\r\n+OK\r\n+OK\r\n$-1\r\n+OK\r\n$1\r\n1\r\n")
        answer = await ask(stream, b"GET no\r\nHELLO 3\r\nGET no\r\n", 100)
        assert answer.startswith(b"$-1\r\n%")
        assert answer.endswith(b"_\r\n")


async def test_nothing_runs_behind_quit(served: Served) -> None:
    async with await served.connect() as stream:
        await expect(stream, b"SET a 1\r\nQUIT\r\nSET a 2\r\nSET b 2\r\n", b"+OK\r\n+OK\r\n")
        assert await stream.receive_some() == b""
    database = served.harness.node.keyspace.databases[0]
    assert database.peek(b"a") == b"1"
    assert not database.has(b"b")


async def test_broken_input_is_answered_behind_what_came_before_it(served: Served) -> None:
    async with await served.connect() as stream:
        await expect(
            stream,
            b"SET a 1\r\n*1\r\n!\r\n",
            b"+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n",
        )
        assert await stream.receive_some() == b""


async def test_a_command_in_many_pieces_runs_when_it_is_whole(served: Served, left: list[bytes]) -> None:
    request = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\nabcd\r\n"
    async with await served.connect() as stream:
        for at in range(len(request) - 1):
            await stream.send_all(request[at : at + 1])
            await trio.sleep(0.001)
        await expect(stream, request[-1:] + b"GET a\r\n", b"+OK\r\n$4\r\nabcd\r\n")
    assert not left


async def test_every_command_is_counted_and_timed(served: Served) -> None:
    async with await served.connect() as stream:
        await expect(stream, b"SET a 1\r\n" * 10 + b"GET a\r\n" * 7, b"+OK\r\n" * 10 + b"$1\r\n1\r\n" * 7)
    node = served.harness.node
    record = node.command_statistics["get"]
    assert (record.calls, sum(record.counts)) == (7, 7)
    assert 0 < record.nanoseconds < 1_000_000_000
    assert node.command_statistics["set"].calls == 10
    assert node.statistics.total_commands_processed == 17
    assert (node.statistics.keyspace_hits, node.statistics.keyspace_misses) == (7, 0)
    assert node.statistics.total_net_input_bytes == 9 * 10 + 7 * 7
    assert node.statistics.total_net_output_bytes == 5 * 10 + 7 * 7


async def test_a_client_is_known_by_its_last_command_whoever_ran_it(served: Served) -> None:
    async with await served.connect() as stream:
        for request, answer, name in (
            (b"GET a\r\n", b"$-1\r\n", "get"),
            (b"GET a\r\nDBSIZE\r\n", b"$-1\r\n:0\r\n", "dbsize"),
            (b"GET a\r\nDBSIZE\r\nGET a\r\n", b"$-1\r\n:0\r\n$-1\r\n", "get"),
        ):
            await expect(stream, request, answer)
            [client] = served.harness.node.clients
            assert client.last_command == name


async def test_slow_commands_are_noted() -> None:
    async with serving(Harness(slowlog_log_slower_than="0")) as served, await served.connect() as stream:
        await expect(stream, b"SET a 1\r\nGET a\r\n", b"+OK\r\n$1\r\n1\r\n")
        words = [entry.argv for entry in served.harness.node.slowlog.get(10)]
        assert words[:2] == [(b"GET", b"a"), (b"SET", b"a", b"1")]


async def test_what_counts_as_slow_may_change_within_a_pipeline(served: Served) -> None:
    async with await served.connect() as stream:
        await expect(
            stream, b"GET a\r\nCONFIG SET slowlog-log-slower-than 0\r\nGET b\r\n", b"$-1\r\n+OK\r\n$-1\r\n"
        )
    assert (b"GET", b"b") in [entry.argv for entry in served.harness.node.slowlog.get(10)]


async def test_a_monitor_sees_commands_although_they_are_compiled(served: Served, left: list[bytes]) -> None:
    async with await served.connect() as stream, await served.connect() as monitor:
        await expect(monitor, b"MONITOR\r\n", b"+OK\r\n")
        await expect(stream, b"SET a 1\r\n", b"+OK\r\n")
        assert b'"SET" "a" "1"' in await monitor.receive_some()
    assert left == [b"MONITOR", b"SET"]


async def test_a_watched_key_that_changes_is_noticed(served: Served) -> None:
    async with await served.connect() as stream, await served.connect() as other:
        await expect(stream, b"WATCH a\r\nMULTI\r\nGET a\r\n", b"+OK\r\n+OK\r\n+QUEUED\r\n")
        await expect(other, b"SET a 1\r\n", b"+OK\r\n")
        await expect(stream, b"EXEC\r\n", b"*-1\r\n")


async def test_more_output_than_a_turn_may_have_arrives_in_order(served: Served) -> None:
    value = bytes(range(256)) * 400
    async with await served.connect() as stream:
        await expect(stream, b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n%b\r\n" % (len(value), value), b"+OK\r\n")
        request = b"".join(b"GET a\r\nECHO %d\r\n" % number for number in range(50))
        replies = [b"$%d\r\n%b\r\n$%d\r\n%d\r\n" % (len(value), value, len(str(n)), n) for n in range(50)]
        await expect(stream, request, b"".join(replies))


async def test_writes_are_refused_at_the_memory_limit() -> None:
    harness = Harness(maxmemory="1mb", maxmemory_policy="noeviction")
    async with serving(harness) as served, await served.connect() as stream:
        answer = await ask(
            stream, b"".join(b"SET key:%d %b\r\n" % (n, b"x" * 1000) for n in range(2000)), 2000 * 5
        )
        assert b"-OOM command not allowed when used memory > 'maxmemory'.\r\n" in answer
        assert harness.node.keyspace.used_bytes < (1 << 20) + 2000


async def test_a_message_is_sent_to_all_its_subscribers_in_one_go(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    listeners = [await served.connect() for _ in range(5)]
    for listener in listeners:
        await expect(listener, b"SUBSCRIBE c\r\n", b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
    sent_by_python: list[int] = []
    take_output = Session.take_output

    def note(session: Session) -> list[bytes]:
        sent_by_python.append(session.client.id)
        return take_output(session)

    monkeypatch.setattr(Session, "take_output", note)
    async with await served.connect() as stream:
        await expect(stream, b"PUBLISH c hello\r\n" * 3, b":5\r\n" * 3)
        for listener in listeners:
            await expect(listener, b"", b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n" * 3)
    assert not sent_by_python
    for listener in listeners:
        await listener.aclose()


async def test_an_expiry_that_a_compiled_command_finds_is_told_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MGET answers in compiled code, and the loop must not go on to wait with a message for somebody unsent."""
    told: list[bytes] = []

    def expired(db: int, key: bytes, value: Value) -> None:
        told.append(key)
        subscriber.connection.push(b"+told\r\n")

    harness = served.harness
    async with await served.connect() as listener, await served.connect() as stream:
        await expect(listener, b"PING\r\n", b"+PONG\r\n")
        [subscriber] = [one for one in harness.node.clients if one.last_command == "ping"]
        await expect(stream, b"SET k v PX 100\r\nSET l v\r\n", b"+OK\r\n+OK\r\n")
        monkeypatch.setattr(harness.node.keyspace.journal, "expired", expired)
        harness.node.keyspace.journal.attentive = True
        harness.clock.advance(200)
        await expect(stream, b"MGET l k l\r\n", b"*3\r\n$1\r\nv\r\n$-1\r\n$1\r\nv\r\n")
        await expect(listener, b"", b"+told\r\n")
    assert told == [b"k"]


async def test_a_flush_frees_what_there_was(served: Served) -> None:
    async with await served.connect() as stream, await served.connect() as other:
        await expect(stream, b"SET a 1\r\n", b"+OK\r\n")
        table = served.harness.node.keyspace.databases[0].entries
        await expect(other, b"MULTI\r\nFLUSHALL\r\nEXEC\r\n", b"+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n")
        assert sys.getrefcount(table) == 2, "nobody else has it"


async def test_at_the_limit_most_writes_are_still_compiled(left: list[bytes]) -> None:
    harness = Harness(maxmemory="16mb")
    async with serving(harness) as served, await served.connect() as stream:
        request = b"".join(b"SET key:%d %b\r\n" % (n, b"x" * 1000) for n in range(30_000))
        await expect(stream, request, b"+OK\r\n" * 30_000)
    assert harness.node.keyspace.used_bytes < (16 << 20) + 100_000
    assert harness.node.statistics.evicted_keys > 10_000
    assert len(left) < 6_000


def test_the_loop_reckons_as_the_guard_does() -> None:
    assert serving_module.GUARD_BYTES == (memory_guard.BYTES_PER_COMMAND, memory_guard.BYTES_PER_WORD)


async def test_clients_that_are_not_ordinary_are_the_python_sessions(
    served: Served, left: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await served.connect() as stream:
        await expect(stream, b"PING\r\n", b"+PONG\r\n")
        [client] = list[Client](served.harness.node.clients)
        monkeypatch.setattr(client, "is_ordinary", False)
        await expect(stream, b"PING\r\n", b"+PONG\r\n")
    assert left == [b"PING"]
