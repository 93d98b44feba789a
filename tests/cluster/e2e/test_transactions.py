"""Transactions run whole where their keys live, and only there."""

import pytest

from tests.cluster.processes import Cluster, ClusterNode
from tests.wire import RawClient

CROSSSLOT = b"-CROSSSLOT "


def apart(cluster: Cluster) -> tuple[bytes, bytes]:
    """Return two keys of different owners."""
    return cluster.keys_of(cluster[0], 1)[0], cluster.keys_of(cluster[1], 1)[0]


def exec_after(client: RawClient, *commands: list[bytes]) -> bytes:
    return client.pipeline([[b"MULTI"], *commands, [b"EXEC"]])[-1]


@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
def test_a_transaction_on_one_slot_runs_through_any_node(protocol: int, cluster: Cluster) -> None:
    commands: list[list[bytes]] = [
        [b"MULTI"],
        [b"INCR", b"{t}n"],
        [b"HSET", b"{t}h", b"f", b"v"],
        [b"HGETALL", b"{t}h"],
        [b"EXEC"],
    ]
    shape = b"*2" if protocol == 2 else b"%1"
    for number, node in enumerate(cluster, 1):
        with node.client(protocol=protocol) as client:
            client.call("DEL", "{t}h")
            assert client.pipeline(commands) == [
                b"+OK\r\n",
                *[b"+QUEUED\r\n"] * 3,
                b"*3\r\n:%d\r\n:1\r\n%b\r\n$1\r\nf\r\n$1\r\nv\r\n" % (number, shape),
            ]


def test_a_watched_key_that_is_changed_through_another_node_spoils_exec(cluster: Cluster) -> None:
    for writer in cluster:
        for watcher in cluster:
            assert watched(watcher, writer) == b"*-1\r\n", (watcher, writer)


def watched(watcher: ClusterNode, writer: ClusterNode) -> bytes:
    with watcher.client() as client:
        assert client.call("WATCH", "{w}k") == b"+OK\r\n"
        assert writer.call("INCR", "{w}k").kind == ":"
        return exec_after(client, [b"SET", b"{w}other", b"v"])


def test_a_watched_key_that_nobody_changes_lets_exec_run(cluster: Cluster) -> None:
    for node in cluster:
        with node.client() as client:
            assert client.call("WATCH", "{w}k") == b"+OK\r\n"
            assert (
                exec_after(client, [b"SET", b"{w}k", b"v"], [b"GET", b"{w}k"]) == b"*2\r\n+OK\r\n$1\r\nv\r\n"
            )


def test_unwatch_forgets_what_happened(cluster: Cluster) -> None:
    for node in cluster:
        with node.client() as client:
            client.call("WATCH", "{w}k")
            cluster[0].call("INCR", "{w}k")
            assert client.call("UNWATCH") == b"+OK\r\n"
            assert exec_after(client, [b"EXISTS", b"{w}k"]) == b"*1\r\n:1\r\n"


def test_a_transaction_over_several_slots_is_refused_and_changes_nothing(cluster: Cluster) -> None:
    one, other = apart(cluster)
    for node in cluster:
        with node.client() as client:
            replies = client.pipeline([[b"MULTI"], [b"SET", one, b"v"], [b"SET", other, b"v"], [b"EXEC"]])
            assert any(reply.startswith((CROSSSLOT, b"-EXECABORT")) for reply in replies[2:]), replies
            assert any(b"CROSSSLOT" in reply for reply in replies), replies
            assert client.call("EXISTS", one, other) == b":0\r\n"
            assert client.call("PING") == b"+PONG\r\n"


@pytest.mark.parametrize("command", ["RENAME", "RENAMENX", "COPY", "LCS"])
def test_several_keys_that_live_apart_are_refused(command: str, cluster: Cluster) -> None:
    one, other = apart(cluster)
    for node in cluster:
        with node.client() as client:
            client.pipeline([[b"SET", one, b"v"], [b"DEL", other]])
            assert client.call(command, one, other).startswith(CROSSSLOT)
            assert client.call("EXISTS", one, other) == b":1\r\n"


def test_several_keys_with_one_tag_are_served_through_any_node(cluster: Cluster) -> None:
    for node in cluster:
        with node.client() as client:
            assert client.pipeline(
                [
                    [b"MSETNX", b"{t}a", b"1", b"{t}b", b"2"],
                    [b"RENAME", b"{t}a", b"{t}c"],
                    [b"MGET", b"{t}a", b"{t}b", b"{t}c"],
                    [b"DEL", b"{t}b", b"{t}c"],
                ]
            ) == [b":1\r\n", b"+OK\r\n", b"*3\r\n$-1\r\n$1\r\n2\r\n$1\r\n1\r\n", b":2\r\n"]


def test_commands_queued_wrongly_abort_the_transaction(cluster: Cluster) -> None:
    for node in cluster:
        with node.client() as client:
            replies = client.pipeline([[b"MULTI"], [b"SET", b"{t}a"], [b"GET", b"{t}a"], [b"EXEC"]])
            assert replies[1].startswith(b"-ERR wrong number")
            assert replies[3].startswith(b"-EXECABORT")
