"""Clients that send at random, served in one loop and in the ordinary way: nothing differs."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.commands.client import Client
from respcache.server import singles
from respcache.server.session import Session
from tests.commands.harness import Harness
from tests.protocol.streams import request
from tests.server.table import CLIENTS, table_of
from tests.thoroughness import examples

if IS_COMPILED:
    pytest.skip("compiled code serves quiet clients in its own way", allow_module_level=True)

KEYS = st.sampled_from([b"a", b"b", b"dies", b"hash", b"raw"])
VALUES = st.sampled_from([b"", b"1", b"x" * 450, b"x" * 1500, b"\r\n", b"\0"])
DATA = st.one_of(
    st.tuples(st.sampled_from([b"GET", b"get", b"DEL", b"INCR", b"EXISTS"]), KEYS),
    st.tuples(st.just(b"SET"), KEYS, VALUES),
    st.tuples(st.just(b"APPEND"), st.just(b"raw"), VALUES),
    st.tuples(st.just(b"HSET"), st.just(b"hash"), st.just(b"f"), VALUES),
    st.tuples(st.just(b"SET"), st.just(b"dies"), VALUES, st.just(b"PX"), st.just(b"100")),
    st.tuples(st.just(b"PUBLISH"), st.just(b"news"), VALUES),
)
OTHERS = st.sampled_from(
    [
        b"MULTI", b"EXEC", b"DISCARD", b"WATCH a", b"UNWATCH", b"nonsense", b"GET", b"SELECT 1", b"SELECT 0",
        b"HELLO 2", b"HELLO 3", b"RESET", b"QUIT", b"MONITOR", b"SUBSCRIBE news", b"PSUBSCRIBE *", b"UNSUBSCRIBE",
        b"PUNSUBSCRIBE", b"CLIENT TRACKING ON", b"CLIENT TRACKING ON BCAST", b"CLIENT TRACKING OFF",
        b"CLIENT NO-TOUCH ON", b"CLIENT REPLY OFF", b"CLIENT REPLY SKIP", b"CLIENT REPLY ON", b"CLIENT PAUSE 50",
        b"CLIENT UNPAUSE", b"CLIENT KILL ID 2", b"CLIENT KILL ID 3 SKIPME no", b"CONFIG SET maxmemory 100mb",
        b"CONFIG SET notify-keyspace-events KEA", b"CONFIG SET slowlog-log-slower-than 0",
        b"CONFIG SET proto-max-bulk-len 1mb", b"CONFIG SET requirepass x", b"AUTH x", b"FLUSHALL",
        b"DEBUG OWNER-SLEEP a 1",
    ]
).map(lambda line: tuple(line.split()))  # fmt: skip
WIRES = st.one_of(
    DATA.map(lambda words: request(*words)),
    DATA.map(lambda words: request(*words)),
    OTHERS.map(lambda words: request(*words)),
    st.lists(DATA, min_size=2, max_size=4).map(lambda calls: b"".join(request(*words) for words in calls)),
    st.sampled_from([b"GET a\r\n", b"\r\n", b"*0\r\n", b"*2\r\n$3\r\nGET\r\n$x\r\n", b"*1\r\n"]),
)
ACTIONS = st.tuples(st.integers(0, CLIENTS - 1), WIRES, st.one_of(st.just(1 << 20), st.integers(0, 40)))
STEPS = st.lists(st.tuples(st.lists(ACTIONS, max_size=8), st.integers(0, 80)), max_size=8)
Steps = list[tuple[list[tuple[int, bytes, int]], int]]


def outcome(steps: Steps) -> tuple[object, ...]:
    """Let clients send together, each read in one or two pieces, and return all that can be seen then and afterwards."""
    harness = Harness(enable_debug_command="yes", slowlog_log_slower_than="-1")
    seen: list[object] = []
    with table_of(harness) as table:
        for actions, later_ms in steps:
            for pieces in (
                [wire[:cut] for _, wire, cut in actions],
                [wire[cut:] for _, wire, cut in actions],
            ):
                for (client, _, _), piece in zip(actions, pieces, strict=True):
                    try:
                        table.far[client].send(piece)
                    except OSError:
                        seen.append("gone")
                table.serve()
            seen += [table.read(client) for client in range(CLIENTS)]
            harness.clock.advance(later_ms)
            harness.dispatcher.end_pause(harness.clock.now_ms)
            seen.append([described(one.client) for one in table.sessions])
        return seen, kept(harness), counted(harness), len(table.reactor)


def described(client: Client) -> dict[str, object]:
    names = ("last_command", "last_used_ms", "is_ordinary", "ending", "protocol", "db_index", "reply_mode")
    connection = client.connection
    assert isinstance(connection, Session)
    numbers = (
        connection.received_bytes,
        connection.sent_bytes,
        connection.query_bytes,
        connection.output_bytes,
    )
    return {"numbers": numbers, **{name: getattr(client, name) for name in names}}


def kept(harness: Harness) -> list[object]:
    return [
        {
            key: (
                bytes(entry.value) if isinstance(entry.value, bytes | bytearray) else "hash",
                entry.expires_at_ms,
                entry.seen,
            )
            for key, entry in db.entries.items()
        }
        for db in harness.node.keyspace.databases[:2]
    ]


def counted(harness: Harness) -> tuple[object, ...]:
    one = harness.node.statistics
    calls = {
        name: (each.calls, sum(each.counts), each.failed_calls, each.rejected_calls)
        for name, each in harness.node.command_statistics.items()
    }
    return (
        (one.total_commands_processed, one.total_net_input_bytes, one.total_net_output_bytes),
        (one.keyspace_hits, one.keyspace_misses, one.expired_keys),
        len(harness.node.slowlog),
        calls,
    )


@settings(max_examples=examples(60, 500))
@given(STEPS)
@example([([(client, request(b"GET", b"a"), 1 << 20) for client in range(CLIENTS)], 5)] * 3)
@example(
    [
        ([(0, request(b"PING"), 99), (1, request(b"PING"), 99)], 0),
        ([(0, request(b"MONITOR"), 99), (1, request(b"GET", b"a"), 99)], 0),
    ]
)
def test_nothing_differs(steps: Steps) -> None:
    together = outcome(steps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(singles, "IS_COMPILED", True)
        assert outcome(steps) == together
