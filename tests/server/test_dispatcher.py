"""The two ways through: when the short one is open, and what the long one asks, counts and reports."""

from collections.abc import Sequence

import msgspec
import pytest

from respcache.commands.context import Context
from respcache.commands.nobody import NOBODY
from respcache.protocol.replies import OK, ErrorReply, Reply, SimpleString
from respcache.server.dispatcher import Held
from tests.cluster.bus.pair import World
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def harness() -> Harness:
    return Harness(enable_debug_command="yes")


def test_data_commands_take_the_short_way_in_both_usual_spellings(harness: Harness) -> None:
    fast = harness.dispatcher.fast
    assert fast[b"GET"] is fast[b"get"]
    assert b"EXEC" not in fast
    assert b"FLUSHALL" not in fast
    assert b"SUBSCRIBE" not in fast


def test_any_spelling_works(harness: Harness) -> None:
    assert harness.client()("sEt a 1") == b"OK"


@pytest.mark.parametrize("command", ["MONITOR", "CLIENT PAUSE 100000", "DEBUG OWNER-SLEEP a 1"])
def test_whatever_concerns_every_command_closes_the_short_way(harness: Harness, command: str) -> None:
    harness.client().send(command)
    assert harness.dispatcher.fast == {}


def test_a_client_in_a_transaction_takes_the_long_way_alone(harness: Harness) -> None:
    one, two = harness.client(), harness.client()
    one("MULTI")
    assert one("GET a") == b"QUEUED"
    assert two("GET a") is None


def test_calls_are_counted_on_both_ways(harness: Harness) -> None:
    client = harness.client()
    client("SET a 1")
    client("MULTI")
    client("SET a 2")
    client("EXEC")
    assert harness.node.command_statistics["set"].calls == 2
    assert harness.node.command_statistics["exec"].calls == 1


def test_refusals_and_failures_are_counted_apart(harness: Harness) -> None:
    client = harness.client()
    client("GET")
    client("INCR a")
    client("SET s x")
    client("INCR s")
    assert harness.node.command_statistics["get"].rejected_calls == 1
    assert harness.node.command_statistics["incr"].failed_calls == 1
    assert harness.node.statistics.errors.by_code()["ERR"] == 2


def test_slow_commands_are_logged_with_who_sent_them(harness: Harness) -> None:
    client = harness.client()
    client("CONFIG SET slowlog-log-slower-than 0")
    client("CLIENT SETNAME me")
    client("SET a 1")
    entry = harness.node.slowlog.get(1)[0]
    assert entry.argv == (b"SET", b"a", b"1")
    assert (entry.client_address, entry.client_name) == (b"127.0.0.1:50000", b"me")


def test_passwords_never_reach_the_slow_log() -> None:
    harness = Harness(requirepass="secret", slowlog_log_slower_than="0")
    harness.client()("AUTH secret")
    assert all(b"secret" not in entry.argv for entry in harness.node.slowlog.get(-1))


