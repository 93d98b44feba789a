"""Bringing partitions to where the table wants them."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from respcache.cluster.hub import Hub
from respcache.cluster.replication import syncing
from respcache.cluster.replication.syncing import size_of
from tests.cluster.bus.pair import World


def served(world: World) -> list[int]:
    return [len(peer.hub.replication.serving.served) for peer in world.peers]


@pytest.mark.parametrize("copies", [1, 2])
def test_a_node_that_joins_is_given_its_share_with_all_that_lies_in_it(copies: int) -> None:
    world = World(3, copies=copies, active=[0, 1])
    client = world.client(0)
    for number in range(200):
        assert client(f"SET key:{number} {number}") == b"OK"
    assert served(world)[2] == 0
    for peer in world.peers:
        peer.see([0, 1, 2])
    world.run(0.3)
    world.rest()
    assert sum(served(world)) == 1024
    assert served(world)[2] > 250
    assert all(client(f"GET key:{number}") == b"%d" % number for number in range(200))
    held = sum(peer.hub.replication.holdings.copied_entries for peer in world.peers)
    assert held == 200 * (copies - 1)


@pytest.mark.parametrize("copies", [1, 2])
def test_a_node_that_leaves_gives_everything_away_first(copies: int) -> None:
    world = World(3, copies=copies)
    client = world.client(1)
    for number in range(200):
        assert client(f"SET key:{number} {number}") == b"OK"
    for peer in world.peers:
        peer.see([1, 2])
    world.run(0.3)
    world.rest()
    world.run(5.0)
    assert served(world)[0] == 0
    assert world.peers[0].hub.replication.is_empty
    world.kill(0)
    assert all(client(f"GET key:{number}") == b"%d" % number for number in range(200))


def test_a_count_is_exact_while_its_partition_moves_to_and_fro() -> None:
    world = World(3, copies=2, active=[0, 1])
    client = world.client(0)
    counted = 0
    for turn in range(6):
        for peer in world.peers:
            peer.see([0, 1, 2] if turn % 2 == 0 else [0, 1])
        for _ in range(60):
            counted += 1
            assert client("INCR counter") == counted
            world.run(0.01)
    world.rest()
    assert client("GET counter") == b"%d" % counted


def test_a_full_copy_goes_no_faster_than_it_may() -> None:
    world = World(2, copies=2, active=[0])
    client = world.client(0)
    for number in range(300):
        client("SET", f"key:{number}", "v" * 1000)
    world.peers[0].hub.replication.syncing.rate_bytes_s = 100_000
    begun_s = world.now_s
    for peer in world.peers:
        peer.see([0, 1])
    world.run(1.0)
    assert not world.is_at_rest
    world.rest(30.0)
    assert world.is_at_rest
    assert world.now_s - begun_s > 2.0


def test_the_death_of_a_newcomer_in_the_middle_of_its_copies_costs_nothing() -> None:
    world = World(3, copies=2, active=[0, 1])
    client = world.client(0)
    for number in range(300):
        client("SET", f"key:{number}", "v" * 500)
    for peer in world.peers:
        peer.hub.replication.syncing.rate_bytes_s = 200_000
        peer.see([0, 1, 2])
    world.run(0.6)
    world.kill(2)
    world.run(0.5)
    world.rest()
    assert all(client("GET", f"key:{number}") == b"v" * 500 for number in range(300))


def test_the_size_of_a_record_counts_what_it_carries() -> None:
    small = size_of((0, 1, 0, b"key", 1, 2, 0, b"value", False))
    assert size_of((0, 1, 0, b"key", 1, 2, 0, b"value" * 100, False)) == small + 495
    assert size_of((1, 1, 0, b"key", 1, 2, 0, [b"field", b"value"], True)) > small


def test_copies_take_a_quarter_of_the_time_unless_the_node_leaves() -> None:
    world = World(2, copies=2, active=[0])
    client = world.client(0)
    for number in range(300):
        client("SET", f"key:{number}", "v" * 2000)
    hub = world.peers[0].hub
    work = hub.replication.syncing
    slow = itertools.count(step=0.01)
    sent = []
    for peer in world.peers:
        peer.see([0, 1])
    world.run(0.25)
    hub.replication.serving.ground = work._ground = Slowly(hub, slow, world)
    for _ in range(2):
        before = work.copied_bytes
        work.pump()
        sent.append(work.copied_bytes - before)
    work.is_urgent = True
    before = work.copied_bytes
    work.pump()
    sent.append(work.copied_bytes - before)
    assert sent[0] > 0
    assert sent[1] == 0
    assert sent[2] > 0


@pytest.mark.parametrize("times", [1, syncing.URGENT])
def test_little_is_handed_over_in_one_go_but_eight_times_that_by_a_node_that_leaves(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "HANDED_KEYS", 3)
    world = World(2, active=[0])
    client = world.client(0)
    for number in range(600):
        client("SET", f"key:{number}", "value")
    work = world.peers[0].hub.replication.syncing
    work.is_urgent = times > 1
    hand_over = work._hand_over
    handed: dict[float, list[int]] = {}

    def note(partition: int, peer: bytes) -> None:
        handed.setdefault(world.now_s, []).append(work._serving.holdings.summary(partition)[0])
        hand_over(partition, peer)

    monkeypatch.setattr(work, "_hand_over", note)
    world.move(1)
    world.run(0.3)
    world.rest(10.0)
    assert sum(map(sum, handed.values())) == 600
    assert all(sum(keys) <= 3 * times or len(keys) == 1 for keys in handed.values())
    assert max(map(len, handed.values())) == syncing.HANDED * times


@pytest.mark.parametrize("is_urgent", [False, True])
def test_copies_wait_for_three_times_as_long_as_a_hand_over_took_unless_the_node_leaves(
    is_urgent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(2, active=[0])
    client = world.client(0)
    for number in range(200):
        client("SET", f"key:{number}", "value")
    hub = world.peers[0].hub
    work = hub.replication.syncing
    work.is_urgent = is_urgent
    late_s = [0.0]
    clock = Slowly(hub, (late_s[-1] for _ in itertools.count()), world)
    hub.replication.serving.ground = work._ground = clock
    hand_over, pump = work._hand_over, work._pump
    handed_s: list[float] = []
    pumped_s: list[float] = []

    def dawdle(partition: int, peer: bytes) -> None:
        hand_over(partition, peer)
        late_s.append(late_s[-1] + 0.002)
        handed_s.append(clock.now_s())

    def note() -> None:
        pumped_s.append(clock.now_s())
        pump()

    monkeypatch.setattr(work, "_hand_over", dawdle)
    monkeypatch.setattr(work, "_pump", note)
    world.move(1)
    world.run(0.3)
    world.rest(30.0)
    assert len(handed_s) > 50
    after_s = [
        min(pumped - last for pumped in pumped_s if pumped >= last)
        for last, following in itertools.pairwise(handed_s)
        if following - last > 0.003 and pumped_s[-1] >= last
    ]
    assert len(after_s) > 10
    assert (min(after_s) < 0.0059) == is_urgent


class Slowly:
    """A ground on which a look at the clock takes its time."""

    def __init__(self, hub: Hub, late_s: Iterator[float], world: World) -> None:
        self._hub = hub
        self._late_s = late_s
        self._world = world

    def now_s(self) -> float:
        return self._world.now_s + next(self._late_s)

    def __getattr__(self, name: str) -> Any:  # whatever else it is asked
        return getattr(self._hub, name)
