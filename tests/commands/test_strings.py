"""Strings whole: GET, SET and their kin."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import START_MS, Harness, HarnessClient
from tests.commands.recorder import Recorder

WRONG_TYPE = ErrorReply("WRONGTYPE", "Operation against a key holding the wrong kind of value")
SYNTAX = ErrorReply("ERR", "syntax error")
LATER = "4102444800"


def test_what_is_set_can_be_got(client: HarnessClient) -> None:
    assert client("SET", b"k", b"\x00\r\n\xff") == b"OK"
    assert client("GET k") == b"\x00\r\n\xff"
    assert client("GET nothing") is None


def test_the_empty_string_is_a_value(client: HarnessClient) -> None:
    client("SET", b"", b"")
    assert [client("GET", b""), client("STRLEN", b""), client("EXISTS", b"")] == [b"", 0, 1]


@pytest.mark.parametrize(
    ("option", "left_ms"),
    [("EX 10", 10_000), ("px 1500", 1500), (f"EXAT {LATER}", None), (f"PxAt {LATER}000", None)],
)
def test_set_gives_a_deadline(client: HarnessClient, option: str, left_ms: int | None) -> None:
    assert client(f"SET k v {option}") == b"OK"
    assert client("PTTL k") == (left_ms or int(LATER) * 1000 - START_MS)


def test_set_takes_the_deadline_away_unless_told_to_keep_it(client: HarnessClient) -> None:
    client("SET k v EX 10")
    client("SET k w KEEPTTL")
    assert client("TTL k") == 10
    client("SET k x")
    assert client("TTL k") == -1


def test_set_on_conditions(client: HarnessClient) -> None:
    assert [client("SET k a XX"), client("SET k b NX"), client("SET k c NX"), client("SET k d XX")] == [
        None,
        b"OK",
        None,
        b"OK",
    ]
    assert client("GET k") == b"d"


def test_set_get_answers_the_old_value_whether_it_sets_or_not(client: HarnessClient) -> None:
    assert client("SET k a GET") is None
    assert client("SET k b GET") == b"a"
    assert client("SET k c NX GET") == b"b"
    assert client("SET other d XX GET") is None
    assert [client("GET k"), client("EXISTS other")] == [b"b", 0]


def test_set_replaces_any_type_but_get_wants_a_string(client: HarnessClient) -> None:
    client("HSET h f 1")
    assert client("SET h v GET") == WRONG_TYPE
    assert client("TYPE h") == b"hash"
    assert client("SET h v") == b"OK"
    assert client("GET h") == b"v"


@pytest.mark.parametrize(
    "options",
    [
        "FOO",
        "EX",
        "EX 1 PX 1",
        "EX 1 KEEPTTL",
        "KEEPTTL PXAT 1",
        "NX XX",
        "EX abc NX XX",
        "PERSIST",
        "EXAT",
        "''",
    ],
)
def test_set_refuses_options_that_do_not_go_together(client: HarnessClient, options: str) -> None:
    assert client(f"SET k v {options}") == SYNTAX
    assert client("EXISTS k") == 0


def test_of_a_repeated_option_the_last_counts(client: HarnessClient) -> None:
    assert client("SET k v EX 5 EX 10 NX NX GET GET") is None
    assert client("TTL k") == 10


def test_a_key_set_to_a_past_moment_is_never_seen(client: HarnessClient, recorder: Recorder) -> None:
    assert client("SET k v PXAT 1") == b"OK"
    assert client("GET k") is None
    assert recorder.take() == ["set", "expire", "expired"]


def test_setnx_never_replaces(client: HarnessClient) -> None:
    assert [client("SETNX k a"), client("SETNX k b"), client("GET k")] == [1, 0, b"a"]


def test_getset_swaps_and_forgets_the_deadline(client: HarnessClient) -> None:
    assert client("GETSET k a") is None
    client("EXPIRE k 10")
    assert client("GETSET k b") == b"a"
    assert [client("GET k"), client("TTL k")] == [b"b", -1]


def test_getdel_takes_the_value_away(client: HarnessClient) -> None:
    client("SET k v")
    assert [client("GETDEL k"), client("GETDEL k"), client("EXISTS k")] == [b"v", None, 0]


def test_mget_answers_nothing_for_what_is_no_string(client: HarnessClient) -> None:
    client("HSET h f 1")
    client("SET a 1")
    client("APPEND a 2")
    assert client("MGET a h nothing a") == [b"12", None, None, b"12"]


def test_mset_sets_all_and_the_last_of_a_key_counts(client: HarnessClient) -> None:
    client("HSET b f 1")
    client("SET a old EX 10")
    assert client("MSET a 1 b 2 a 3") == b"OK"
    assert [client("MGET a b"), client("TTL a")] == [[b"3", b"2"], -1]


def test_msetnx_sets_all_or_none(client: HarnessClient) -> None:
    assert client("MSETNX a 1 b 2") == 1
    assert client("MSETNX b 3 c 4") == 0
    assert client("MGET a b c") == [b"1", b"2", None]


@pytest.mark.parametrize("command", ["MSET", "MSETNX"])
def test_a_key_without_a_value_is_an_arity_error(client: HarnessClient, command: str) -> None:
    error = ErrorReply("ERR", f"wrong number of arguments for '{command.lower()}' command")
    assert client(f"{command} a 1 b") == error
    assert client("DBSIZE") == 0


@pytest.mark.parametrize("command", ["GET h", "GETDEL h", "GETSET h v", "STRLEN h", "SET h v GET EX 5"])
def test_a_hash_is_no_string(client: HarnessClient, command: str) -> None:
    client("HSET h f 1")
    assert client(command) == WRONG_TYPE
    assert [client("HGET h f"), client("TTL h")] == [b"1", -1]


@pytest.mark.parametrize(
    ("command", "notices"),
    [
        ("SET k v", ["set"]),
        ("SET k v EX 10", ["set", "expire"]),
        ("SETNX k v", []),
        ("GETSET k v", ["set"]),
        ("GETDEL k", ["del"]),
        ("MSET k v j w", ["set", "set"]),
        ("MSETNX k v j w", []),
        ("SET k v NX", []),
    ],
)
def test_changes_are_told_in_the_words_of_redis(
    client: HarnessClient, recorder: Recorder, command: str, notices: list[str]
) -> None:
    client("SET k old EX 100")
    recorder.take()
    client(command)
    assert recorder.take() == notices


def test_set_reads_its_key_only_with_get(client: HarnessClient) -> None:
    assert client("COMMAND GETKEYSANDFLAGS SET k v EX 10") == [[b"k", [b"OW", b"update"]]]
    assert client("COMMAND GETKEYSANDFLAGS SET k v get") == [[b"k", [b"RW", b"access", b"update"]]]


def test_reads_count_as_hits_and_misses(client: HarnessClient, harness: Harness) -> None:
    client("SET k v")
    for command in ("GET k", "GET none", "MGET k none", "SET k v GET", "STRLEN none", "SETNX k v"):
        client(command)
    statistics = harness.node.statistics
    assert (statistics.keyspace_hits, statistics.keyspace_misses) == (3, 3)
