"""Commands that wait for a busy key go where the key goes: once, in their order, and without their clients' hearing of it."""

import pytest

from respcache.cluster.replication import syncing
from respcache.commands.cluster_errors import STRAYED
from respcache.commands.loads import Wait
from respcache.keyspace.entry import Entry
from respcache.keyspace.slots import PARTITIONS, key_slot
from tests.cluster.bus.histories import live
from tests.cluster.bus.pair import World
from tests.cluster.bus.wires import Caller


@pytest.fixture(autouse=True)
def _all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all partitions move in one go, which else takes seconds."""
    monkeypatch.setattr(syncing, "HANDED", PARTITIONS)
    monkeypatch.setattr(syncing, "COALESCE_S", 0.0)


def make_busy(world: World, key: str, seconds: float) -> Caller:
    """Keep a key busy at its owner; return the client that has asked for that."""
    client = world.client(world.peers.index(world.server_of(key)))
    client.send(f"DEBUG OWNER-SLEEP {key} {seconds}")
    world.run(0.01)
    return client


def take_away(world: World, number: int, *active: int) -> None:
    """Let a node give its partitions to these, although commands wait there for keys of them."""
    world.peers[number].hub.busy = set  # type: ignore[method-assign]
    world.move(*active)


def nothing_is_left(world: World) -> bool:
    world.settle()
    return not any(peer.leftovers() for peer in world.peers if not peer.is_dead)


@pytest.mark.parametrize("asked", [0, 1, 2], ids=["the new owner", "the old owner", "a third node"])
def test_what_waits_is_answered_by_the_new_owner_long_before_the_key_is_idle(asked: int) -> None:
    world = World(3, active=[1])
    make_busy(world, "k", 3)
    client = world.client(asked)
    client.send("SET k 1", "INCR k", "APPEND k 0", "GET k", "PING")
    world.run(1.2)  # longer than it may wait for an owner who says nothing
    assert client.replies() == []
    take_away(world, 1, 0)
    assert client.wait(5, 2.0) == [b"OK", 2, 2, b"20", b"PONG"]
    assert world.client(2)("GET", "k") == b"20"
    assert nothing_is_left(world)


@pytest.mark.parametrize("asked", [0, 1, 2], ids=["the new owner", "the old owner", "a third node"])
def test_what_comes_later_does_not_overtake_what_waits(asked: int) -> None:
    world = World(3, active=[1])
    make_busy(world, "k", 3)
    client = world.client(asked)
    client.send(*(f"APPEND k {letter}" for letter in "abc"))
    world.run(0.05)
    take_away(world, 1, 0)
    for letter in "defghi":
        world.until(lambda: not world.peers[1].owns("k"))
        client.send(f"APPEND k {letter}")
        world.run(0.001)
    client.send("GET k")
    assert client.wait(10, 2.0) == [*range(1, 10), b"abcdefghi"]
    assert nothing_is_left(world)


def test_what_comes_before_they_are_let_go_waits_behind_them() -> None:
    world = World(2, active=[1])
    make_busy(world, "k", 3)
    client, here = world.client(1), world.peers[1].hub.directory.here
    client.send("APPEND k a", "APPEND k b")
    let_go, here.let_go = here.let_go, lambda: None  # type: ignore[method-assign]
    take_away(world, 1, 0)
    world.until(lambda: not world.peers[1].owns("k"))
    client.send("APPEND k c", "GET k")
    world.run(0.1)
    assert client.replies() == []
    let_go()
    assert client.wait(4, 2.0) == [1, 2, 3, b"abc"]
    assert nothing_is_left(world)


@pytest.mark.parametrize("asked", [0, 1, 2], ids=["the new owner", "the old owner", "a third node"])
def test_other_keys_go_on_while_one_is_busy_at_the_new_owner_too(asked: int) -> None:
    world = World(3, active=[1])
    make_busy(world, "{t}k", 3)
    client, other = world.client(asked), world.client(asked)
    client.send("APPEND {t}k a")
    world.run(0.05)
    here = world.peers[1].hub.directory.here
    let_go, here.let_go = here.let_go, lambda: None  # type: ignore[method-assign]
    take_away(world, 1, 0)
    world.until(lambda: world.peers[0].owns("{t}k"))
    make_busy(world, "{t}k", 3)
    let_go()
    world.run(0.3)
    assert client.replies() == []
    assert other("SET {t}other 1") == b"OK"
    client.send("APPEND {t}k b", "GET {t}other")
    world.run(0.3)
    assert client.replies() == []
    assert client.wait(3, 5.0) == [1, 2, b"1"]
    assert nothing_is_left(world)


def test_a_command_with_several_keys_of_one_partition_goes_on_in_its_place() -> None:
    world = World(2, active=[1])
    make_busy(world, "{t}a", 3)
    client = world.client(1)
    client.send("MSET {t}a 1 {t}b 1", "INCR {t}b", "MGET {t}a {t}b")
    take_away(world, 1, 0)
    assert client.wait(3, 2.0) == [b"OK", 2, [b"1", b"2"]]
    assert nothing_is_left(world)


@pytest.mark.parametrize("asked", [0, 1])
def test_a_part_of_a_command_goes_on_by_itself(asked: int) -> None:
    world = World(3, active=[1, 2])
    here, there = world.key_of(1), world.key_of(2)
    world.client(0).ask(f"SET {here} 1", f"SET {there} 2")
    make_busy(world, here, 3)
    client = world.client(asked)
    client.send(f"MGET {here} {there}")
    world.run(0.05)
    take_away(world, 1, 0, 2)
    assert client.wait(1, 2.0) == [[b"1", b"2"]]
    assert nothing_is_left(world)


@pytest.mark.parametrize("asked", [0, 1])
def test_a_command_of_several_partitions_is_tried_again_by_its_client(asked: int) -> None:
    world = World(2, active=[1])
    make_busy(world, "one", 3)
    client = world.client(asked)
    client.send("MSET one 1 two 2")
    world.run(0.05)
    take_away(world, 1, 0)
    assert client.wait(1, 2.0) == [STRAYED]
    assert client("MGET one two") == [None, None]
    assert nothing_is_left(world)


@pytest.mark.parametrize("asked", [0, 1])
def test_a_transaction_is_tried_again_by_its_client_and_has_run_nothing(asked: int) -> None:
    world = World(2, active=[1])
    make_busy(world, "k", 3)
    client = world.client(asked)
    client.send("MULTI", "SET k 1", "EXEC")
    world.run(0.05)
    take_away(world, 1, 0)
    assert client.wait(3, 2.0)[2] == STRAYED
    assert client("GET k") is None
    assert nothing_is_left(world)


def test_what_concerns_all_keys_waits_on() -> None:
    world = World(2, active=[1])
    make_busy(world, "k", 2)
    client = world.client(1)
    client.send("FLUSHALL")
    take_away(world, 1, 0)
    world.run(1.0)
    assert client.replies() == []
    assert client.wait(1, 2.0) == [b"OK"]


def test_a_client_of_the_cluster_port_is_told_where_the_key_is() -> None:
    world = World(2, active=[1])
    make_busy(world, "k", 3)
    client = world.client(1, is_redirected=True)
    client.send("GET k")
    take_away(world, 1, 0)
    [reply] = client.wait(1, 2.0)
    assert reply.code == "MOVED"


def test_a_silenced_client_hears_nothing_of_it() -> None:
    world = World(2, active=[1])
    make_busy(world, "k", 3)
    client = world.client(1)
    client.send("CLIENT REPLY OFF", "INCR k")
    take_away(world, 1, 0)
    world.run(1.0)
    assert client.ask("CLIENT REPLY ON", "GET k") == [b"OK", b"1"]


def test_a_command_that_goes_on_counts_where_it_was_sent_from() -> None:
    world = World(2, active=[1])
    make_busy(world, "k", 3)
    client = world.client(1)
    before = world.peers[1].node.statistics.total_commands_processed
    client.send("GET k")
    take_away(world, 1, 0)
    assert client.wait(1, 2.0) == [None]
    assert world.peers[1].node.statistics.total_commands_processed == before + 1


def test_a_partition_in_doubt_is_waited_for_until_it_is_served_here_again() -> None:
    world = World(2, active=[1])
    make_busy(world, "k", 0.1)
    ours, theirs = world.client(1), world.client(0)
    ours.send("APPEND k a", "APPEND k b")
    theirs.send("APPEND k c", "APPEND k d")
    world.run(0.05)
    replication = world.peers[1].hub.replication
    suspended = set(replication.serving.served)
    replication.serving.suspended = suspended
    world.peers[1].hub.aim(suspended)
    world.run(0.2)
    replication.serving.suspended = set()
    world.peers[1].hub.aim(suspended)
    assert sorted(ours.wait(2) + theirs.wait(2)) == [1, 2, 3, 4]
    value = world.client(1)("GET k")
    assert sorted(value) == sorted(b"abcd")
    assert value.index(b"a") < value.index(b"b")
    assert value.index(b"c") < value.index(b"d")


def test_what_a_pause_has_held_back_goes_on_too() -> None:
    world = World(2, active=[1])
    world.client(1)("CLIENT", "PAUSE", 100_000)
    client = world.client(0)
    client.send("SET k 1", "INCR k")
    world.run(0.05)
    world.move(0)
    world.rest()
    world.client(1)("CLIENT", "UNPAUSE")
    assert client.wait(2, 2.0) == [b"OK", 2]
    assert nothing_is_left(world)


@pytest.mark.parametrize("seed", range(8))
def test_clients_read_what_they_have_written_although_keys_are_busy_when_they_move(
    seed: int,
) -> None:
    """But for a read of keys of several partitions, of which only some have gone: it must be tried again."""
    world = World(4, seed=seed, cuts=True, active=[0, 1, 2], lanes=2)
    for peer in world.peers:
        peer.hub.busy = set  # type: ignore[method-assign]
    sleepers = [world.client(number) for number in range(4)]

    def make_some_busy() -> None:
        for sleeper in sleepers:
            key = f"c{world.chance.randrange(3)}:{world.chance.randrange(12)}"
            if sleeper.peer.owns(key) and not sleeper.record.is_blocked:
                sleeper.send(f"DEBUG OWNER-SLEEP {key} {world.chance.uniform(0, 0.05)}")
        world.after(0.01, make_some_busy)

    make_some_busy()
    faults = [fault for history in live(world, turns=40, lost=0) for fault in history.faults()]
    assert [fault for fault in faults if not (fault.endswith(f": {STRAYED}") and "', '" in fault)] == []


class Loader:
    """Takes every key for one that is in a database, and notes which are asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def covers(self, db: int, key: bytes) -> bool:
        return True

    def wait_for(self, db: int, key: bytes) -> Wait | None:
        self.asked.append(key)
        return None

    def is_due(self, entry: Entry, db: int) -> bool:
        return False

    def note_read(self, db: int, entry: Entry) -> None: ...
    def overtake(self, db: int, key: bytes) -> None: ...

    def prefixes(self) -> list[tuple[int, bytes, int, bool]]:
        return []

    def takes_writes(self, db: int, key: bytes) -> bool:
        return False


def test_a_missing_key_is_loaded_for_others_although_our_own_commands_wait() -> None:
    world = World(3, active=[1])
    key = world.hand_over(world.keys_of(1, 150), 0)[0]
    loader = Loader()
    world.peers[0].harness.dispatcher.load_by(loader)
    world.client(0).send(f"SET {key} 1")
    world.peers[1].stop()  # it answers nothing, so what comes next waits
    world.until(lambda: world.peers[0].owns(key) and world.peers[2].sends_to(key) == 0)
    assert world.peers[0].hub.router.serves(key.encode())
    assert not world.peers[2].hub.router.serves(key.encode())
    assert not world.peers[0].hub.router.marks[0][key_slot(key.encode())]
    missing = f"{{{key}}}:missing"
    assert world.client(2)("GET", missing) is None
    assert loader.asked == [missing.encode()]
