"""``/health/...``: what it says, to whom, and at what cost."""

import json
from typing import Any

import pytest

from respcache.commands.cluster_view import COPYING, IN_STEP, LAGGING, Following, PartitionState
from respcache.gateway.health import FRESH_MS
from tests.commands.cluster import FakeCluster, peer
from tests.gateway.live import Live, get


def ask(live: Live, path: str) -> tuple[int, dict[str, Any]]:
    head, _, body = live.open(get(path)).read().decode().partition("\r\n\r\n")
    assert "Cache-Control: no-store" in head
    status = int(head.split()[1])
    assert ("Retry-After: 1" in head) == (status == 503)
    return status, json.loads(body)


def partition(number: int, *, wanted: str = "a", following: str = IN_STEP) -> PartitionState:
    return PartitionState(number, 1, 10, "a", (wanted, "b"), (Following("b", following),))


def clustered(*states: PartitionState, phase: str = "active", is_ok: bool = True, set_aside: int = 0) -> Live:
    live = Live()
    members = [peer(1, is_self=True, phase=phase), peer(2)]
    live.node.cluster = FakeCluster(members, [], is_ok=is_ok, states=list(states), set_aside=set_aside)
    return live


@pytest.mark.parametrize("path", ["/health/live", "/health/serving", "/health/ready"])
def test_a_node_that_is_alone_is_well(path: str) -> None:
    assert ask(Live(), path) == (200, {"status": path.rpartition("/")[2]})


@pytest.mark.parametrize("path", ["/health/live", "/health/serving", "/health/ready"])
def test_nobody_needs_a_password_for_it(path: str) -> None:
    assert ask(Live(requirepass="secret"), path)[0] == 200


def test_a_node_that_stops_lives_and_should_be_left_in_peace() -> None:
    live = Live()
    live.is_stopping = True
    told = {"reasons": ["the node is stopping"]}
    assert ask(live, "/health/live")[0] == 200
    assert ask(live, "/health/serving") == (503, {"status": "not serving", **told})
    assert ask(live, "/health/ready") == (503, {"status": "not ready", **told})


@pytest.mark.parametrize("phase", ["joining", "leaving"])
def test_a_node_that_comes_or_goes_is_not_ready(phase: str) -> None:
    live = clustered(partition(1), phase=phase)
    assert ask(live, "/health/serving") == (
        503,
        {"status": "not serving", "reasons": [f"the node is {phase}"]},
    )
    assert ask(live, "/health/ready")[0] == 503
    assert ask(live, "/health/live")[0] == 200


def test_a_node_that_may_not_serve_is_not_ready() -> None:
    live = clustered(partition(1), is_ok=False)
    assert ask(live, "/health/serving")[0] == 503
    assert ask(live, "/health/ready")[0] == 503


def test_a_cluster_with_all_its_copies_is_ready() -> None:
    live = clustered(partition(1), partition(2))
    assert ask(live, "/health/ready") == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("states", "set_aside", "reason"),
    [
        ([partition(1), partition(2, following=LAGGING)], 0, "partitions degraded: 1"),
        ([partition(1, following=COPYING)], 0, "partitions moving: 1"),
        ([partition(1, wanted="b"), partition(2, wanted="b")], 0, "partitions moving: 2"),
        ([partition(1)], 3, "partitions to be merged: 3"),
    ],
)
def test_partitions_that_are_not_as_they_shall_be_keep_a_node_from_being_ready(
    states: list[PartitionState], set_aside: int, reason: str
) -> None:
    live = clustered(*states, set_aside=set_aside)
    assert ask(live, "/health/ready") == (503, {"status": "not ready", "reasons": [reason]})
    assert ask(live, "/health/serving")[0] == 200


def test_partitions_are_looked_at_every_now_and_then_however_often_anybody_asks() -> None:
    live = clustered(partition(1, following=COPYING))
    cluster: Any = live.node.cluster
    assert ask(live, "/health/ready")[0] == 503
    cluster.states = [partition(1)]
    live.harness.clock.advance(FRESH_MS - 1)
    assert ask(live, "/health/ready")[0] == 503
    live.harness.clock.advance(1)
    assert ask(live, "/health/ready")[0] == 200
    live.harness.clock.now_ms -= 3_600_000  # somebody has set the clock
    cluster.states = [partition(1, following=COPYING)]
    assert ask(live, "/health/ready")[0] == 503


def test_head_has_the_same_head() -> None:
    answer = Live().open(get("/health/ready", method="HEAD")).read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")
