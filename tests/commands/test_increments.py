"""Strings that are numbers: INCR and its kin."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.commands.recorder import Recorder
from tests.servers import Server
from tests.thoroughness import examples
from tests.wire import encode_command

NOT_AN_INTEGER = ErrorReply("ERR", "value is not an integer or out of range")
NOT_A_FLOAT = ErrorReply("ERR", "value is not a valid float")
OVERFLOW = ErrorReply("ERR", "increment or decrement would overflow")
WRONG_TYPE = ErrorReply("WRONGTYPE", "Operation against a key holding the wrong kind of value")
LARGEST = 2**63 - 1


def test_counting_starts_from_nothing(client: HarnessClient) -> None:
    assert [client("INCR a"), client("DECR b"), client("INCRBY c 5"), client("DECRBY d 5")] == [1, -1, 5, -5]
    assert client("MGET a b c d") == [b"1", b"-1", b"5", b"-5"]


def test_the_deadline_stays(client: HarnessClient) -> None:
    client("SET n 5 EX 10")
    assert [client("INCR n"), client("INCRBYFLOAT n 0.5"), client("TTL n")] == [6, b"6.5", 10]


@pytest.mark.parametrize(
    ("value", "command"),
    [
        (LARGEST, "INCR n"),
        (-LARGEST - 1, "DECR n"),
        (1, f"INCRBY n {LARGEST}"),
        (-2, f"DECRBY n {LARGEST}"),
        (-1, f"INCRBY n {-LARGEST - 1}"),
    ],
)
def test_what_does_not_fit_64_bits_is_refused(client: HarnessClient, value: int, command: str) -> None:
    client(f"SET n {value}")
    assert client(command) == OVERFLOW
    assert client("GET n") == b"%d" % value


def test_the_one_decrement_that_cannot_be_turned_round_is_refused(client: HarnessClient) -> None:
    assert client(f"DECRBY n {-LARGEST - 1}") == ErrorReply("ERR", "decrement would overflow")
    assert client(f"INCRBY n {-LARGEST - 1}") == -LARGEST - 1


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "+1", "01", "-0", "1.0", "1e3", "0x10", "1_000", "9223372036854775808", "ten"]
)
def test_integers_are_read_strictly(client: HarnessClient, text: str) -> None:
    assert client("INCRBY", "n", text) == NOT_AN_INTEGER
    client("SET", "n", text)
    assert client("INCR n") == NOT_AN_INTEGER
    assert client("GET n") == text.encode()


def test_a_number_that_was_appended_to_is_still_one(client: HarnessClient) -> None:
    client("SET n 1")
    client("APPEND n 2")
    assert [client("INCR n"), client("GET n")] == [13, b"13"]


@pytest.mark.parametrize(
    "command", ["INCR h", "DECR h", "INCRBY h 1", "DECRBY h 1", "INCRBYFLOAT h 1", "INCRBYFLOAT h x"]
)
def test_a_hash_is_no_number(client: HarnessClient, command: str) -> None:
    client("HSET h f 1")
    assert client(command) == WRONG_TYPE


def test_the_amount_is_read_before_the_key_but_of_a_float_after_it(client: HarnessClient) -> None:
    client("HSET h f 1")
    assert client("INCRBY h x") == NOT_AN_INTEGER
    assert client("INCRBYFLOAT h x") == WRONG_TYPE


def test_float_sums_are_those_of_80_bits(client: HarnessClient) -> None:
    client("SET n 3000")
    assert [client("INCRBYFLOAT n 0.1"), client("GET n")] == [b"3000.10000000000000009"] * 2
    assert client("INCRBYFLOAT n -3000.1") == b"0"


@pytest.mark.parametrize("amount", ["", " 1", "1 ", "nan", "1,5", "0x", "1e5000"])
def test_what_is_no_float_is_refused(client: HarnessClient, amount: str) -> None:
    assert client("INCRBYFLOAT", "n", amount) == NOT_A_FLOAT
    client("SET", "n", amount)
    assert client("INCRBYFLOAT n 1") == NOT_A_FLOAT


def test_infinity_is_never_stored(client: HarnessClient) -> None:
    error = ErrorReply("ERR", "increment would produce NaN or Infinity")
    assert client("INCRBYFLOAT n inf") == error
    client("SET n inf")
    assert client("INCRBYFLOAT n -inf") == error
    assert client("GET n") == b"inf"


def test_all_integers_are_told_alike_and_floats_apart(client: HarnessClient, recorder: Recorder) -> None:
    for command in ("INCR n", "DECR n", "INCRBY n 1", "DECRBY n 1", "INCRBYFLOAT n 1"):
        client(command)
    assert recorder.take() == ["incrby"] * 4 + ["incrbyfloat"]


INTEGERS = st.one_of(st.integers(-100, 100), st.integers(-(2**64), 2**64)).map(str)
FLOATS = st.one_of(st.floats(width=64).map(repr), st.decimals(places=6, allow_nan=False).map(str), INTEGERS)


@pytest.mark.redis
@settings(max_examples=examples(100, 1000))
@given(values=st.lists(st.one_of(INTEGERS, FLOATS), min_size=1, max_size=10))
def test_a_number_grows_as_in_redis(redis_server: Server, values: list[str]) -> None:
    ours, wire = Harness().client(protocol=2), b""
    commands = [
        ["SET", "n", "0"],
        *([name, "n", value] for value in values for name in ("INCRBY", "INCRBYFLOAT")),
    ]
    words = [[word.encode() for word in command] for command in commands]
    for argv in words:
        ours.session.receive(encode_command(argv))
        wire += b"".join(ours.session.take_output())
    with redis_server.client() as theirs:
        assert wire == b"".join(theirs.pipeline(words))
