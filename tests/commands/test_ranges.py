"""Parts of strings: APPEND, GETRANGE, SETRANGE, SUBSTR."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.commands.recorder import Recorder
from tests.thoroughness import examples

WRONG_TYPE = ErrorReply("WRONGTYPE", "Operation against a key holding the wrong kind of value")
TOO_LONG = ErrorReply("ERR", "string exceeds maximum allowed size (proto-max-bulk-len)")


def payload_bytes(harness: Harness) -> int:
    return harness.node.keyspace.databases[0].payload_bytes


def test_append_makes_and_grows_a_string(client: HarnessClient) -> None:
    assert [client("APPEND k one"), client("APPEND k two"), client("APPEND k ''"), client("GET k")] == [
        3,
        6,
        6,
        b"onetwo",
    ]


def test_a_reply_does_not_change_when_the_string_does(harness: Harness, client: HarnessClient) -> None:
    client("APPEND k a")
    client("APPEND k b")
    client("MULTI")
    for command in ("GET k", "GETRANGE k 0 -1", "MGET k", "GETEX k", "APPEND k c"):
        client(command)
    assert client("EXEC") == [b"ab", b"ab", [b"ab"], b"ab", 3]


def test_the_deadline_stays(client: HarnessClient) -> None:
    client("SET k v EX 10")
    client("APPEND k w")
    client("SETRANGE k 5 x")
    client("APPEND k y")
    assert client("TTL k") == 10


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        (0, 4, b"hello"),
        (6, 100, b"world"),
        (-5, -1, b"world"),
        (-100, 1, b"he"),
        (0, -100, b"h"),
        (5, 4, b""),
        (-1, -5, b""),
        (100, 200, b""),
        (-(2**63), 2**63 - 1, b"hello world"),
    ],
)
@pytest.mark.parametrize("command", ["GETRANGE", "SUBSTR"])
def test_a_range_counts_from_either_end(
    client: HarnessClient, command: str, start: int, end: int, part: bytes
) -> None:
    client("SET k 'hello world'")
    assert client(f"{command} k {start} {end}") == part


def test_a_range_of_nothing_is_empty(client: HarnessClient) -> None:
    client("SET empty ''")
    assert [client("GETRANGE none 0 -1"), client("GETRANGE empty 0 -1"), client("GETRANGE empty -1 0")] == [
        b""
    ] * 3


def test_setrange_overwrites_and_lengthens(client: HarnessClient) -> None:
    client("SET k 'hello world'")
    assert [client("SETRANGE k 6 redis!"), client("GET k")] == [12, b"hello redis!"]
    assert [client("SETRANGE k 0 J"), client("GET k")] == [12, b"Jello redis!"]


def test_setrange_fills_a_gap_with_zero_bytes(client: HarnessClient) -> None:
    assert [client("SETRANGE new 3 x"), client("GET new")] == [4, b"\0\0\0x"]
    assert [client("SETRANGE new 6 y"), client("GET new")] == [7, b"\0\0\0x\0\0y"]


def test_setrange_of_nothing_changes_nothing(client: HarnessClient, recorder: Recorder) -> None:
    assert [client("SETRANGE none 5 ''"), client("EXISTS none")] == [0, 0]
    client("SET k abc")
    recorder.take()
    assert [client("SETRANGE k 9 ''"), client("GET k"), recorder.take()] == [3, b"abc", []]


def test_setrange_refuses_offsets_that_are_none(client: HarnessClient) -> None:
    client("HSET h f 1")
    assert client("SETRANGE h -1 x") == ErrorReply("ERR", "offset is out of range")
    assert client("SETRANGE h x y") == ErrorReply("ERR", "value is not an integer or out of range")
    assert client("SETRANGE h 0 y") == WRONG_TYPE


@pytest.mark.parametrize(
    "command", ["APPEND h x", "GETRANGE h 0 1", "SUBSTR h 0 1", "SETRANGE h 0 x", "SETRANGE h 0 ''"]
)
def test_a_hash_has_no_parts(client: HarnessClient, command: str) -> None:
    client("HSET h f 1")
    assert client(command) == WRONG_TYPE


def test_no_string_gets_longer_than_a_client_could_send() -> None:
    client = Harness(proto_max_bulk_len="1mb").client()
    limit = 1024 * 1024
    assert client("SETRANGE", "k", limit - 1, "x") == limit
    assert client("APPEND", "k", "y") == TOO_LONG
    assert client("SETRANGE", "k", limit, "y") == TOO_LONG
    assert client("SETRANGE", "new", 2**63 - 1, "y") == TOO_LONG
    assert [client("STRLEN k"), client("EXISTS new")] == [limit, 0]


def test_changes_are_told_in_the_words_of_redis(client: HarnessClient, recorder: Recorder) -> None:
    for command in ("APPEND k a", "APPEND k b", "APPEND k c", "SETRANGE k 0 x", "SETRANGE j 0 x"):
        client(command)
    assert recorder.take() == ["append", "append", "append", "setrange", "setrange"]


@settings(max_examples=examples(50, 200))
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("APPEND"), st.binary(max_size=20)),
            st.tuples(st.just("SETRANGE"), st.integers(0, 50), st.binary(max_size=20)),
            st.tuples(st.just("SET"), st.binary(max_size=20)),
        ),
        max_size=20,
    )
)
def test_a_string_is_the_sum_of_its_changes_and_so_is_its_memory(
    changes: list[tuple[str | int | bytes, ...]],
) -> None:
    harness = Harness()
    client, model = harness.client(), b""
    for name, *rest in changes:
        client(str(name), "k", *rest)
        value = rest[-1]
        assert isinstance(value, bytes)
        if name == "APPEND":
            model += value
        elif name == "SET":
            model = value
        elif value and isinstance(rest[0], int):
            model = model[: rest[0]].ljust(rest[0], b"\0") + value + model[rest[0] + len(value) :]
    assert (client("GET k") or b"") == model
    assert payload_bytes(harness) == client("EXISTS k") * (1 + len(model))
