"""Small commands of many clients in one loop: nobody can tell it from the ordinary way."""

import socket
from collections.abc import Callable, Iterator

import pytest

from respcache._speedups import IS_COMPILED
from respcache.commands.client import Ending
from respcache.server.session import Session
from respcache.server.singles import LONG_REPLY_BYTES
from tests.commands.harness import Harness
from tests.protocol.streams import request
from tests.server.table import CLIENTS, Table, table_of

if IS_COMPILED:
    pytest.skip("compiled code serves quiet clients in its own way", allow_module_level=True)


@pytest.fixture
def harness() -> Harness:
    return Harness(enable_debug_command="yes")


@pytest.fixture
def table(harness: Harness) -> Iterator[Table]:
    with table_of(harness) as table:
        for client in range(CLIENTS):
            assert table.call(client, b"PING") == b"+PONG\r\n"
        yield table


@pytest.fixture
def ordinary(table: Table, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return what the table's clients send that goes the ordinary way, as it is read."""
    reads: list[bytes] = []
    receive = Session.receive

    def note(session: Session, data: bytes) -> None:
        if session in table.sessions:
            reads.append(data)
        receive(session, data)

    monkeypatch.setattr(Session, "receive", note)
    return reads


def test_one_command_of_each_client_is_answered_in_the_loop(table: Table, ordinary: list[bytes]) -> None:
    for client in range(CLIENTS):
        table.send(client, b"SET", b"k%d" % client, b"v%d" % client)
    assert table.reactor.turn() == CLIENTS
    assert [table.read(client) for client in range(CLIENTS)] == [b"+OK\r\n"] * CLIENTS
    for client in range(CLIENTS):
        table.send(client, b"get", b"k%d" % client)
    assert table.reactor.turn() == CLIENTS
    assert [table.read(client) for client in range(CLIENTS)] == [b"$2\r\nv%d\r\n" % n for n in range(CLIENTS)]
    assert ordinary == []


def test_each_is_counted_and_timed(harness: Harness, table: Table) -> None:
    statistics, session = harness.node.statistics, table.sessions[0]
    before = (
        statistics.total_commands_processed,
        statistics.total_net_input_bytes,
        statistics.total_net_output_bytes,
    )
    received_bytes, sent_bytes = session.received_bytes, session.sent_bytes
    harness.clock.advance(5000)
    get, put = request(b"GET", b"a"), request(b"SET", b"a", b"1")
    for client, wire in enumerate([get, put, get, get]):
        table.far[client].send(wire)
    table.reactor.turn()
    answers = sum(len(table.read(client)) for client in range(CLIENTS))
    assert statistics.total_commands_processed - before[0] == 4
    assert statistics.total_net_input_bytes - before[1] == 3 * len(get) + len(put)
    assert statistics.total_net_output_bytes - before[2] == answers
    assert (session.received_bytes - received_bytes, session.sent_bytes - sent_bytes) == (len(get), 5)
    assert session.client.last_used_ms == harness.clock.now_ms
    assert [one.client.last_command for one in table.sessions] == ["get", "set", "get", "get"]
    for name, calls in (("get", 3), ("set", 1)):
        record = harness.node.command_statistics[name]
        assert (record.calls, sum(record.counts)) == (calls, calls)
        assert record.nanoseconds > 0


def test_the_slow_log_has_the_slow_one(table: Table, harness: Harness, ordinary: list[bytes]) -> None:
    harness.client()("CONFIG SET slowlog-log-slower-than 0")
    table.call(2, b"GET", b"a")
    assert ordinary == []
    [entry] = [one for one in harness.client()("SLOWLOG GET 10") if one[3] == [b"GET", b"a"]]
    assert entry[4] == table.sessions[2].client.address.encode()


def test_errors_stand_in_their_place_and_are_counted(
    table: Table, harness: Harness, ordinary: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.client()("HSET h f v")
    assert table.call(0, b"GET", b"h").startswith(b"-WRONGTYPE")
    assert harness.node.command_statistics["get"].failed_calls == 1

    def fail(*_: object) -> None:
        raise ValueError("oops")

    monkeypatch.setattr(type(harness.node.keyspace.databases[0]), "read", fail)
    assert table.call(0, b"GET", b"h").startswith(b"-ERR internal error")
    assert ordinary == []
    monkeypatch.undo()
    assert table.call(0, b"GET", b"none") == b"$-1\r\n"


def test_a_bug_behind_the_command_costs_one_client_its_connection(
    table: Table, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ValueError("oops")

    harness.node.tracking.has_pending = True
    with monkeypatch.context() as patch:
        patch.setattr(harness.node.tracking, "flush", fail)
        table.send(0, b"GET", b"a")
        table.reactor.turn()
    harness.node.tracking.has_pending = False
    assert table.read(0) == b"<closed>"
    assert table.call(1, b"GET", b"a") == b"$-1\r\n"


@pytest.mark.parametrize(
    "wire",
    [
        request(b"GET", b"a") * 2,
        request(b"GET", b"a")[:-2],
        request(b"GET", b"a")[:4],
        request(b"GET"),
        request(b"GET", b"a", b"b"),
        request(b"MULTI"),
        request(b"gEt", b"a"),
        request(b"SET", b"a", b"x" * 600),
        b"GET a\r\n",
        b"*2\r\n$3\r\nGET\r\n$01\r\na\r\n",
        b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n\r\n",
        b"\r\n",
    ],
)
def test_all_else_goes_the_ordinary_way_with_what_was_read(
    table: Table, ordinary: list[bytes], wire: bytes
) -> None:
    table.far[0].send(wire)
    table.send(1, b"GET", b"b")
    table.serve()
    assert ordinary == [wire]
    assert table.read(1) == b"$-1\r\n"


def test_who_has_gone_is_dropped(table: Table, harness: Harness) -> None:
    table.far[0].close()
    table.near[1].shutdown(socket.SHUT_RD)
    table.send(2, b"GET", b"a")
    table.serve()
    assert table.read(2) == b"$-1\r\n"
    assert len(table.reactor) == len(harness.node.clients) == 2


def test_who_comes_after_one_who_has_gone_may_have_the_same_number(table: Table) -> None:
    number = table.near[0].fileno()
    table.far[0].close()
    table.serve()
    assert table.attach() == number
    assert table.call(CLIENTS, b"GET", b"a") == b"$-1\r\n"
    assert table.call(CLIENTS, b"GET", b"a") == b"$-1\r\n"


def test_who_goes_while_it_is_answered_is_dropped(table: Table, harness: Harness) -> None:
    table.near[0].shutdown(socket.SHUT_WR)
    table.send(0, b"GET", b"a")
    table.send(1, b"GET", b"a")
    table.serve()
    assert table.read(1) == b"$-1\r\n"
    assert len(table.reactor) == len(harness.node.clients) == CLIENTS - 1


@pytest.mark.parametrize("size", [LONG_REPLY_BYTES - 100, LONG_REPLY_BYTES + 100])
def test_what_a_client_does_not_take_is_kept_and_follows(
    table: Table, harness: Harness, ordinary: list[bytes], size: int
) -> None:
    harness.client()("SET", "big", "x" * size)
    table.near[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    session, calls = table.sessions[0], 0
    while not session.unsent_bytes:
        table.send(0, b"GET", b"big")
        table.reactor.turn()
        calls += 1
        assert calls < 1000
    table.send(0, b"GET", b"none")
    wire = b""
    for _ in range(1000):
        table.serve()
        wire += table.read(0)
        if wire.endswith(b"$-1\r\n"):
            break
    assert wire == (b"$%d\r\n" % size + b"x" * size + b"\r\n") * calls + b"$-1\r\n"
    assert session.sent_bytes == len(wire) + len(b"+PONG\r\n")
    assert harness.node.statistics.total_net_output_bytes >= session.sent_bytes
    assert table.call(0, b"GET", b"none") == b"$-1\r\n"
    del ordinary[:]
    assert table.call(0, b"GET", b"none") == b"$-1\r\n"
    assert ordinary == []


def test_a_subscriber_takes_the_ordinary_way_and_hears_itself_before_the_reply(
    table: Table, ordinary: list[bytes]
) -> None:
    table.call(0, b"HELLO", b"3")
    table.call(0, b"SUBSCRIBE", b"news")
    table.call(0, b"PING")
    del ordinary[:]
    message = b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n"
    assert table.call(0, b"PUBLISH", b"news", b"hi") == message + b":1\r\n"
    assert len(ordinary) == 1
    assert table.call(1, b"PUBLISH", b"news", b"hi") == b":1\r\n"
    assert table.read(0) == message


def test_a_message_of_the_same_turn_comes_before_the_reply(table: Table) -> None:
    table.call(1, b"HELLO", b"3")
    table.call(1, b"SUBSCRIBE", b"news")
    table.call(1, b"PING")
    for client, words in ((0, (b"PUBLISH", b"news", b"hi")), (1, (b"GET", b"a"))):
        table.send(client, *words)
    assert table.reactor.turn() == 2
    assert table.read(1) == b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n_\r\n"


def test_who_is_killed_in_the_same_turn_runs_nothing_more(table: Table, harness: Harness) -> None:
    table.send(0, b"CLIENT", b"KILL", b"ID", b"%d" % table.sessions[1].client.id)
    table.send(1, b"SET", b"a", b"1")
    assert table.reactor.turn() == 2
    assert (table.read(0), table.read(1)) == (b":1\r\n", b"<closed>")
    assert harness.client()("EXISTS a") == 0


def test_lower_limits_count_from_the_next_command_on(
    table: Table, harness: Harness, ordinary: list[bytes]
) -> None:
    harness.client()("CONFIG SET proto-max-bulk-len 1mb")
    del ordinary[:]
    table.call(0, b"GET", b"a")
    table.call(0, b"GET", b"a")
    assert ordinary == [request(b"GET", b"a")]


@pytest.mark.parametrize(
    "prepare",
    [
        lambda harness: harness.client()("MONITOR"),
        lambda harness: harness.client()("CLIENT PAUSE 1000 WRITE"),
        lambda harness: setattr(harness.node, "router", object()),
        lambda harness: setattr(harness.dispatcher, "gate", object()),
    ],
    ids=["monitor", "pause", "other nodes", "loaders"],
)
def test_where_somebody_asks_about_each_command_there_is_no_short_cut(
    table: Table, harness: Harness, prepare: Callable[[Harness], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[bytes] = []
    prepare(harness)
    monkeypatch.setattr(Session, "receive", lambda session, data: reads.append(data))
    for client in range(CLIENTS):
        table.send(client, b"GET", b"a")
    table.reactor.turn()
    assert len(reads) == CLIENTS


@pytest.mark.parametrize(
    "make_unusual",
    [
        lambda session: session.out.append(b"+OK\r\n"),
        lambda session: setattr(session, "tail", []),
        lambda session: session.backlog.append([b"PING"]),
        lambda session: setattr(session, "is_held", True),
        lambda session: setattr(session, "has_unread", True),
        lambda session: setattr(session, "is_awaited", True),
        lambda session: setattr(session.client, "ending", Ending.AFTER_REPLIES),
        lambda session: setattr(session.client, "is_ordinary", False),
        lambda session: session.parser.feed(b"*2\r\n"),
        lambda session: session.parser.feed(b"*2\r\n$3\r\nGET\r\n$x\r\n"),
        lambda session: setattr(session.parser, "limits", type(session.limits)()),
    ],
)
def test_only_who_has_nothing_else_to_look_after_is_quiet(
    harness: Harness, make_unusual: Callable[[Session], object]
) -> None:
    with table_of(harness, 1) as table:
        [connection] = table.reactor._connections.values()
        [session] = table.sessions
        table.reactor._singles.consider(connection, b"x")
        assert len(table.reactor._singles._quiet) == 1
        table.reactor._singles.leave(connection)
        make_unusual(session)
        table.reactor._singles.consider(connection, b"x")
        assert len(table.reactor._singles._quiet) == 0
