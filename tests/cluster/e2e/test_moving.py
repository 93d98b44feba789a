"""Keys change their owners while clients are at work, who see nothing of it: no errors, no misses, no old values."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.cluster.e2e.conftest import StartCluster
from tests.cluster.e2e.conversation import values, walk, write
from tests.cluster.e2e.witness import Witness
from tests.cluster.processes import Cluster, ClusterNode

BATCH = 200

LONGEST_S: Final = 20.0
"""So long nodes may wait for each other. Busy machines stand still for moments; here it is not asked how quickly nodes answer."""

StartMoving = Callable[[int], Cluster]


@pytest.fixture
def start_moving(start_cluster: StartCluster) -> StartMoving:
    """Start nodes that neither give up what waits for another one nor take it for dead if it has no turn for a second."""
    flags = ("--cluster-forward-timeout-ms", f"{1000 * LONGEST_S:.0f}")
    return lambda count: start_cluster(count, *flags, profile="lan")


class Load(threading.Thread):
    """A witness that sends pipeline after pipeline through one node until it is told to stop."""

    def __init__(self, node: ClusterNode, seed: int) -> None:
        super().__init__(daemon=True)
        self.witness = Witness(f"w{seed}", seed)
        self.failure: Exception | None = None
        self._node = node
        self._must_stop = threading.Event()

    def run(self) -> None:
        try:
            with self._node.client(timeout_seconds=2 * LONGEST_S) as client:
                while not self._must_stop.is_set():
                    commands = self.witness.batch(BATCH)
                    self.witness.check(commands, client.pipeline(commands))
        except (OSError, EOFError) as error:
            self.failure = error

    def stop(self) -> None:
        self._must_stop.set()
        self.join(3 * LONGEST_S)
        assert not self.is_alive(), f"the client of {self._node} hangs"


@contextmanager
def under_load(nodes: list[ClusterNode]) -> Iterator[list[Load]]:
    loads = [Load(node, seed) for seed, node in enumerate(nodes)]
    for load in loads:
        load.start()
    try:
        yield loads
    finally:
        for load in loads:
            load.stop()


def complaints(loads: list[Load]) -> list[str]:
    failed = [repr(load.failure) for load in loads if load.failure]
    return failed + [complaint for load in loads for complaint in load.witness.complaints][:10]


def errors(loads: list[Load]) -> Counter[str]:
    return sum((load.witness.errors for load in loads), Counter())


def test_a_join_and_a_leave_cost_nothing(start_moving: StartMoving) -> None:
    cluster = start_moving(3)
    with under_load(list(cluster)) as loads:
        fourth = cluster.add()
        cluster.wait_until_together()
        fourth.stop()
        cluster.wait_until_together()
    assert not complaints(loads)
    assert not errors(loads)
    assert not sum(load.witness.misses for load in loads)
    assert all(load.witness.replies > BATCH for load in loads)


def test_after_a_join_every_node_lists_what_it_can_find(start_moving: StartMoving) -> None:
    cluster = start_moving(2)
    keys = [b"key:%d" % number for number in range(1000)]
    write(cluster[0], keys, b"v")
    cluster.add()
    cluster.wait_until_together()
    for node in cluster:
        assert values(node, keys) == [b"$1\r\nv\r\n"] * len(keys)
        assert {child.text for child in node.call("KEYS", "*").children} == set(keys)
        assert node.call("DBSIZE").plain() == len(keys)
        with node.client() as client:
            assert sorted(walk(client, "COUNT", "50")) == sorted(keys)


def test_an_old_value_does_not_come_back_when_the_owner_does(start_moving: StartMoving) -> None:
    cluster = start_moving(2)
    keys = [b"key:%d" % number for number in range(500)]
    first = cluster[0]
    write(first, keys, b"old")
    third = cluster.add()
    cluster.wait_until_together()
    write(first, keys, b"new")
    third.stop()
    cluster.wait_until_together()
    assert set(values(first, keys)) == {b"$3\r\nnew\r\n"}
