"""CLIENT and its subcommands, but for KILL and TRACKING."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def other(harness: Harness) -> HarnessClient:
    return harness.client()


def listed(client: HarnessClient, options: str = "") -> list[int]:
    """Return the ids in a CLIENT LIST."""
    lines = client(f"CLIENT LIST {options}").decode().splitlines()
    return [int(line.split()[0].removeprefix("id=")) for line in lines]


def test_ids_grow_and_are_never_used_twice(harness: Harness, client: HarnessClient) -> None:
    brief = harness.client()
    gone = brief("CLIENT ID")
    brief.close()
    assert client("CLIENT ID") < gone < harness.client()("CLIENT ID")


def test_info_is_one_s_own_line_of_the_list(client: HarnessClient, other: HarnessClient) -> None:
    assert client("CLIENT INFO").startswith(b"id=%d addr=" % client.record.id)
    assert client.raw("CLIENT INFO").startswith(b"=")
    assert listed(client) == [client.record.id, other.record.id]


def test_the_list_can_be_of_one_type(client: HarnessClient, other: HarnessClient) -> None:
    other.send("SUBSCRIBE a")
    assert listed(client, "TYPE pubsub") == [other.record.id]
    assert listed(client, "type NORMAL") == [client.record.id]
    assert listed(client, "TYPE replica") == []


def test_the_list_can_be_of_ids_in_any_order(client: HarnessClient, other: HarnessClient) -> None:
    one, two = client.record.id, other.record.id
    assert listed(client, f"ID {two} 999 {one} {two}") == [two, one, two]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("FOO", "syntax error"),
        ("TYPE", "syntax error"),
        ("TYPE foo", "Unknown client type 'foo'"),
        ("TYPE normal pubsub", "syntax error"),
        ("ID", "syntax error"),
        ("ID x", "Invalid client ID"),
    ],
)
def test_other_lists_are_refused(client: HarnessClient, options: str, message: str) -> None:
    assert client(f"CLIENT LIST {options}") == ErrorReply("ERR", message)


def test_a_killed_client_is_not_listed(client: HarnessClient, other: HarnessClient) -> None:
    client(f"CLIENT KILL ID {other.record.id}")
    assert listed(client) == [client.record.id]


def test_a_name_can_be_given_and_taken_away(client: HarnessClient) -> None:
    assert client("CLIENT GETNAME") is None
    client("CLIENT SETNAME worker-1")
    assert client("CLIENT GETNAME") == b"worker-1"
    client("CLIENT SETNAME ''")
    assert client("CLIENT GETNAME") is None


@pytest.mark.parametrize("name", [b"a b", b"a\nb", b"\x7f", "é".encode()])
def test_a_name_cannot_break_the_list(client: HarnessClient, name: bytes) -> None:
    refused = "cannot contain spaces, newlines or special characters."
    assert client(b"CLIENT", b"SETNAME", name) == ErrorReply("ERR", f"Client names {refused}")
    assert client(b"CLIENT", b"SETINFO", b"Lib-Name", name) == ErrorReply("ERR", f"Lib-Name {refused}")


def test_a_library_says_its_name_and_version(client: HarnessClient) -> None:
    assert client("CLIENT SETINFO LIB-NAME redis-py") == b"OK"
    assert client("CLIENT SETINFO lib-ver 6.0") == b"OK"
    assert b" lib-name=redis-py lib-ver=6.0 " in client("CLIENT INFO")
    assert client("CLIENT SETINFO colour red") == ErrorReply("ERR", "Unrecognized option 'colour'")


def test_replies_can_be_switched_off_and_on(client: HarnessClient) -> None:
    assert client.send("CLIENT REPLY OFF") == []
    assert client.send("PING") == []
    assert client.send("CLIENT REPLY SKIP") == []
    assert client.send("NONSENSE") == []
    assert client.send("CLIENT REPLY ON") == [b"OK"]
    assert client("PING") == b"PONG"


def test_one_reply_can_be_skipped(client: HarnessClient) -> None:
    assert client.send("CLIENT REPLY SKIP") == []
    assert client.send("CLIENT REPLY SKIP") == []
    assert client.send("PING") == []
    assert client.send("PING") == [b"PONG"]


@pytest.mark.parametrize("command", ["CLIENT REPLY", "CLIENT NO-EVICT", "CLIENT NO-TOUCH"])
def test_a_switch_knows_its_positions(client: HarnessClient, command: str) -> None:
    assert client(f"{command} maybe") == ErrorReply("ERR", "syntax error")


def test_no_touch_keeps_what_it_reads_as_old_as_it_was(harness: Harness, client: HarnessClient) -> None:
    client("HSET h f 1")
    entry = harness.node.keyspace.databases[0].find(b"h")
    assert entry is not None
    seen = entry.seen
    harness.clock.advance(5000)
    client("CLIENT NO-TOUCH on")
    client("HGET h f")
    assert entry.seen == seen
    client("CLIENT NO-TOUCH off")
    client("HGET h f")
    assert entry.seen == seen + 5000


def test_a_pause_of_writes_holds_writers_until_it_is_over(
    harness: Harness, client: HarnessClient, other: HarnessClient
) -> None:
    client("CLIENT PAUSE 1000 WRITE")
    assert other.send("HGET h f") == [None]
    assert other.send("HSET h f 1") == []
    assert client("HLEN h") == 0
    harness.clock.advance(1001)
    harness.dispatcher.end_pause(harness.clock.now_ms)
    assert other.replies() == [1]


def test_unpause_lets_everybody_go_on(client: HarnessClient, other: HarnessClient) -> None:
    client("CLIENT PAUSE 1000")
    assert other.send("PING") == []
    assert client("CLIENT UNPAUSE") == b"OK"
    assert other.replies() == [b"PONG"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("x", "timeout is not an integer or out of range"),
        ("-1", "timeout is negative"),
        ("x FOO", "CLIENT PAUSE mode must be WRITE or ALL"),
        ("1 ALL x", "unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP."),
    ],
)
def test_other_pauses_are_refused(client: HarnessClient, words: str, message: str) -> None:
    assert client(f"CLIENT PAUSE {words}") == ErrorReply("ERR", message)
    assert client("PING") == b"PONG"


def test_there_is_nobody_to_unblock(client: HarnessClient, other: HarnessClient) -> None:
    assert client(f"CLIENT UNBLOCK {other.record.id} TIMEOUT") == 0
    reason = ErrorReply("ERR", "CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    assert client("CLIENT UNBLOCK 1 because") == reason


def test_help_names_every_subcommand(harness: Harness, client: HarnessClient) -> None:
    text = b"\n".join(client("CLIENT HELP")).decode()
    for command in harness.node.table.children(harness.node.table["CLIENT"]):
        assert f"\n{command.name.removeprefix('CLIENT ')}" in text
