"""Keys of any type."""

import pytest

from respcache.keyspace.entry import DEADLINE_BYTES, ENTRY_BYTES
from respcache.keyspace.lives import Lives
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.commands.recorder import Recorder

NO_SUCH_KEY = ErrorReply("ERR", "no such key")
SAME_OBJECT = ErrorReply("ERR", "source and destination objects are the same")
OUT_OF_RANGE = ErrorReply("ERR", "DB index is out of range")
SYNTAX = ErrorReply("ERR", "syntax error")
NO_INT = ErrorReply("ERR", "value is out of range, value must between -2147483648 and 2147483647")
LATER = "4102444800"


@pytest.mark.parametrize("command", ["DEL", "UNLINK"])
def test_deleting_counts_what_was_there(client: HarnessClient, command: str) -> None:
    client("MSET a 1 b 2")
    client("HSET h f 1")
    assert client(f"{command} a none h a") == 2
    assert client("KEYS *") == [b"b"]


def test_what_has_expired_is_not_deleted(harness: Harness, client: HarnessClient, recorder: Recorder) -> None:
    client("SET k v PX 10")
    harness.clock.advance(10)
    assert client("DEL k") == 0
    assert recorder.take() == ["set", "expire", "expired"]


def test_exists_counts_each_mention(client: HarnessClient) -> None:
    client("SET a 1")
    assert client("EXISTS a a none") == 2


def test_touch_uses_a_key_and_exists_does_not(harness: Harness, client: HarnessClient) -> None:
    client("MSET a 1 b 2")
    harness.clock.advance(5000)
    assert [client("TOUCH a none a"), client("EXISTS b"), client("TYPE b"), client("TTL b")] == [
        2,
        1,
        b"string",
        -1,
    ]
    assert [client("OBJECT IDLETIME a"), client("OBJECT IDLETIME b")] == [0, 5]


def test_asking_about_keys_counts_as_hits_and_misses(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    for command in ("EXISTS a none", "TYPE a", "TYPE none", "TTL a", "TOUCH a", "OBJECT ENCODING a"):
        client(command)
    statistics = harness.node.statistics
    assert (statistics.keyspace_hits, statistics.keyspace_misses) == (4, 2)


def test_every_type_has_a_name(client: HarnessClient) -> None:
    client("SET s 1")
    client("APPEND s 2")
    client("HSET h f 1")
    assert [client(f"TYPE {key}") for key in ("s", "h", "none")] == [b"string", b"hash", b"none"]


# -- renaming ---------------------------------------------------------------


def test_rename_carries_value_deadline_and_last_use(harness: Harness, client: HarnessClient) -> None:
    client(f"SET a 1 EXAT {LATER}")
    client("SET b 2")
    harness.clock.advance(7000)
    assert client("RENAME a b") == b"OK"
    assert [client("OBJECT IDLETIME b"), client("GET b"), client("EXPIRETIME b")] == [7, b"1", int(LATER)]
    assert client("EXISTS a") == 0


def test_a_renamed_key_that_lives_for_ever_takes_no_deadline_over(client: HarnessClient) -> None:
    client("SET a 1")
    client("SET b 2 EX 10")
    client("RENAME a b")
    assert client("TTL b") == -1


def test_rename_keeps_memory_in_account(harness: Harness, client: HarnessClient) -> None:
    client("SET a 123 EX 10")
    client("HSET longer f 1")
    client("RENAME a longer")
    keyspace = harness.node.keyspace
    entry_bytes = ENTRY_BYTES + keyspace.databases[0].entries[b"longer"].slack_bytes
    assert keyspace.used_bytes == entry_bytes + DEADLINE_BYTES + len(b"longer" + b"123")


def test_a_missing_key_cannot_be_renamed(client: HarnessClient) -> None:
    for command in ("RENAME none a", "RENAME none none", "RENAMENX none a", "RENAMENX none none"):
        assert client(command) == NO_SUCH_KEY


def test_the_same_name_is_no_change(client: HarnessClient, recorder: Recorder) -> None:
    client("SET a 1")
    recorder.take()
    assert [client("RENAME a a"), client("RENAMENX a a"), recorder.take()] == [b"OK", 0, []]


def test_renamenx_replaces_nothing(client: HarnessClient) -> None:
    client("MSET a 1 b 2")
    assert [client("RENAMENX a b"), client("RENAMENX a c"), client("MGET a b c")] == [
        0,
        1,
        [None, b"2", b"1"],
    ]


def test_renaming_onto_an_expired_key_tells_its_death_first(
    harness: Harness, client: HarnessClient, recorder: Recorder
) -> None:
    client("SET a 1")
    client("SET b 2 PX 10")
    harness.clock.advance(10)
    recorder.take()
    client("RENAME a b")
    assert recorder.take() == ["expired", "rename_from", "rename_to"]


# -- copying and moving -----------------------------------------------------


def test_copy_copies_value_and_deadline(client: HarnessClient) -> None:
    client(f"SET a 1 EXAT {LATER}")
    assert [client("COPY a b"), client("GET b"), client("EXPIRETIME b")] == [1, b"1", int(LATER)]
    assert client("GET a") == b"1"


def test_copy_replaces_only_when_told(client: HarnessClient) -> None:
    client("SET a 1")
    client("SET b 2 EX 10")
    assert [client("COPY a b"), client("GET b")] == [0, b"2"]
    assert [client("COPY a b REPLACE"), client("GET b"), client("TTL b")] == [1, b"1", -1]


@pytest.mark.parametrize(
    ("make", "change", "look"),
    [("HSET k f 1", "HSET k f 2", "HGET twin f"), ("SETRANGE k 0 1", "APPEND k 2", "GET twin")],
)
def test_a_copy_changes_on_its_own(client: HarnessClient, make: str, change: str, look: str) -> None:
    client(make)
    client("COPY k twin")
    client(change)
    assert client(look) == b"1"


def test_a_copy_of_a_key_that_lives_for_ever_does_so_too(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    harness.node.keyspace.set_lives(Lives(1000))
    client("COPY a b")
    client("COPY a c DB 1")
    client("RENAME a d")
    assert [client("TTL b"), client("TTL d")] == [-1, -1]


def test_copy_reaches_other_databases(client: HarnessClient) -> None:
    client("SET a 1")
    assert [client("COPY a a DB 2"), client("COPY a a DB 2"), client("COPY a a db 2 replace")] == [1, 0, 1]
    client("SELECT 2")
    assert client("GET a") == b"1"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("", SAME_OBJECT),
        ("REPLACE DB 0", SAME_OBJECT),
        ("DB 16", OUT_OF_RANGE),
        ("DB -1", OUT_OF_RANGE),
        ("DB 2147483648", NO_INT),
        ("DB x", ErrorReply("ERR", "value is not an integer or out of range")),
        ("DB", SYNTAX),
        ("FOO", SYNTAX),
    ],
)
def test_copy_refuses_what_makes_no_sense(client: HarnessClient, options: str, error: ErrorReply) -> None:
    assert client(f"COPY a a {options}") == error


