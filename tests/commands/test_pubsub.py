"""The commands of publish and subscribe."""

import pytest

from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient


@pytest.fixture
def other(harness: Harness) -> HarnessClient:
    return harness.client()


def pushed(client: HarnessClient, command: str) -> list[list[object]]:
    """Run a command that answers in pushes; return them."""
    assert client.send(command) == []
    found, client.pushes = client.pushes, []
    return found


def test_each_subscription_is_answered_with_how_many_there_are(client: HarnessClient) -> None:
    assert pushed(client, "SUBSCRIBE a b a") == [
        [b"subscribe", b"a", 1],
        [b"subscribe", b"b", 2],
        [b"subscribe", b"a", 2],
    ]
    assert pushed(client, "PSUBSCRIBE c*") == [[b"psubscribe", b"c*", 3]]
    assert pushed(client, "SSUBSCRIBE s") == [[b"ssubscribe", b"s", 1]]


def test_unsubscribing_from_all_goes_in_the_order_of_subscribing(client: HarnessClient) -> None:
    pushed(client, "SUBSCRIBE z a m")
    pushed(client, "UNSUBSCRIBE a")
    assert pushed(client, "UNSUBSCRIBE") == [[b"unsubscribe", b"z", 1], [b"unsubscribe", b"m", 0]]


@pytest.mark.parametrize("word", ["unsubscribe", "punsubscribe", "sunsubscribe"])
def test_unsubscribing_from_nothing_is_answered_once(client: HarnessClient, word: str) -> None:
    assert pushed(client, word) == [[word.encode(), None, 0]]
    assert pushed(client, f"{word} a b") == [[word.encode(), b"a", 0], [word.encode(), b"b", 0]]


def test_messages_reach_channels_patterns_and_shard_channels(
    client: HarnessClient, other: HarnessClient
) -> None:
    for command in ("SUBSCRIBE news", "PSUBSCRIBE n*", "SSUBSCRIBE news"):
        pushed(client, command)
    assert other("PUBLISH news hi") == 2
    assert other("SPUBLISH news ho") == 1
    client.replies()
    assert client.pushes == [
        [b"message", b"news", b"hi"],
        [b"pmessage", b"n*", b"news", b"hi"],
        [b"smessage", b"news", b"ho"],
    ]


def test_a_resp2_subscriber_may_do_little_else(harness: Harness) -> None:
    client = harness.client(protocol=2)
    client.raw("SUBSCRIBE a")
    reply = client("ECHO hi")
    assert isinstance(reply, ErrorReply)
    assert reply.message.startswith("Can't execute 'echo': only (P|S)SUBSCRIBE")
    assert client("PING") == [b"pong", b""]
    assert client("PING hi") == [b"pong", b"hi"]
    assert client("UNSUBSCRIBE") == [b"unsubscribe", b"a", 0]
    assert client("ECHO hi") == b"hi"


def test_a_resp3_subscriber_may_do_anything(client: HarnessClient) -> None:
    pushed(client, "SUBSCRIBE a")
    assert client("PING") == b"PONG"
    assert client("ECHO hi") == b"hi"


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_transaction_may_subscribe(harness: Harness, protocol: int) -> None:
    client = harness.client(protocol)
    client("MULTI")
    client("SUBSCRIBE a")
    mark = b">" if protocol == 3 else b"*"
    assert client.raw("EXEC") == b"*1\r\n" + mark + b"3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"


def test_a_transaction_may_not_subscribe_to_shard_channels(client: HarnessClient) -> None:
    client("MULTI")
    client("SSUBSCRIBE a")
    assert client("EXEC") == [ErrorReply("ERR", "SSUBSCRIBE isn't allowed for a DENY BLOCKING client")]


def test_pubsub_lists_and_counts(client: HarnessClient, other: HarnessClient) -> None:
    pushed(client, "SUBSCRIBE a b")
    pushed(client, "PSUBSCRIBE a* b*")
    pushed(client, "SSUBSCRIBE s")
    assert other("PUBSUB CHANNELS") == [b"a", b"b"]
    assert other("PUBSUB CHANNELS b*") == [b"b"]
    assert other("PUBSUB NUMSUB a x a") == [b"a", 1, b"x", 0, b"a", 1]
    assert other("PUBSUB NUMPAT") == 2
    assert other("PUBSUB SHARDCHANNELS") == [b"s"]
    assert other("PUBSUB SHARDNUMSUB s a") == [b"s", 1, b"a", 0]
    assert other("PUBSUB NUMSUB") == []


def test_too_many_patterns_are_refused_as_redis_does(client: HarnessClient) -> None:
    assert client("PUBSUB channels a b") == ErrorReply(
        "ERR", "unknown subcommand or wrong number of arguments for 'channels'. Try PUBSUB HELP."
    )


def test_help_names_every_subcommand(client: HarnessClient) -> None:
    text = b"\n".join(client("PUBSUB HELP")).decode()
    for word in ("CHANNELS", "NUMSUB", "NUMPAT", "SHARDCHANNELS", "SHARDNUMSUB", "HELP"):
        assert f"\n{word}" in text


def test_a_client_that_leaves_is_no_subscriber(client: HarnessClient, other: HarnessClient) -> None:
    pushed(client, "SUBSCRIBE a")
    client.close()
    assert other("PUBLISH a hi") == 0
