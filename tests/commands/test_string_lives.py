"""SETEX, PSETEX and GETEX, and the lives that they give like SET."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import HarnessClient
from tests.commands.recorder import Recorder

WRONG_TYPE = ErrorReply("WRONGTYPE", "Operation against a key holding the wrong kind of value")
SYNTAX = ErrorReply("ERR", "syntax error")
NOT_AN_INTEGER = ErrorReply("ERR", "value is not an integer or out of range")


@pytest.mark.parametrize("time", ["0", "-1", "9223372036854775807", "9223372036854776"])
@pytest.mark.parametrize(
    ("command", "name"), [("SET k v EX {}", "set"), ("SETEX k {} v", "setex"), ("GETEX k EX {}", "getex")]
)
def test_a_life_that_is_no_life_is_refused(client: HarnessClient, command: str, name: str, time: str) -> None:
    client("SET k old")
    assert client(command.format(time)) == ErrorReply("ERR", f"invalid expire time in '{name}' command")
    assert client("GET k") == b"old"


def test_a_time_must_be_an_integer(client: HarnessClient) -> None:
    for command in ("SET k v EX x", "SET k v PXAT 1.5", "SETEX k x v", "PSETEX k '' v"):
        assert client(command) == NOT_AN_INTEGER
    assert client("GETEX k EX x") is None  # the key is looked at first
    client("SET k v")
    assert client("GETEX k EX x") == NOT_AN_INTEGER


def test_setex_and_psetex(client: HarnessClient) -> None:
    assert client("SETEX k 10 v") == b"OK"
    assert [client("GET k"), client("PTTL k")] == [b"v", 10_000]
    assert client("PSETEX k 1500 w") == b"OK"
    assert [client("GET k"), client("PTTL k")] == [b"w", 1500]


def test_getex_changes_only_the_deadline(client: HarnessClient) -> None:
    client("SET k v")
    for command, ttl in (("GETEX k", -1), ("GETEX k EX 10", 10), ("GETEX k", 10), ("GETEX k PERSIST", -1)):
        assert client(command) == b"v"
        assert client("TTL k") == ttl
    assert client("GETEX nothing EX 10") is None


def test_getex_deletes_at_a_past_moment(client: HarnessClient, recorder: Recorder) -> None:
    client("SET k v")
    assert client("GETEX k EXAT 1") == b"v"
    assert client("EXISTS k") == 0
    assert recorder.take() == ["set", "del"]


@pytest.mark.parametrize("options", ["KEEPTTL", "NX", "EX 1 PERSIST", "EX", "PERSIST PX 1"])
def test_getex_has_options_of_its_own(client: HarnessClient, options: str) -> None:
    client("SET k v")
    assert client(f"GETEX k {options}") == SYNTAX


@pytest.mark.parametrize("command", ["GETEX h", "GETEX h EX 10"])
def test_getex_wants_a_string(client: HarnessClient, command: str) -> None:
    client("HSET h f 1")
    assert client(command) == WRONG_TYPE
    assert [client("HGET h f"), client("TTL h")] == [b"1", -1]


@pytest.mark.parametrize(
    ("command", "notices"),
    [
        ("SETEX k 10 v", ["set", "expire"]),
        ("PSETEX k 10 v", ["set", "expire"]),
        ("GETEX k", []),
        ("GETEX k EX 10", ["expire"]),
        ("GETEX k PERSIST", ["persist"]),
    ],
)
def test_changes_are_told_in_the_words_of_redis(
    client: HarnessClient, recorder: Recorder, command: str, notices: list[str]
) -> None:
    client("SET k old EX 100")
    recorder.take()
    client(command)
    assert recorder.take() == notices