def test_paused_clients_go_on_when_the_pause_is_over(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    assert client("CLIENT PAUSE 1000") == b"OK"
    assert other.send("SET a 1") == []
    harness.clock.advance(1001)
    harness.dispatcher.end_pause(harness.clock.now_ms)
    assert other.replies() == [b"OK"]


def test_a_pause_of_writes_lets_reads_pass(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    client("CLIENT PAUSE 1000 WRITE")
    assert other("GET a") is None
    assert other.send("SET a 1") == []
    client("CLIENT UNPAUSE")
    assert other.replies() == [b"OK"]


def test_a_paused_transaction_waits_if_it_writes(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    other("MULTI")
    other("SET a 1")
    client("CLIENT PAUSE 1000 WRITE")
    assert other.send("EXEC") == []
    client("CLIENT UNPAUSE")
    assert other.replies() == [[b"OK"]]


def test_whole_database_commands_wait_for_every_owner_that_is_awake(harness: Harness) -> None:
    client, other = harness.client(), harness.client()
    client("SET a 1")
    client.send("DEBUG OWNER-SLEEP a 1")
    assert other.send("FLUSHALL") == []
    assert client.send("GET b") == []  # behind its own sleep
    assert other.send("GET b") == []
    assert len(harness.node.keyspace.databases[0]) == 1


def test_a_transaction_waits_for_the_owners_of_all_its_keys(harness: Harness) -> None:
    sleeper, client = harness.client(), harness.client()
    sleeper.send("DEBUG OWNER-SLEEP b 1")
    client("MULTI")
    client("SET a 1")
    client("SET b 2")
    assert client.send("EXEC") == []
    assert not harness.node.keyspace.databases[0].has(b"a")


def test_other_protocols_end_the_session(harness: Harness) -> None:
    client = harness.client()
    assert client.receive(b"POST / HTTP/1.1\r\nSET a 1\r\n") == []
    assert client.record.ending is not None
    assert not harness.node.keyspace.databases[0].has(b"a")


def test_a_reader_that_leaves_no_trace_ages_nothing(harness: Harness) -> None:
    writer, reader = harness.client(), harness.client()
    writer("SET a 1")
    harness.clock.advance(60_000)
    reader("CLIENT NO-TOUCH on")
    reader("GET a")
    assert writer("OBJECT IDLETIME a") == 60


def test_a_writer_that_leaves_no_trace_gives_new_keys_a_counter_all_the_same() -> None:
    harness = Harness(maxmemory="1gb", maxmemory_policy="allkeys-lfu")
    client = harness.client()
    client("CLIENT NO-TOUCH ON")
    client("SET a 1")
    assert client("OBJECT FREQ a") == 5


def test_a_client_that_leaves_no_trace_can_change_what_is_counted() -> None:
    harness = Harness(maxmemory="1gb", maxmemory_policy="allkeys-lru")
    client = harness.client()
    client("CLIENT NO-TOUCH ON")
    client("CONFIG SET maxmemory-policy allkeys-lfu")
    client("SET a 1")
    assert client("OBJECT FREQ a") == 5


def test_commands_that_other_nodes_have_sent_run_here_whatever_their_keys() -> None:
    world = World(2)
    key = world.key_of(1)
    peer = world.peers[0]
    context = peer.hub.runner.context(NOBODY, 0, 2)
    assert peer.harness.dispatcher.execute_here(context, [b"INCR", key.encode()]) == 1
    assert peer.harness.dispatcher.fast_here[b"INCR"].run(context, [b"INCR", key.encode()]) == 2
    assert world.client(0)("INCR", key) == 1


def test_their_short_way_is_open_when_that_of_clients_is() -> None:
    peer = World(2).peers[0]
    dispatcher = peer.harness.dispatcher
    assert dispatcher.fast.keys() == dispatcher.fast_here.keys() != set()
    peer.harness.client()("CLIENT PAUSE 100000")
    assert dispatcher.fast == dispatcher.fast_here == {}


def test_a_forwarded_command_is_shown_where_its_client_is_and_where_it_runs() -> None:
    world = World(2)
    watching = [world.client(number) for number in range(2)]
    for one in watching:
        one("MONITOR")
    world.client(0)("INCR", world.key_of(1))
    world.settle()
    assert all(b'"INCR"' in one.take_output() for one in watching)
    assert world.peers[0].node.statistics.total_commands_processed > 0


def test_a_bug_in_a_forwarded_command_costs_its_client_an_error() -> None:
    world = World(2)
    key = world.key_of(1)
    client = world.client(0)
    entry_point = world.peers[1].harness.dispatcher.fast_here[b"GET"]

    def crash(context: Context, argv: Sequence[bytes]) -> Reply:
        raise RuntimeError("a bug")

    world.peers[1].harness.dispatcher.fast_here[b"GET"] = msgspec.structs.replace(entry_point, run=crash)
    first, second = client.ask(f"GET {key}", f"INCR {key}")
    assert "internal error" in first.message
    assert second == 1


def served(harness: Harness, client: HarnessClient, line: str) -> object:
    return harness.dispatcher.serve(client.session.context, [word.encode() for word in line.split()])


def test_a_single_command_takes_the_short_way_and_is_counted() -> None:
    harness = Harness()
    client = harness.client()
    client("SET a 1")
    assert served(harness, client, "GET a") == b"1"
    assert harness.node.command_statistics["get"].calls == 1
    assert client.record.last_command == "get"
    error = served(harness, client, "HGET a f")
    assert isinstance(error, ErrorReply)
    assert error.code == "WRONGTYPE"
    assert harness.node.command_statistics["hget"].failed_calls == 1


def test_a_single_command_that_is_not_for_the_short_way_takes_the_long_one() -> None:
    harness = Harness()
    client = harness.client()
    assert isinstance(served(harness, client, "GET"), ErrorReply)
    assert isinstance(served(harness, client, "NOPE"), ErrorReply)
    assert served(harness, client, "MULTI") is OK
    assert not client.record.is_ordinary
    assert served(harness, client, "SET a 1") == SimpleString("QUEUED")
    assert served(harness, client, "EXEC") == [OK]
    assert client.record.is_ordinary
    client("CLIENT PAUSE 1000")
    assert served(harness, client, "GET a") is Held


def test_a_single_command_tells_those_who_cache_what_it_changes() -> None:
    harness = Harness()
    reader, writer = harness.client(), harness.client()
    reader("CLIENT TRACKING ON")
    reader("GET a")
    served(harness, writer, "SET a 1")
    reader.replies()
    assert reader.pushes == [[b"invalidate", [b"a"]]]
