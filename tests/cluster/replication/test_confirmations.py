"""WAIT in a cluster: the least number of copies that have everything, of all nodes that serve anything."""

import pytest

from respcache.cluster.replication.confirmations import Mark
from respcache.cluster.replication.stream import Stream
from respcache.keyspace.slots import PARTITIONS
from tests.cluster.bus.pair import World, world_of

RECORD = (5, 0, 0, b"key", 1, 1)


class Copies:
    """Two streams, each of which follows half of the partitions."""

    def __init__(self) -> None:
        self.streams = [Stream(1), Stream(1), Stream(1)]
        self.required: list[tuple[Stream, ...]] = [(self.streams[p % 2],) for p in range(PARTITIONS)]
        self.owned = bytearray(b"\x01" * (PARTITIONS + 1))

    def write(self) -> None:
        for stream in self.streams:
            stream.add(RECORD)

    def acknowledge(self, at: int) -> None:
        stream = self.streams[at]
        stream.take_frames()
        stream.acknowledged(stream.generation, stream.sequence)

    def mark(self) -> Mark:
        return Mark(self.required, self.required, self.owned)


@pytest.fixture
def copies() -> Copies:
    return Copies()


def test_the_partition_with_the_fewest_copies_counts(copies: Copies) -> None:
    copies.write()
    mark = copies.mark()
    assert mark.count() == 0
    copies.acknowledge(0)
    assert mark.count() == 0
    copies.acknowledge(1)
    assert mark.count() == 1


def test_what_is_written_later_is_not_waited_for(copies: Copies) -> None:
    mark = copies.mark()
    copies.write()
    assert mark.count() == 1


def test_a_node_that_serves_nothing_has_no_copies(copies: Copies) -> None:
    copies.owned[:PARTITIONS] = bytes(PARTITIONS)
    assert copies.mark().count() == 0


def test_a_copy_that_is_not_in_step_does_not_count(copies: Copies) -> None:
    mark = copies.mark()
    copies.required[7] = ()
    assert mark.count() == 0


def test_a_copy_that_was_made_since_has_everything(copies: Copies) -> None:
    copies.write()
    mark = copies.mark()
    copies.required[:] = [(copies.streams[2],)] * PARTITIONS
    assert mark.count() == 1


def test_more_copies_are_told_as_they_have_it(copies: Copies) -> None:
    told: list[int] = []
    copies.write()
    mark = copies.mark()
    mark.when_more(lambda: told.append(mark.count()))
    copies.acknowledge(0)
    copies.write()
    copies.acknowledge(1)
    assert told == [0, 1]


# -- whole nodes -------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(3, copies=2)


@pytest.mark.parametrize("is_redirected", [False, True])
def test_all_writes_have_their_copy_soon(world: World, is_redirected: bool) -> None:
    client = world.client(0, is_redirected=is_redirected)
    assert client(f"SET {world.key_of(0)} 1") == b"OK"
    assert client("WAIT 1 0") == 1


def test_who_wants_more_copies_than_there_are_waits_for_his_time_to_end(world: World) -> None:
    client = world.client(0)
    client.send("WAIT 2 100")
    world.run(0.09)
    for peer in world.peers:
        peer.node.waits.tick(peer.node.clock.now_ms)
    assert client.replies() == []
    world.run(0.02)
    for peer in world.peers:
        peer.node.waits.tick(peer.node.clock.now_ms)
    assert client.wait(1) == [1]


def test_wait_ends_when_the_last_copy_has_everything(world: World) -> None:
    asynchronous = World(3, copies=2, is_synchronous=False)
    key = asynchronous.key_of(1)
    client = asynchronous.client(0)
    asynchronous.peers[2].stop()
    assert client(f"SET {key} 1") == b"OK"
    client.send("WAIT 1 0")
    asynchronous.run(0.1)
    assert client.replies() == []
    asynchronous.peers[2].go_on()
    assert client.wait(1) == [1]


def test_in_a_transaction_nothing_waits(world: World) -> None:
    client = world.client(0)
    key = world.key_of(1)
    replies = client.ask("MULTI", f"SET {key} 1", "WAIT 2 0", "EXEC")
    assert replies[3][0] == b"OK"
    assert replies[3][1] in (0, 1)
