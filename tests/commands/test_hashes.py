"""The hash commands, but for increments, HSCAN and HRANDFIELD."""

from typing import cast

import pytest

from respcache.keyspace.hashes import Hash
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.commands.recorder import Recorder

HASH_COMMANDS = [
    "HSET k f 1", "HSETNX k f 1", "HMSET k f 1", "HGET k f", "HMGET k f", "HGETALL k", "HDEL k f", "HEXISTS k f",
    "HINCRBY k f 1", "HINCRBYFLOAT k f 1", "HKEYS k", "HVALS k", "HLEN k", "HSTRLEN k f", "HRANDFIELD k", "HSCAN k 0",
]  # fmt: skip


def stored(harness: Harness, key: bytes = b"h") -> Hash:
    return cast(Hash, harness.node.keyspace.databases[0].peek(key))


def test_hset_counts_new_fields(client: HarnessClient) -> None:
    assert client("HSET h a 1 b 2") == 2
    assert client("HSET h b 3 c 4 c 5") == 1
    assert client("HGETALL h") == {b"a": b"1", b"b": b"3", b"c": b"5"}


@pytest.mark.parametrize("command", ["HSET", "HMSET"])
def test_a_field_without_a_value_is_an_arity_error(client: HarnessClient, command: str) -> None:
    error = ErrorReply("ERR", f"wrong number of arguments for '{command.lower()}' command")
    assert client(f"{command} h a 1 b") == error
    assert client("HLEN h") == 0


def test_hsetnx_never_replaces(client: HarnessClient) -> None:
    assert [client("HSETNX h f 1"), client("HSETNX h f 2"), client("HGET h f")] == [1, 0, b"1"]


def test_a_missing_key_is_a_hash_without_fields(client: HarnessClient) -> None:
    assert client("HGET h f") is None
    assert client("HMGET h f g") == [None, None]
    assert client("HGETALL h") == {}
    assert [client(f"{name} h") for name in ("HKEYS", "HVALS", "HLEN")] == [[], [], 0]
    assert [client(f"{name} h f") for name in ("HEXISTS", "HSTRLEN", "HDEL")] == [0, 0, 0]


def test_fields_keep_the_order_of_their_coming(client: HarnessClient) -> None:
    client("HSET h z 1 a 2 m 3")
    client("HDEL h a")
    client("HSET h z 4 a 5")
    assert client("HKEYS h") == [b"z", b"m", b"a"]
    assert client("HVALS h") == [b"4", b"3", b"5"]


def test_the_last_field_takes_the_key_with_it(harness: Harness, client: HarnessClient) -> None:
    client("HSET h a 1 b 2")
    assert client("HDEL h a b c") == 2
    assert not harness.node.keyspace.databases[0].has(b"h")


def test_changes_are_told_in_the_words_of_redis(harness: Harness, client: HarnessClient) -> None:
    recorder = Recorder(harness)
    for command in ("HSET h a 1", "HMSET h a 1", "HSETNX h b 1", "HINCRBY h a 1", "HINCRBYFLOAT h a 1"):
        client(command)
    assert recorder.take() == ["hset", "hset", "hset", "hincrby", "hincrbyfloat"]
    client("HDEL h a b")
    assert recorder.take() == ["hdel", "del"]


def test_what_changes_nothing_is_not_told(harness: Harness, client: HarnessClient) -> None:
    client("HSET h a 1")
    recorder = Recorder(harness)
    for command in ("HSETNX h a 2", "HDEL h x", "HDEL missing x", "HINCRBY h a x", "HGETALL h"):
        client(command)
    assert recorder.take() == []


def test_a_hash_outgrows_its_compact_form_at_the_settings_limits() -> None:
    harness = Harness(hash_max_listpack_entries="2", hash_max_listpack_value="5")
    client = harness.client()
    client("HSET many a 1 b 2")
    client("HSET wide a 12345")
    assert stored(harness, b"many").is_compact
    assert stored(harness, b"wide").is_compact
    client("HINCRBY many c 1")
    client("HSET wide longer 1")
    assert not stored(harness, b"many").is_compact
    assert not stored(harness, b"wide").is_compact


def test_memory_is_counted_as_fields_come_and_go(harness: Harness, client: HarnessClient) -> None:
    db = harness.node.keyspace.databases[0]
    for command in ("HSET h a 1 b 22", "HSET h a 333", "HINCRBY h n 100", "HDEL h b", "HSETNX h z 1"):
        client(command)
        assert db.payload_bytes == len(b"h") + stored(harness).size_bytes
    client("HDEL h a n z")
    assert db.payload_bytes == 0


def test_reads_count_hits_and_misses_and_changes_do_not(harness: Harness, client: HarnessClient) -> None:
    for command in ("HSET h f 1", "HGET h f", "HGET h g", "HLEN h", "HGET x f", "HDEL x f", "HINCRBY h n 1"):
        client(command)
    statistics = harness.node.statistics
    assert (statistics.keyspace_hits, statistics.keyspace_misses) == (3, 1)


def test_an_answer_within_exec_shows_the_hash_as_it_was_then(client: HarnessClient) -> None:
    client("HSET h a 1")
    for command in ("MULTI", "HGETALL h", "HSET h a 2", "HGETALL h"):
        client(command)
    assert client("EXEC") == [{b"a": b"1"}, 0, {b"a": b"2"}]


@pytest.mark.parametrize("command", HASH_COMMANDS)
def test_a_string_is_the_wrong_type(harness: Harness, client: HarnessClient, command: str) -> None:
    client("SET k 1")
    reply = client(command)
    assert reply == ErrorReply("WRONGTYPE", "Operation against a key holding the wrong kind of value")
    assert client("GET k") == b"1"
