"""A message published on any node reaches the subscribers of all, in the order of its publisher, and waits for nobody."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cluster.processes import Cluster
from tests.wire import RawClient, parse

INTEREST_SECONDS = 10.0
"""A node hears of others' subscribers by gossip; a message published before that is not for them."""

MESSAGES = 100
PUBLISH_LIMIT_SECONDS = 0.8
"""Less than a node waits for another, which is a second; a busy machine may take a third of it for nothing at all."""


@pytest.fixture
def listeners(cluster: Cluster) -> Iterator[list[RawClient]]:
    """One subscriber on each node, of a channel and of a pattern, known to all."""
    with ExitStack() as stack:
        clients = [stack.enter_context(node.client()) for node in cluster]
        for client in clients:
            client.call("SUBSCRIBE", "news")
            client.call("PSUBSCRIBE", "wea*")
        wait_for_subscribers(cluster, 3, 3)
        yield clients


def wait_for_subscribers(cluster: Cluster, channel: int, patterns: int) -> None:
    def is_known() -> bool:
        return all(
            node.call("PUBSUB", "NUMSUB", "news").plain() == [b"news", channel]
            and node.call("PUBSUB", "NUMPAT").plain() == patterns
            for node in cluster.running
        )

    cluster.wait_until(is_known, "every node knows of every subscriber", within_s=INTEREST_SECONDS)


def test_a_message_reaches_subscribers_of_every_node(cluster: Cluster, listeners: list[RawClient]) -> None:
    for number, publisher in enumerate(cluster):
        payload = b"hello %d" % number
        assert publisher.call("PUBLISH", "news", payload).plain() == 3
        assert publisher.call("PUBLISH", "weather", payload).plain() == 3
        for listener in listeners:
            assert parse(listener.read_reply()).plain() == [b"message", b"news", payload]
            assert parse(listener.read_reply()).plain() == [b"pmessage", b"wea*", b"weather", payload]


def test_a_message_reaches_a_subscription_that_has_just_been_confirmed(cluster: Cluster) -> None:
    for node in cluster:
        with node.client() as listener:
            for publisher in cluster:
                channel = f"fresh:{node.name}:{publisher.name}"
                listener.call("SUBSCRIBE", channel)
                publisher.call("PUBLISH", channel, "hello")
                assert parse(listener.read_reply()).plain() == [b"message", channel.encode(), b"hello"]


def test_resp3_subscribers_get_pushes(cluster: Cluster) -> None:
    with cluster[0].client(protocol=3) as listener:
        listener.call("SUBSCRIBE", "news")
        wait_for_subscribers(cluster, 1, 0)
        cluster[1].call("PUBLISH", "news", "hello")
        assert listener.read_reply() == b">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"


def test_messages_of_one_publisher_keep_their_order(cluster: Cluster, listeners: list[RawClient]) -> None:
    with ExitStack() as stack:
        for place, node in enumerate(cluster):
            publisher = stack.enter_context(node.client())
            publisher.pipeline([[b"PUBLISH", b"news", b"%d %d" % (place, turn)] for turn in range(MESSAGES)])
        for listener in listeners:
            got = [
                parse(reply).children[2].text.split()
                for reply in listener.read_replies(MESSAGES * len(cluster.nodes))
            ]
            for place in range(3):
                turns = [int(turn) for publisher_name, turn in got if int(publisher_name) == place]
                assert turns == list(range(MESSAGES))


def test_channels_are_those_of_all_nodes(cluster: Cluster, listeners: list[RawClient]) -> None:
    with cluster[1].client() as other:
        other.call("SUBSCRIBE", "elsewhere")

        def is_known() -> bool:
            return all(
                {b"news", b"elsewhere"} <= {child.text for child in node.call("PUBSUB", "CHANNELS").children}
                for node in cluster
            )

        cluster.wait_until(is_known, "every node lists every channel", within_s=INTEREST_SECONDS)


def test_who_stops_listening_is_forgotten(cluster: Cluster, listeners: list[RawClient]) -> None:
    listeners[0].call("UNSUBSCRIBE", "news")
    listeners[1].close()
    wait_for_subscribers(cluster, 1, 2)


def test_a_stopped_node_delays_no_publisher(cluster: Cluster) -> None:
    # The stopped node counts as alive all the while.
    with ExitStack() as stack:
        listeners = [stack.enter_context(node.client()) for node in cluster]
        for listener in listeners:
            listener.call("SUBSCRIBE", "news")
        wait_for_subscribers(cluster, 3, 0)
        publisher = stack.enter_context(cluster[0].client())
        cluster[2].pause()
        slowest_s, payload = 0.0, b"x" * 10_000
        for _ in range(MESSAGES):
            begun = time.monotonic()
            assert publisher.call("PUBLISH", "news", payload).startswith(b":")
            slowest_s = max(slowest_s, time.monotonic() - begun)
        cluster[2].resume()
        assert slowest_s < PUBLISH_LIMIT_SECONDS
        for listener in listeners[:2]:
            assert len(listener.read_replies(MESSAGES)) == MESSAGES
    cluster.wait_until_together()


def test_a_sharded_message_reaches_its_subscribers(cluster: Cluster) -> None:
    channel = b"{shard}news"
    owner = cluster.owner_of(channel)
    with owner.client() as listener:
        listener.call("SSUBSCRIBE", channel)
        for node in cluster:
            node.call("SPUBLISH", channel, node.name)
            assert parse(listener.read_reply()).plain() == [b"smessage", channel, node.name.encode()]
