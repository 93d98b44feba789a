"""A node that stands still, or a key that is busy, holds up who asks for it and nobody else."""

import time

from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.processes import Cluster, ClusterNode
from tests.wire import RawClient

BUSY_SECONDS = 1.5
"""Long enough for twenty commands of others meanwhile, on a machine that does something else beside."""

TIMEOUT_SECONDS = 1.0
"""How long a node waits for another; then it answers with an error."""


def seconds_of(client: RawClient, *argv: bytes | str) -> tuple[float, bytes]:
    begun = time.monotonic()
    reply = client.call(*argv)
    return time.monotonic() - begun, reply


def wait_until_asleep(cluster: Cluster, owner: ClusterNode) -> None:
    def is_asleep() -> bool:
        lines = owner.call("INFO").text.decode().splitlines()
        return "owners_working:1" in lines

    cluster.wait_until(is_asleep, "the owner of the key is asleep", within_s=BUSY_SECONDS)


def test_a_busy_key_holds_up_only_those_who_ask_for_it(cluster: Cluster) -> None:
    owner, other = cluster[1], cluster[0]
    busy, free = cluster.keys_of(owner, 2)
    with owner.client() as sleeper, other.client() as waiting, other.client() as working:
        sleeper.call("SET", busy, "v")
        working.call("SET", free, "v")
        sleeper.send_command("DEBUG", "OWNER-SLEEP", busy, str(BUSY_SECONDS))
        wait_until_asleep(cluster, owner)
        waiting.send_command("GET", busy)
        slowest_s = max(seconds_of(working, "GET", free)[0] for _ in range(20))
        assert not waiting.available_replies()
        assert waiting.read_reply() == b"$1\r\nv\r\n"
        assert sleeper.read_reply() == b"+OK\r\n"
    assert slowest_s < BUSY_SECONDS / 2


def test_replies_behind_a_busy_key_keep_their_order(cluster: Cluster) -> None:
    owner, other = cluster[1], cluster[0]
    busy, free = cluster.keys_of(owner, 2)
    (elsewhere,) = cluster.keys_of(cluster[2], 1)
    with owner.client() as sleeper, other.client() as client:
        client.pipeline([[b"SET", busy, b"busy"], [b"SET", free, b"free"], [b"SET", elsewhere, b"else"]])
        sleeper.send_command("DEBUG", "OWNER-SLEEP", busy, str(BUSY_SECONDS))
        wait_until_asleep(cluster, owner)
        replies = client.pipeline([[b"GET", free], [b"GET", busy], [b"GET", elsewhere], [b"PING"]])
        assert replies == [b"$4\r\nfree\r\n", b"$4\r\nbusy\r\n", b"$4\r\nelse\r\n", b"+PONG\r\n"]
        sleeper.read_reply()


def test_a_stopped_owner_answers_with_an_error_in_a_second_and_the_session_goes_on(cluster: Cluster) -> None:
    asked, stopped = cluster[0], cluster[2]
    lost, kept = cluster.keys_of(stopped, 1)[0], cluster.keys_of(asked, 1)[0]
    elsewhere = cluster.keys_of(cluster[1], 1)[0]
    with asked.client() as client:
        client.pipeline([[b"SET", lost, b"v"], [b"SET", kept, b"v"], [b"SET", elsewhere, b"v"]])
        stopped.pause()
        begun = time.monotonic()
        replies = client.pipeline([[b"GET", kept], [b"GET", lost], [b"GET", elsewhere], [b"PING"]])
        took_s = time.monotonic() - begun
        assert replies[1].startswith(b"-"), replies
        assert [replies[0], *replies[2:]] == [b"$1\r\nv\r\n", b"$1\r\nv\r\n", b"+PONG\r\n"]
        assert TIMEOUT_SECONDS / 2 < took_s < 3 * TIMEOUT_SECONDS
        assert seconds_of(client, "GET", kept)[0] < TIMEOUT_SECONDS, "the next command waited as well"
        stopped.resume()
        cluster.wait_until(
            lambda: not client.call("SET", lost, "w").startswith(b"-"), "it works again", within_s=15
        )
        assert client.call("GET", lost) == b"$1\r\nw\r\n"
    cluster.wait_until_together()


def test_a_short_pause_kills_nobody(cluster: Cluster) -> None:
    ids = [node.call("CLUSTER", "MYID").text for node in cluster]
    with cluster[0].client() as listener:
        listener.call("SUBSCRIBE", "respcache:cluster")
        cluster[2].pause()
        time.sleep(1.0)  # the pause itself
        cluster[2].resume()
        cluster.wait_until_together()
        told = b"".join(listener.available_replies())
    assert b'"died"' not in told
    assert [node.call("CLUSTER", "MYID").text for node in cluster] == ids


def test_a_long_pause_costs_keys_but_ends_in_one_cluster(start_cluster: StartCluster) -> None:
    cluster = start_cluster(3)
    stopped = cluster[2]
    lost = cluster.keys_of(stopped, 20)
    stopped.pause()

    def is_missed() -> bool:
        return all(node.active_members() == 2 for node in cluster.nodes[:2])

    cluster.wait_until(is_missed, "the stopped node is known to be gone", within_s=10)
    with cluster[0].client() as client:
        assert client.pipeline([[b"SET", key, b"v"] for key in lost]) == [b"+OK\r\n"] * 20
        stopped.resume()
        cluster.wait_until_together()
        assert client.pipeline([[b"SET", key, b"w"] for key in lost]) == [b"+OK\r\n"] * 20
    for node in cluster:
        with node.client() as client:
            assert client.pipeline([[b"GET", key] for key in lost]) == [b"$1\r\nw\r\n"] * 20
