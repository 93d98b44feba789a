"""Rare ticks are too late for nobody: whole nodes in one process that tick when their pace says so, beside some that always do."""

from collections.abc import Callable

import pytest

from respcache.cluster.membership.outputs import Happened, Kind
from respcache.cluster.pace import CALM_TICKS, LONGEST_PAUSE_S, TICK_S, Pace
from respcache.cluster.pubsub.silence import QUIET_S
from respcache.keyspace.slots import key_partition
from respcache.telemetry.statistics import SAMPLE_PERIOD_MS
from tests.cluster.bus.pair import World
from tests.cluster.bus.peer import Peer

HAIR_S = 1e-6


class Paced:
    """Lets one node tick no sooner than its pace demands, but for a beat; the world offers a tick every 20 ms."""

    def __init__(self, world: World, peer: Peer, beat_s: float) -> None:
        self._world = world
        self._tick = peer.hub.tick
        self.pace = Pace(peer.hub)
        self.ticks = 0
        self._last_s = world.now_s
        self._pause_s = TICK_S
        self._beat_s = beat_s
        peer.hub.tick = self._offer  # type: ignore[method-assign]

    def _offer(self) -> None:
        pause_s = TICK_S if self.pace.is_quick else self._pause_s
        if self._world.now_s >= self._last_s + pause_s - HAIR_S:
            self._last_s = self._world.now_s
            self.ticks += 1
            self.pace.look()
            self._tick()
            self._pause_s = min(self.pace.pause_s(), self._beat_s)


def paced(world: World, beat_s: float = LONGEST_PAUSE_S) -> list[Paced]:
    """Let all nodes tick at their own pace, and come to rest."""
    nodes = [Paced(world, peer, beat_s) for peer in world.peers]
    world.run(2.0)
    return nodes


def calm(nodes: list[Paced]) -> bool:
    return not any(node.pace.is_quick for node in nodes)


def test_where_nothing_waits_ticks_are_rare() -> None:
    world = World(3, copies=2)
    nodes = paced(world)
    before = [node.ticks for node in nodes]
    world.run(3.0)
    assert calm(nodes)
    for node, was in zip(nodes, before, strict=True):
        assert 3.0 / (LONGEST_PAUSE_S + TICK_S) - 1 <= node.ticks - was <= 3.0 / LONGEST_PAUSE_S


def test_copies_are_compared_as_often_as_ever() -> None:
    world = World(2, copies=2)
    paced(world, beat_s=SAMPLE_PERIOD_MS / 1000)
    entropy = world.peers[0].hub.replication.anti_entropy
    before = entropy.asked
    world.run(12.0)
    rare, before = entropy.asked - before, entropy.asked
    for _ in range(600):
        world.peers[0].hub.replication.tick(world.now_s)
        world.run(TICK_S)
    assert rare >= 0.8 * (entropy.asked - before)


