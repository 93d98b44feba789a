"""The database has what clients were told, deletions too, in whatever trouble: see ``owing.py``."""

import pytest

from respcache.keyspace.slots import key_partition
from tests.cluster.bus.pair import World
from tests.cluster.replication.owing import Owing, Rows, Scribe
from tests.thoroughness import IS_THOROUGH

SEEDS = (5, 7)
"""The first fails where no debts are kept, the second where what has waited since a partition was lost is written when it is back."""

MORE_SEEDS = range(30)


@pytest.mark.parametrize("seed", sorted({*SEEDS, *MORE_SEEDS}) if IS_THOROUGH else SEEDS)
def test_nothing_is_written_late_or_never_in_whatever_trouble(seed: int) -> None:
    owing = Owing(seed)
    assert not owing.run()
    assert owing.most_owed


def test_copies_know_of_a_debt_before_the_client_has_its_answer() -> None:
    world = World(2, copies=2)
    key = next(f"own:{number}" for number in range(100) if world.peers[0].owns(f"own:{number}"))
    scribes = [Scribe(peer, Rows()) for peer in world.peers]
    [server, follower] = [
        peer.hub.replication.recorder.parts[key_partition(key.encode())] for peer in world.peers
    ]
    client = world.client(0)
    client(f"SET {key} 1")
    world.settle()
    assert client(f"DEL {key}") == 1
    assert follower.owed == server.owed
    assert list(follower.owed) == [(0, key.encode())]
    scribes[0].behind.hurry()
    scribes[0].work()
    world.settle()
    assert not server.owed
    assert not follower.owed
