"""MULTI, EXEC, DISCARD, WATCH, UNWATCH."""

import pytest

from respcache.commands.client import Ending
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def other(harness: Harness) -> HarnessClient:
    return harness.client()


def transaction(client: HarnessClient, *commands: str) -> object:
    """Queue commands and run them; return what EXEC answers."""
    client("MULTI")
    for command in commands:
        client(command)
    return client("EXEC")


def test_exec_answers_every_queued_command(client: HarnessClient) -> None:
    assert client("MULTI") == b"OK"
    assert client("HSET h f 1") == b"QUEUED"
    assert client("HINCRBY h f 4") == b"QUEUED"
    assert client("EXEC") == [1, 5]


def test_nothing_runs_before_exec(client: HarnessClient, other: HarnessClient) -> None:
    client("MULTI")
    client("HSET h f 1")
    assert other("HGET h f") is None


def test_a_failing_command_stops_no_other(client: HarnessClient) -> None:
    client("HSET h f word")
    error = ErrorReply("ERR", "hash value is not an integer")
    assert transaction(client, "HINCRBY h f 1", "HSET h g 1") == [error, 1]


def test_a_refused_command_aborts_the_transaction(client: HarnessClient) -> None:
    aborted = ErrorReply("EXECABORT", "Transaction discarded because of previous errors.")
    for refused in ("NONSENSE", "HGET h", "CLIENT NONSENSE"):
        assert transaction(client, "HSET h f 1", refused) == aborted
    assert client("HLEN h") == 0


def test_a_refused_exec_ends_the_transaction(client: HarnessClient) -> None:
    client("MULTI")
    reason = "wrong number of arguments for 'exec' command"
    assert client("EXEC now") == ErrorReply("EXECABORT", f"Transaction discarded because of: {reason}")
    assert client("EXEC") == ErrorReply("ERR", "EXEC without MULTI")


def test_discard_forgets_the_queue_and_the_watches(client: HarnessClient, other: HarnessClient) -> None:
    client("WATCH h")
    client("MULTI")
    client("HSET h f 1")
    assert client("DISCARD") == b"OK"
    other("HSET h f 2")
    assert transaction(client, "HGET h f") == [b"2"]


def test_transactions_do_not_nest(client: HarnessClient) -> None:
    client("MULTI")
    assert client("MULTI") == ErrorReply("ERR", "MULTI calls can not be nested")
    assert client("WATCH h") == ErrorReply("ERR", "WATCH inside MULTI is not allowed")
    assert client("EXEC") == []


@pytest.mark.parametrize("command", ["EXEC", "DISCARD"])
def test_there_must_be_a_transaction_to_end(client: HarnessClient, command: str) -> None:
    assert client(command) == ErrorReply("ERR", f"{command} without MULTI")


@pytest.mark.parametrize("change", ["HSET h f 1", "HSET h f 2", "HDEL h f", "HINCRBY h n 1"])
def test_a_change_of_a_watched_key_makes_exec_answer_null(
    client: HarnessClient, other: HarnessClient, change: str
) -> None:
    client("HSET h f 1")
    client("WATCH h g")
    other(change)
    assert transaction(client, "HSET result f 1") is None
    assert client("HLEN result") == 0


def test_one_s_own_change_counts(client: HarnessClient) -> None:
    client("WATCH h")
    client("HSET h f 1")
    assert transaction(client, "HGET h f") is None


@pytest.mark.parametrize(
    "command", ["HGET h f", "HSETNX h f 2", "HDEL h x", "HINCRBY h f x", "HSET other f 1"]
)
def test_what_changes_nothing_disturbs_no_watch(
    client: HarnessClient, other: HarnessClient, command: str
) -> None:
    client("HSET h f 1")
    client("WATCH h")
    other(command)
    assert transaction(client, "HGET h f") == [b"1"]


def test_a_watch_is_of_one_database(client: HarnessClient, other: HarnessClient) -> None:
    client("WATCH h")
    other("SELECT 1")
    other("HSET h f 1")
    assert transaction(client, "HLEN h") == [0]


