"""HINCRBY and HINCRBYFLOAT."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import HarnessClient


def test_hincrby_counts_from_nothing(client: HarnessClient) -> None:
    assert [client("HINCRBY h n 5"), client("HINCRBY h n -7"), client("HGET h n")] == [5, -2, b"-2"]


@pytest.mark.parametrize(
    ("value", "increment"), [("9223372036854775807", "1"), ("-9223372036854775808", "-1")]
)
def test_hincrby_refuses_to_overflow(client: HarnessClient, value: str, increment: str) -> None:
    client(f"HSET h n {value}")
    overflow = ErrorReply("ERR", "increment or decrement would overflow")
    assert client(f"HINCRBY h n {increment}") == overflow
    assert client("HGET h n") == value.encode()


def test_increments_refuse_what_is_no_number(client: HarnessClient) -> None:
    client("HSET h w word")
    assert client("HINCRBY h w 1") == ErrorReply("ERR", "hash value is not an integer")
    assert client("HINCRBYFLOAT h w 1") == ErrorReply("ERR", "hash value is not a float")
    assert client("HINCRBY h w x") == ErrorReply("ERR", "value is not an integer or out of range")
    assert client("HINCRBYFLOAT h w x") == ErrorReply("ERR", "value is not a valid float")
    assert client("HINCRBYFLOAT h n inf") == ErrorReply("ERR", "value is NaN or Infinity")
    client("HSET h i inf")
    assert client("HINCRBYFLOAT h i 1") == ErrorReply("ERR", "increment would produce NaN or Infinity")