def test_move_takes_a_key_to_another_database(client: HarnessClient) -> None:
    client(f"SET a 1 EXAT {LATER}")
    assert [client("MOVE a 1"), client("EXISTS a"), client("MOVE a 1")] == [1, 0, 0]
    client("SET a 2")
    assert client("MOVE a 1") == 0
    client("SELECT 1")
    assert [client("GET a"), client("EXPIRETIME a")] == [b"1", int(LATER)]


@pytest.mark.parametrize(
    ("db", "error"),
    [
        ("0", SAME_OBJECT),
        ("16", OUT_OF_RANGE),
        ("-1", OUT_OF_RANGE),
        ("2147483648", NO_INT),
        ("x", ErrorReply("ERR", "value is not an integer or out of range")),
    ],
)
def test_move_wants_another_database(client: HarnessClient, db: str, error: ErrorReply) -> None:
    client("SET a 1")
    assert client(f"MOVE a {db}") == error
    assert client("EXISTS a") == 1


def test_changes_are_told_in_the_words_of_redis(client: HarnessClient, recorder: Recorder) -> None:
    client("SET a 1")
    for command in ("COPY a b", "RENAME b c", "MOVE c 1", "RENAMENX a b", "DEL b", "FLUSHALL", "SWAPDB 0 1"):
        client(command)
    assert recorder.take() == [
        "set", "copy_to", "rename_from", "rename_to", "move_from", "move_to", "rename_from", "rename_to", "del", "flushed",
    ]  # fmt: skip


# -- whole databases --------------------------------------------------------


def test_a_random_key_is_one_that_is_there(harness: Harness, client: HarnessClient) -> None:
    assert client("RANDOMKEY") is None
    client("SET goes v PX 10")
    client("SET stays v")
    harness.clock.advance(10)
    assert {client("RANDOMKEY") for _ in range(20)} == {b"stays"}


def test_every_key_is_drawn_now_and_then(client: HarnessClient) -> None:
    client("MSET a 1 b 2 c 3")
    assert {client("RANDOMKEY") for _ in range(100)} == {b"a", b"b", b"c"}
