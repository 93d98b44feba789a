"""A node asks to be confirmed, shuts its doors while it is not, and hears at once of who has replaced it."""

import msgspec
import pytest

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.modes.frames import (
    Confirm,
    Confirmed,
    decode_confirmed,
    encode_confirm,
    encode_confirmed,
)
from respcache.cluster.modes.lease import LEASE_S
from respcache.cluster.modes.stable_view import StableView
from respcache.keyspace.slots import PARTITIONS
from tests.cluster.bus.pair import World
from tests.cluster.bus.peer import Peer, place_of

NO_VIEW = StableView(b"", 0, frozenset())


def code_of(peer: Peer, key: str) -> str | None:
    """Return the code of the error that a node answers with; None where it answers."""
    reply = peer.world.client(peer.number)(f"GET {key}")
    return getattr(reply, "code", None)


def asked_by(peer: Peer, other: Peer) -> Confirmed:
    """Return what a node answers to another's question."""
    return decode_confirmed(peer.hub.mandating.asked(other.id, encode_confirm(Confirm(1, 0, NO_VIEW))))


def test_where_no_mode_asks_for_it_nobody_is_asked_and_all_doors_stay_open() -> None:
    world = World(2)
    sent: list[bytes] = []

    def asked(peer: bytes, data: bytes) -> bytes:
        sent.append(data)
        return b""

    world.peers[1].hub.mandating.asked = asked  # type: ignore[method-assign]
    world.run(2 * LEASE_S)
    assert sent == []
    assert not world.peers[0].hub.directory.is_closed


def test_a_majority_serves_and_who_is_cut_off_from_it_refuses_its_own_clients_and_others() -> None:
    world = World(3, is_strict=True)
    key = world.key_of(0)
    world.split([0], [1, 2], is_known=False)
    world.run(LEASE_S + 0.1)
    assert world.peers[0].hub.directory.is_closed
    assert code_of(world.peers[0], key) == "CLUSTERDOWN"
    assert code_of(world.peers[0], world.key_of(1)) == "CLUSTERDOWN"
    assert code_of(world.peers[1], world.key_of(1)) is None
    assert not world.peers[0].owns(key)


def test_doors_open_again_once_a_majority_answers() -> None:
    world = World(3, is_strict=True)
    key = world.key_of(0)
    world.client(0)(f"SET {key} 1")
    world.split([0], [1, 2], is_known=False)
    world.run(LEASE_S + 0.1)
    world.heal()
    world.run(0.5)
    assert world.client(0)(f"GET {key}") == b"1"


def test_a_node_that_stood_still_is_closed_before_it_answers_anybody() -> None:
    world = World(3, is_strict=True)
    key = world.key_of(0)
    client = world.client(0)
    node = world.peers[0]
    node.stop()
    world.run(LEASE_S + 0.1)
    node.is_stopped = False
    node.hub.mandating.look()
    assert client(f"GET {key}").code == "CLUSTERDOWN"


def test_with_too_few_members_nobody_serves() -> None:
    world = World(3, min_members=3)
    key = world.key_of(0)
    assert code_of(world.peers[0], key) is None
    world.kill(2)
    world.run(0.05)
    assert code_of(world.peers[0], key) == "CLUSTERDOWN"


def test_a_reply_that_waits_for_copies_when_the_doors_are_shut_promises_nothing() -> None:
    world = World(3, copies=2, min_members=3)
    key = next(key for key in world.keys_of(0, 100) if world.peers[0].hub.owners[place_of(key)][1][0] == 2)
    client = world.client(0)
    world.peers[1].stop()
    client.send(f"SET {key} 1")
    world.kill(2)
    world.run(0.5)  # node 1 is given up meanwhile, which would let the reply go
    assert [reply.code for reply in client.replies()] == ["TIMEOUT"]


def test_an_answer_names_the_partitions_whose_server_has_changed_lately() -> None:
    world = World(3, is_strict=True)
    key = world.key_of(1)
    world.run(10.0)
    assert asked_by(world.peers[0], world.peers[1]).newer == []
    world.peers[0].be_replaced(key, by=2)
    [(partition, epoch)] = asked_by(world.peers[0], world.peers[1]).newer
    assert partition == place_of(key)
    assert epoch > world.peers[1].hub.replication.epochs.epochs[partition]


def test_who_hears_of_a_newer_server_of_what_it_serves_stops_at_once() -> None:
    world = World(2)
    mine, kept = world.keys_of(0, 2)
    peer = world.peers[0]
    epochs = peer.hub.replication.epochs.epochs
    newer = [
        (place_of(mine), epochs[place_of(mine)] + 1),
        (place_of(kept), epochs[place_of(kept)]),
        (place_of(world.key_of(1)), 1 << 20),
    ]
    peer.hub.mandating.answered(world.peers[1].id, encode_confirmed(Confirmed(1, newer, NO_VIEW)))
    assert not peer.owns(mine)
    assert peer.owns(kept)
    assert epochs[place_of(world.key_of(1))] < 1 << 20


@pytest.mark.parametrize("partition", [-1, PARTITIONS, 1 << 60])
def test_partitions_that_do_not_exist_are_named_by_broken_peers(partition: int) -> None:
    world = World(2)
    answer = encode_confirmed(Confirmed(1, [(partition, 1)], NO_VIEW))
    with pytest.raises(BrokenFrameError):
        world.peers[0].hub.mandating.answered(world.peers[1].id, answer)


@pytest.mark.parametrize("data", [b"C", b"C\xc1", b"c", b"c\x91\x01", msgspec.msgpack.encode(None)])
def test_what_makes_no_sense_is_no_confirmation(data: bytes) -> None:
    mandating = World(2, active=[]).peers[0].hub.mandating
    for take in (mandating.asked, mandating.answered):
        with pytest.raises(BrokenFrameError):
            take(b"x" * 20, data)


def test_in_strict_mode_a_partition_is_unserved_without_its_holders_until_an_operator_accepts_the_loss() -> (
    None
):
    world = World(5, copies=2, is_strict=True)
    world.run(5.0)
    world.rest()
    world.kill(3)
    world.kill(4)
    world.run(4.0)
    left = [peer.hub.replication for peer in world.peers[:3]]
    assert sum(len(one.serving.served) for one in left) < 1024
    waiting = sum(len(one.promotion.unsure) for one in left)
    assert waiting == 1024 - sum(len(one.serving.served) for one in left)
    assert sum(one.promotion.accept_loss(world.now_s) for one in left) == waiting
    world.run(5.0)
    assert sum(len(one.serving.served) for one in left) == 1024
    assert not any(one.promotion.unsure for one in left)
