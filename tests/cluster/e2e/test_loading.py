"""A key that is missing is loaded once for the whole cluster, by its owner, whoever asks and whatever becomes of the owner."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.wire import RawClient, encode_command

LOAD_SECONDS = 1.0
ANSWERS_SECONDS = 10.0

Calls = Callable[[], list[tuple[int, list[str]]]]
"""Process id and keys of each call."""


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    """Return the calls of all loaders so far: process id and keys."""

    def read() -> list[tuple[int, list[str]]]:
        log = tmp_path / "calls"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return read


@pytest.fixture
def loading_cluster(start_cluster: StartCluster, tmp_path: Path) -> Cluster:
    table = {
        "class": "tests.cluster.e2e.loaders:Slow",
        "options": {"log": str(tmp_path / "calls"), "seconds": LOAD_SECONDS},
    }
    return start_cluster(3, "--loading-loaders", json.dumps([table]), profile="lan")


def ask_everywhere(cluster: Cluster, key: bytes, count: int, stack: ExitStack) -> list[RawClient]:
    """Let so many clients, spread over all nodes, send a GET at once."""
    clients = [
        stack.enter_context(cluster[at % len(cluster.nodes)].client(timeout_seconds=ANSWERS_SECONDS))
        for at in range(count)
    ]
    for client in clients:
        client.send(encode_command([b"GET", key]))
    return clients


def test_whoever_asks_the_owner_makes_one_call(loading_cluster: Cluster, calls: Calls) -> None:
    with ExitStack() as stack:
        clients = ask_everywhere(loading_cluster, b"slow:1", 300, stack)
        answers = {client.read_reply() for client in clients}
    assert answers == {b"$15\r\nvalue of slow:1\r\n"}
    [(pid, asked)] = calls()
    assert (pid, asked) == (loading_cluster.owner_of(b"slow:1").pid, ["slow:1"])
    keys = [b"slow:%d" % number for number in range(2, 32)]
    answer = loading_cluster[0].call("MGET", *keys, timeout_seconds=ANSWERS_SECONDS)
    assert [child.text for child in answer.children] == [b"value of " + key for key in keys]
    [_, *more] = calls()
    assert sorted(pid for pid, _ in more) == sorted({loading_cluster.owner_of(key).pid for key in keys})
    assert sorted(key for _, batch in more for key in batch) == sorted(key.decode() for key in keys)
    assert loading_cluster[1].call("EXISTS", *keys).text == b"30"
    assert len(calls()) == 1 + len(more)


def test_the_owner_is_killed_during_a_load_and_nobody_is_left_hanging(
    loading_cluster: Cluster, calls: Calls
) -> None:
    [victim, *others] = loading_cluster
    [key] = loading_cluster.keys_of(victim, 1, "slow")
    with ExitStack() as stack:
        clients = [
            stack.enter_context(others[at % 2].client(timeout_seconds=ANSWERS_SECONDS)) for at in range(60)
        ]
        for client in clients:
            client.send(encode_command([b"GET", key]))
        begun = time.monotonic()
        while not calls():
            assert time.monotonic() - begun < ANSWERS_SECONDS
            time.sleep(0.01)
        victim.kill()
        answers = [client.read_reply() for client in clients]
    value = b"value of " + key
    wanted = b"$%d\r\n%b\r\n" % (len(value), value)
    assert all(answer == wanted or answer.startswith(b"-TRYAGAIN ") for answer in answers), set(answers)
    loading_cluster.wait_until_together()
    assert others[0].call("GET", key, timeout_seconds=ANSWERS_SECONDS).text == value
    # By the one that died and by the one that took over; one more if that was not settled at first.
    assert 2 <= len(calls()) <= 3
