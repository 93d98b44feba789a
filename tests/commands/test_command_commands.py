import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import HarnessClient
from tests.wire import RawClient, words

ALIKE = [
    "COMMAND GETKEYS HSET h f v",
    "COMMAND GETKEYS hset h",
    "COMMAND GETKEYS PING x",
    "COMMAND GETKEYS nosuch x",
    "COMMAND GETKEYS client nosuch",
    "COMMAND GETKEYS",
    "COMMAND GETKEYS SPUBLISH channel message",
    "COMMAND GETKEYSANDFLAGS HINCRBY h f 1",
    "COMMAND GETKEYSANDFLAGS HGETALL h",
    "COMMAND INFO nosuch client|nosuch",
    "COMMAND DOCS nosuch",
    "COMMAND LIST FILTERBY PATTERN client|s*e",
    "COMMAND LIST FILTERBY PATTERN HGETALL",
    "COMMAND LIST FILTERBY ACLCAT nosuch",
    "COMMAND LIST FILTERBY ACLCAT @hash",
    "COMMAND LIST FILTERBY MODULE any",
    "COMMAND LIST FILTERBY",
    "COMMAND LIST FILTERBY PATTERN",
    "COMMAND LIST FILTERBY COLOUR red",
    "COMMAND LIST nosuch",
    "COMMAND HELP me",
    "COMMAND NOSUCH",
]


@pytest.mark.redis
@pytest.mark.parametrize("line", ALIKE)
def test_the_answer_is_that_of_redis(line: str, client: HarnessClient, real: RawClient) -> None:
    assert client.raw(line) == real.call(*words(line))


def test_bare_command_describes_as_many_as_are_counted(client: HarnessClient) -> None:
    assert len(client("COMMAND")) == client("COMMAND COUNT") > 30
    assert len(client("COMMAND INFO")) == len(client("COMMAND DOCS")) == client("COMMAND COUNT")


def test_subcommands_are_listed_but_not_counted(client: HarnessClient) -> None:
    names = client("COMMAND LIST")
    assert b"command|docs" in names
    assert sum(b"|" not in name for name in names) == client("COMMAND COUNT")


def test_a_subcommand_can_be_asked_for(client: HarnessClient) -> None:
    assert client("COMMAND INFO COMMAND|COUNT")[0][0] == b"command|count"
    assert list(client("COMMAND DOCS command|count")) == [b"command|count"]


def test_hidden_commands_are_not_told(client: HarnessClient) -> None:
    assert client("COMMAND INFO post host:") == [None, None]
    assert b"post" not in client("COMMAND LIST")


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("COMMAND HELP"))
    for word in (b"COUNT", b"LIST", b"INFO", b"DOCS", b"GETKEYS", b"GETKEYSANDFLAGS", b"HELP"):
        assert word in text


def test_command_fails_as_any_other_when_it_is_wrong(client: HarnessClient) -> None:
    assert client("COMMAND COUNT x") == ErrorReply(
        "ERR", "wrong number of arguments for 'command|count' command"
    )
