"""What clients have changed reaches the database, whatever becomes of the node that was to write it."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.processes import Cluster, ClusterNode, slot_of
from tests.loading.e2e_writing import rows
from tests.wire import RawClient, encode_command

PATIENCE_S = 30.0
ITEMS = 600

StartWriting = Callable[..., Cluster]


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "items.sqlite")


@pytest.fixture
def start_writing(start_cluster: StartCluster, database: str) -> StartWriting:
    def start(**settings: str | float) -> Cluster:
        table = {"class": "tests.loading.e2e_writing:Items", "options": {"path": database}, **settings}
        # Busy machines stand still for moments; here it is not asked how quickly nodes answer.
        flags = ("--cluster-forward-timeout-ms", "20000", "--loading-loaders", json.dumps([table]))
        return start_cluster(3, *flags, profile="lan")

    return start


def write_all(client: RawClient, text: str) -> dict[bytes, bytes]:
    """SET all items by one node; return what they are now."""
    items = {b"item:%d" % number: f"{text} {number}".encode() for number in range(ITEMS)}
    client.send(b"".join(encode_command([b"SET", key, value]) for key, value in items.items()))
    assert set(client.read_replies(ITEMS)) == {b"+OK\r\n"}
    return items


def send_all(client: RawClient, commands: Sequence[list[bytes]], reply: bytes) -> None:
    """Send commands that are all answered with the same."""
    client.send(b"".join(encode_command(words) for words in commands))
    assert set(client.read_replies(len(commands))) == {reply}


def test_changes_outlive_the_node_that_was_to_write_them(start_writing: StartWriting, database: str) -> None:
    cluster = start_writing(write="behind", write_window_ms=500)
    victim, other, _ = cluster
    away = Path(database + ".down")
    away.touch()
    with other.client(timeout_seconds=PATIENCE_S) as client:
        items = write_all(client, "first")
    assert rows(database) == {}
    assert cluster.keys_of(victim, 1, "item"), "it owns some"
    victim.kill()
    cluster.wait_until_together()
    away.unlink()
    cluster.wait_until(lambda: rows(database) == items, "everything is written", within_s=PATIENCE_S)


def test_deletions_outlive_the_node_that_was_to_write_them(
    start_writing: StartWriting, database: str
) -> None:
    """Exactly the keys that were deleted are gone: not those that only left the cache, nor those that were written again."""
    cluster = start_writing(write="behind", write_window_ms=100)
    victim, other, _ = cluster
    away = Path(database + ".down")
    with other.client(timeout_seconds=PATIENCE_S) as client:
        items = write_all(client, "first")
        cluster.wait_until(lambda: rows(database) == items, "everything is written", within_s=PATIENCE_S)
        away.touch()
        kept, expired, renewed = (set(list(items)[at::4]) for at in range(3))
        gone = items.keys() - kept - expired - renewed
        send_all(client, [[b"DEL", key] for key in gone | renewed], b":1\r\n")
        send_all(client, [[b"EXPIRE", key, b"0"] for key in expired], b":1\r\n")
        send_all(client, [[b"SET", key, b"again " + key] for key in renewed], b"+OK\r\n")
    assert rows(database) == items
    owners = cluster.owners()
    for keys in (gone, expired, renewed):
        assert any(owners[slot_of(key)] is victim for key in keys), "it owns some"
    victim.kill()
    cluster.wait_until_together()
    left = {key: b"again " + key if key in renewed else items[key] for key in items.keys() - gone}
    with other.client(timeout_seconds=PATIENCE_S) as client:
        found = client.pipeline([[b"GET", key] for key in gone])
        assert set(found) == {b"$-1\r\n"}, "they are not loaded again"
    away.unlink()
    cluster.wait_until(lambda: rows(database) == left, "everything is written", within_s=PATIENCE_S)
    with other.client(timeout_seconds=PATIENCE_S) as client:
        replies = client.pipeline([[b"GET", key] for key in items])
    for key, reply in zip(items, replies, strict=True):
        value = left.get(key)
        assert reply == (b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value))


def test_deletions_outlive_one_node_after_the_other(start_writing: StartWriting, database: str) -> None:
    """Whoever has inherited them hands them on, as does who has got its copies since."""
    cluster = start_writing(write="behind", write_window_ms=100)
    first, second, third = cluster
    away = Path(database + ".down")
    with third.client(timeout_seconds=PATIENCE_S) as client:
        items = write_all(client, "first")
        cluster.wait_until(lambda: rows(database) == items, "everything is written", within_s=PATIENCE_S)
        away.touch()
        send_all(client, [[b"DEL", key] for key in items], b":1\r\n")
    first.kill()
    cluster.wait_until_together()
    cluster.wait_until(lambda: _may_lose_one(third), "each may die", within_s=PATIENCE_S)
    second.kill()
    cluster.wait_until_together()
    assert rows(database) == items
    away.unlink()
    cluster.wait_until(lambda: not rows(database), "everything is gone", within_s=PATIENCE_S)


def test_a_node_that_leaves_has_written_what_it_gives_away(
    start_writing: StartWriting, database: str
) -> None:
    cluster = start_writing(write="behind", write_window_ms=60_000)
    leaving, other, _ = cluster
    with other.client(timeout_seconds=PATIENCE_S) as client:
        items = write_all(client, "first")
    owners = cluster.owners()
    owned = [key for key in items if owners[slot_of(key)] is leaving]
    assert rows(database) == {}
    leaving.stop()
    found = rows(database)
    assert owned
    assert all(found[key] == items[key] for key in owned)
    with other.client(timeout_seconds=PATIENCE_S) as client:
        items = write_all(client, "second")
    cluster.stop()
    assert rows(database) == items


def test_writes_go_on_while_partitions_move(start_writing: StartWriting, database: str) -> None:
    cluster = start_writing(write="behind", write_window_ms=200)
    joining = cluster.add()
    with cluster[0].client(timeout_seconds=PATIENCE_S) as client:
        turns = 0
        while turns < 3 or joining.active_members() < 4 or not _owns_some(cluster):
            items = write_all(client, f"turn {turns}")
            turns += 1
            assert turns < 300
        items = write_all(client, "last")
    cluster.wait_until(lambda: rows(database) == items, "everything is written", within_s=PATIENCE_S)


def _may_lose_one(node: ClusterNode) -> bool:
    """Say whether any one of two nodes may go: asked of both at this moment, news that nobody has acted on yet included."""
    return node.call("CLUSTER", "SAFE", "MEMBERS", "2").text == b"OK"


def _owns_some(cluster: Cluster) -> bool:
    """Say whether the last node serves anything."""
    return any(owner is cluster[-1] for owner in cluster.owners())


def test_through_any_node(start_writing: StartWriting, database: str) -> None:
    cluster = start_writing(write="through")
    with cluster[0].client(timeout_seconds=PATIENCE_S) as client:
        items = write_all(client, "first")
        assert rows(database) == items
        Path(database + ".down").touch()
        key = cluster.keys_of(cluster[1], 1, "item")[0]
        assert client.call("SET", key, "x").startswith(b"-WRITEFAILED ")
    for node in cluster:
        assert node.call("GET", b"item:1").text == items[b"item:1"]