@pytest.mark.parametrize("timeout_s", [0.01, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("later_s", [0.0, 0.037, 0.11])
def test_a_forward_is_given_up_when_its_time_is_over(timeout_s: float, later_s: float) -> None:
    world = World(2, timeout_s=timeout_s)
    nodes = paced(world)
    assert calm(nodes) or timeout_s <= 2 * TICK_S
    client, key = world.client(0), world.key_of(1)
    world.run(later_s)
    world.peers[1].stop()
    begun_s = world.now_s
    client.send(f"GET {key}")
    world.until(lambda: bool(client.output))
    assert client.output.startswith(b"-TIMEOUT")
    assert timeout_s <= world.now_s - begun_s <= timeout_s + 2 * TICK_S


@pytest.mark.parametrize("later_s", [0.0, 0.037, 0.11])
def test_a_silent_copy_is_waited_for_no_longer_and_no_shorter(later_s: float) -> None:
    waited: list[float] = []
    for let_them in (paced, _at_full_pace):
        world = World(2, copies=2)
        let_them(world)
        client, key = world.client(0), world.key_of(0)
        world.run(later_s)
        world.peers[1].stop()
        begun_s = world.now_s
        client.send(f"SET {key} 1")
        world.until(lambda: bool(client.output))  # noqa: B023  # called at once
        waited.append(world.now_s - begun_s)
    rare_s, often_s = waited
    assert abs(rare_s - often_s) <= 1.5 * TICK_S


def _at_full_pace(world: World) -> None:
    world.run(2.0)


def test_what_rests_is_tried_again_soon() -> None:
    world = World(2)
    nodes = paced(world)
    assert calm(nodes)
    answers: list[bytes] = []

    class Sink:
        def fill(self, wire: bytes) -> None:
            answers.append(wire)

    key, begun_s = world.key_of(1).encode(), world.now_s
    directory = world.peers[0].hub.directory
    directory.wait_for_owner(world.client(0).record, Sink(), [b"GET", key], key_partition(key))
    world.until(lambda: bool(answers))
    assert world.now_s - begun_s <= 2 * TICK_S


def test_a_node_that_dies_is_replaced_as_soon_as_ever() -> None:
    waited: list[float] = []
    for let_them in (paced, _at_full_pace):
        world = World(3, copies=2)
        let_them(world)
        keys = world.keys_of(0, 20)
        world.kill(0)
        begun_s = world.now_s
        world.until(lambda: all(world.peers[1].owns(key) or world.peers[2].owns(key) for key in keys))  # noqa: B023
        waited.append(world.now_s - begun_s)
    rare_s, often_s = waited
    assert rare_s <= often_s + TICK_S


def test_a_node_joins_as_quickly_as_ever() -> None:
    waited: list[float] = []
    for let_them in (paced, _at_full_pace):
        world = World(3, active=[0, 1], copies=2)
        client = world.client(0)
        for number in range(50):
            client(f"SET k{number} v")
        let_them(world)
        world.move(0, 1, 2)
        begun_s = world.now_s
        world.rest()
        assert world.is_at_rest
        waited.append(world.now_s - begun_s)
    rare_s, often_s = waited
    assert rare_s <= often_s + 3 * TICK_S


def test_a_majority_goes_on_confirming_at_its_own_pace() -> None:
    world = World(3, copies=2, is_strict=True)
    nodes = paced(world)
    client = world.client(0)
    for _ in range(20):
        world.run(0.25)
        assert client(f"SET {world.key_of(0)} 1") == b"OK"
    world.run(2.0)
    before = [node.ticks for node in nodes]
    world.run(2.0)
    assert all(peer.hub.mandating.mandate.is_valid(world.now_s) for peer in world.peers)
    assert max(node.ticks - was for node, was in zip(nodes, before, strict=True)) <= 2.0 / 0.08


@pytest.mark.parametrize(
    "begin",
    [
        lambda hub: hub.happened(Happened(Kind.SUSPECTED, next(iter(hub.others)), None)),
        lambda hub: hub.replication.doubt(was_dead=False),
        lambda hub: hub.replication.view_changed(),
    ],
    ids=["news", "doubt", "table"],
)
def test_whatever_begins_makes_ticks_frequent(begin: Callable[[object], None]) -> None:
    world = World(2, copies=2)
    [node, _] = paced(world)
    begin(world.peers[0].hub)
    before = node.ticks
    world.run(LONGEST_PAUSE_S + CALM_TICKS * TICK_S)
    assert node.ticks - before >= CALM_TICKS - 1


def test_whoever_pauses_is_called() -> None:
    world = World(2)
    [node, _] = paced(world)
    calls: list[bool] = []
    node.pace.on_hurry = lambda: calls.append(node.pace.is_quick)
    node.pace.hurry()
    assert calls == [True]


def test_a_subscription_is_confirmed_although_another_node_does_not_answer() -> None:
    waited: list[float] = []
    for let_them in (paced, _at_full_pace):
        world = World(2)
        let_them(world)
        world.run(QUIET_S + 1.0)
        world.peers[1].stop()
        client, begun_s = world.client(0), world.now_s
        client.send("SUBSCRIBE news")
        assert not client.output
        world.until(lambda: bool(client.output))  # noqa: B023  # called at once
        waited.append(world.now_s - begun_s)
    rare_s, often_s = waited
    assert rare_s <= often_s + TICK_S


def test_a_majority_agrees_on_who_is_left_as_soon_as_ever() -> None:
    waited: list[float] = []
    for let_them in (paced, _at_full_pace):
        world = World(3, copies=2, is_strict=True)
        let_them(world)
        world.kill(2)
        begun_s = world.now_s
        left = [peer.hub.mandating.mandate for peer in world.peers[:2]]
        world.until(lambda: all(len(one.view.members) == 2 for one in left), most_s=60.0)  # noqa: B023
        waited.append(world.now_s - begun_s)
    rare_s, often_s = waited
    assert rare_s <= often_s + 2 * TICK_S
