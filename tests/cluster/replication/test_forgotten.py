"""Copies that their server has never heard of."""

from tests.cluster.bus.pair import World


def held(world: World) -> int:
    return sum(len(peer.hub.replication.serving.whole) for peer in world.peers)


def test_copies_that_followed_the_other_side_of_a_split_are_let_go_after_it() -> None:
    world = World(4, copies=2)
    client = world.client(1)
    for number in range(100):
        client(f"SET key:{number} {number}")
    world.split([0], [1, 2, 3])
    world.rest()
    for number in range(100):
        assert client(f"SET key:{number} new") == b"OK"
    world.heal()
    world.rest()
    world.run(10.0)
    world.rest()
    assert held(world) == 1024
    assert sum(peer.hub.replication.holdings.copied_entries for peer in world.peers) == 100
    assert all(client(f"GET key:{number}") == b"new" for number in range(100))
