"""WAIT on a server that is alone."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient


@pytest.mark.parametrize("line", ["WAIT 0 0", "WAIT -1 0", "WAIT 0 100"])
def test_what_there_is_already_is_answered_at_once(client: HarnessClient, line: str) -> None:
    assert client(line) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("WAIT x -1", "value is not an integer or out of range"),
        ("WAIT 0 x", "timeout is not an integer or out of range"),
        ("WAIT 0 -1", "timeout is negative"),
        ("WAIT 1 1.5", "timeout is not an integer or out of range"),
    ],
)
def test_what_is_no_number_is_refused(client: HarnessClient, line: str, message: str) -> None:
    assert client(line) == ErrorReply("ERR", message)


def test_a_server_that_is_alone_waits_for_the_time_that_is_given(
    harness: Harness, client: HarnessClient
) -> None:
    assert client.send("WAIT 1 50") == []
    assert harness.client()("SET a 1") == b"OK"
    assert client.send("PING") == []
    harness.clock.advance(50)
    harness.node.waits.tick(harness.clock.now_ms)
    assert client.replies() == [0, b"PONG"]


def test_in_a_transaction_nothing_waits(client: HarnessClient) -> None:
    client("MULTI")
    assert client("WAIT 1 0") == b"QUEUED"
    assert client("WAIT 1 -1") == b"QUEUED"
    assert client("EXEC") == [0, ErrorReply("ERR", "timeout is negative")]


def test_who_waits_does_so_although_keys_are_busy(harness: Harness, client: HarnessClient) -> None:
    harness.client().send("DEBUG OWNER-SLEEP b 1")
    assert client.send("WAIT 1 0") == []
    assert len(harness.node.waits) == 1
