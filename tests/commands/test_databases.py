"""Whole databases."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.cluster import FakeCluster, peer
from tests.commands.harness import Harness, HarnessClient

SYNTAX = ErrorReply("ERR", "syntax error")


@pytest.mark.parametrize("how", ["", "ASYNC", "sync"])
@pytest.mark.parametrize(("command", "left"), [("FLUSHDB", [0, 1]), ("FLUSHALL", [0, 0])])
def test_flushing_empties_one_database_or_all(
    client: HarnessClient, command: str, how: str, left: list[int]
) -> None:
    client("SET a 1")
    client("COPY a a DB 1")
    assert client(f"{command} {how}") == b"OK"
    sizes = [client("DBSIZE"), client("SELECT 1") and client("DBSIZE")]
    assert sizes == left


@pytest.mark.parametrize("command", ["FLUSHDB", "FLUSHALL"])
def test_flushing_takes_one_word_of_two(client: HarnessClient, command: str) -> None:
    client("SET a 1")
    for words in ("FOO", "ASYNC SYNC", "''"):
        assert client(f"{command} {words}") == SYNTAX
    assert client("DBSIZE") == 1


def test_swapdb_shows_everybody_the_other_side(harness: Harness, client: HarnessClient) -> None:
    other = harness.client()
    other("SELECT 1")
    client("SET a 1")
    assert client("SWAPDB 0 1") == b"OK"
    assert [client("GET a"), other("GET a")] == [None, b"1"]
    assert client("SWAPDB 1 1") == b"OK"
    assert other("GET a") == b"1"


def test_a_watched_key_changes_when_its_database_is_swapped(harness: Harness, client: HarnessClient) -> None:
    client("WATCH a")
    other = harness.client()
    other("SELECT 1")
    other("SET a 1")
    other("SWAPDB 0 1")
    client("MULTI")
    client("GET a")
    assert client("EXEC") is None


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("x 1", "invalid first DB index"),
        ("0 x", "invalid second DB index"),
        ("99999999999 0", "invalid first DB index"),
        ("0 16", "DB index is out of range"),
        ("-1 0", "DB index is out of range"),
    ],
)
def test_swapdb_wants_databases(client: HarnessClient, words: str, error: str) -> None:
    assert client(f"SWAPDB {words}") == ErrorReply("ERR", error)


def test_swapdb_is_refused_in_a_cluster(harness: Harness, client: HarnessClient) -> None:
    harness.node.cluster = FakeCluster([peer(1, is_self=True)], [])
    assert client("SWAPDB 0 1") == ErrorReply("ERR", "SWAPDB is not allowed in cluster mode")