def test_a_watch_outlives_select(client: HarnessClient, other: HarnessClient) -> None:
    client("WATCH h")
    client("SELECT 1")
    other("HSET h f 1")
    assert transaction(client, "HLEN h") is None


@pytest.mark.parametrize("ending", ["UNWATCH", "RESET"])
def test_a_watch_can_be_ended(client: HarnessClient, other: HarnessClient, ending: str) -> None:
    client("WATCH h")
    other("HSET h f 1")
    client(ending)
    client("HELLO 3")
    assert transaction(client, "HLEN h") == [1]


def test_exec_ends_all_watches(harness: Harness, client: HarnessClient, other: HarnessClient) -> None:
    client("WATCH h g")
    assert transaction(client) == []
    other("HSET h f 1")
    assert transaction(client) == []
    assert not harness.node.keyspace.journal.watched_keys(0)


def expire_soon(harness: Harness, key: bytes, deadline_ms: int) -> None:
    database = harness.node.keyspace.databases[0]
    entry = database.find(key)
    assert entry is not None
    entry.expires_at_ms = deadline_ms


def test_expiry_after_watch_is_a_change(harness: Harness, client: HarnessClient) -> None:
    client("HSET h f 1")
    expire_soon(harness, b"h", harness.clock.now_ms + 50)
    client("WATCH h")
    harness.clock.advance(100)
    assert transaction(client, "HLEN h") is None


def test_expiry_before_watch_is_none(harness: Harness, client: HarnessClient) -> None:
    client("HSET h f 1")
    expire_soon(harness, b"h", harness.clock.now_ms + 50)
    harness.clock.advance(100)
    client("WATCH h")
    assert transaction(client, "HLEN h") == [0]


def test_a_client_that_leaves_takes_its_watches_with_it(harness: Harness, client: HarnessClient) -> None:
    client("WATCH h")
    client.close()
    assert not harness.node.keyspace.journal.watched_keys(0)


def test_exec_of_a_changed_key_is_a_null_array_in_resp2(harness: Harness) -> None:
    client = harness.client(protocol=2)
    client("WATCH h")
    client("HSET h f 1")
    client("MULTI")
    assert client.raw("EXEC") == b"*-1\r\n"


def test_hello_in_a_transaction_changes_the_shape_of_later_replies_only(harness: Harness) -> None:
    client = harness.client(protocol=2)
    for command in ("HSET h f 1", "MULTI", "HGETALL h", "HELLO 3", "HGETALL h"):
        client(command)
    wire = client.raw("EXEC")
    assert wire.startswith(b"*3\r\n*2\r\n$1\r\nf\r\n$1\r\n1\r\n%8\r\n")
    assert wire.endswith(b"%1\r\n$1\r\nf\r\n$1\r\n1\r\n")


def test_select_in_a_transaction_stays(client: HarnessClient) -> None:
    assert transaction(client, "SELECT 2", "HSET h f 1") == [b"OK", 1]
    assert client("HLEN h") == 1
    client("SELECT 0")
    assert client("HLEN h") == 0


def test_monitors_see_exec_after_what_it_ran(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    harness.node.monitors.add(other.record.id)
    harness.dispatcher.refresh()
    transaction(client, "HSET h f 1")
    seen = [line.split(b"] ")[1] for line in other.replies()]
    assert seen == [b'"MULTI"', b'"HSET" "h" "f" "1"', b'"EXEC"']


def test_the_last_command_of_a_client_may_be_a_queued_one(client: HarnessClient) -> None:
    client("MULTI")
    client("HGET h f")
    assert client.record.last_command == "hget"


def test_a_transaction_may_be_no_larger_than_what_a_client_may_have_unread() -> None:
    client = Harness(client_query_buffer_limit="1mb").client()
    client("MULTI")
    for _ in range(10):
        assert client("SET", "a", "x" * 100_000) == b"QUEUED"
    assert client.send("SET", "a", "x" * 100_000) == []
    assert client.record.ending is Ending.AT_ONCE
