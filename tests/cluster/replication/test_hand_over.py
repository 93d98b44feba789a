"""Copies and hand-overs survive whatever happens in the middle of them: shown on whole nodes."""

from functools import partial

import pytest

from respcache.cluster.replication.serving import Following
from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World
from tests.thoroughness import IS_THOROUGH


def fill(world: World, count: int = 200) -> None:
    client = world.client(0)
    client.send(*[f"SET key:{number} {number}" for number in range(count)])
    assert client.wait(count) == [b"OK"] * count


def read(world: World, number: int, count: int = 200) -> list[bytes]:
    return list(world.client(number).ask(*[f"GET key:{at}" for at in range(count)]))


VALUES = [b"%d" % number for number in range(200)]


VALUES = [b"%d" % number for number in range(200)]


def test_a_new_follower_is_not_waited_for_before_it_has_a_full_copy() -> None:
    world = World(3, copies=2)
    fill(world)
    lost = world.peers[2].id
    replication = world.peers[0].hub.replication
    behind = [p for p, one in replication.serving.served.items() if lost in one.followers]
    partition = next(p for p in behind if replication.holdings.summary(p)[0])
    replication.syncing.rate_bytes_s = 0.0
    world.run(0.1)
    replication.syncing._allowance = 0.0
    world.kill(2)
    world.run(1.0)
    assert set(replication.serving.served[partition].followers.values()) == {Following.WAITING}
    assert replication.holds.required[partition] == ()
    assert not world.is_at_rest
    replication.syncing.rate_bytes_s = 1e6
    world.rest()
    assert len(replication.holds.required[partition]) == 1
    assert read(world, 1) == VALUES


def test_a_stream_that_begins_anew_in_the_middle_of_a_copy_ends_in_a_whole_copy() -> None:
    world = World(2, copies=2, active=[0])
    fill(world)
    world.peers[0].hub.replication.syncing.rate_bytes_s = 20_000.0
    world.peers[0].hub.replication.syncing._allowance = 0.0
    world.move(0, 1)
    syncing = world.peers[0].hub.replication.syncing
    world.until(lambda: syncing.copied > 20)
    world.peers[1].hub.replication._received.clear()
    world.rest(60.0)
    assert world.is_at_rest
    digests = [[peer.hub.replication.holdings.content_digest(p) for p in range(1024)] for peer in world.peers]
    assert digests[0] == digests[1]


def test_changes_during_a_copy_are_in_it() -> None:
    world = World(2, copies=2, active=[0])
    fill(world)
    world.peers[0].hub.replication.syncing.rate_bytes_s = 100_000.0
    for peer in world.peers:
        peer.see([0, 1])
    client = world.client(0)
    for number in range(200):
        client.send(f"APPEND key:{number} x", f"DEL key:{number + 1}", f"SET key:{number + 1} y")
        world.run(0.002)
    assert len(client.wait(600)) == 600
    world.rest(60.0)
    assert world.is_at_rest
    for p in {key_partition(b"key:%d" % number) for number in range(200)}:
        one, other = [peer.hub.replication.holdings for peer in world.peers]
        assert one.content_digest(p) == other.content_digest(p)


class Writer:
    """A client that sets one key after the other, and knows which of them it was promised."""

    def __init__(self, world: World, number: int) -> None:
        self.peer = world.peers[number]
        self.client = world.client(number)
        self.promised: list[str] = []
        self._asked = ""
        self._names = (f"new:{number}:{turn}" for turn in range(10_000))

    def go_on(self) -> None:
        if self.peer.is_dead or (self._asked and not (replies := self.client.replies())):
            return
        if self._asked and replies == [b"OK"]:
            self.promised.append(self._asked)
        self._asked = next(self._names)
        self.client.send(f"SET {self._asked} 1")


def hand_over_with_a_death(at: int, victim: int) -> None:
    """Let a node die at one of the moments of a join, while clients of all nodes write."""
    world = World(3, copies=2, active=[0, 1], seed=at)
    fill(world, 60)
    writers = [Writer(world, number) for number in range(3)]
    begun, dead = world.delivered, world.peers[victim]

    def strike(number: int) -> None:
        if number == begun + at:
            world.kill(victim, is_known=False)
            for peer in world.peers:
                if peer is not dead:
                    world.after(0.1, partial(peer.bury, dead))

    world.before_delivery = strike
    for peer in world.peers:
        peer.see([0, 1, 2])
    for _ in range(400):
        world.run(0.001)
        for writer in writers:
            writer.go_on()
    assert dead.is_dead
    world.rest()
    assert world.is_at_rest
    left = (victim + 1) % 3
    assert read(world, left, 60) == VALUES[:60]
    promised = [name for writer in writers for name in writer.promised]
    assert world.client(left).ask(*[f"GET {name}" for name in promised]) == [b"1"] * len(promised)


@pytest.mark.parametrize("victim", [0, 2], ids=["giver", "receiver"])
@pytest.mark.parametrize("at", [150, 540, 700, *((330, 420) if IS_THOROUGH else ())])
def test_a_hand_over_survives_the_death_of_either_side(at: int, victim: int) -> None:
    hand_over_with_a_death(at, victim)
