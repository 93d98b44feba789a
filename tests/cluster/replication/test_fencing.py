"""Nobody serves, or acknowledges, what another node serves or is about to: each rule shown on whole nodes."""

import pytest

from respcache.cluster.bus.frames import PLACE_BITS, BrokenFrameError, Decoders
from respcache.cluster.membership.member import State
from respcache.cluster.membership.outputs import Happened, Kind
from respcache.cluster.replication.epochs import CHANGE
from respcache.cluster.replication.promotion import (
    HANDS,
    NOTHING,
    SERVES,
    STATUS_ANSWER,
    WHOLE,
    Status,
    StatusAnswer,
)
from respcache.cluster.replication.replication import Replication
from respcache.cluster.replication.serving import Serving
from respcache.keyspace.slots import PARTITIONS, key_partition
from respcache.protocol.replies import ErrorReply
from tests.cluster.bus.pair import World

ANSWERS = Decoders({STATUS_ANSWER: StatusAnswer})


def serving_of(world: World, number: int) -> Serving:
    return world.peers[number].hub.replication.serving


def partition_of(key: str) -> int:
    return key_partition(key.encode())


def take_for_dead(world: World, number: int) -> None:
    for peer in world.peers:
        if peer.number != number:
            peer.bury(world.peers[number])


def refute(world: World, number: int) -> None:
    me = world.peers[number].hub.swim.me
    world.peers[number].hub.happened(Happened(Kind.REFUTED, me, None, State.DEAD))


def replication_of(world: World, number: int) -> Replication:
    return world.peers[number].hub.replication


def own_partition(world: World, number: int) -> int:
    return next(iter(replication_of(world, number).serving.served))


def answer_of(
    replication: Replication, partition: int, epoch: int = 0, *, is_fencing: bool = False
) -> list[int]:
    wire = replication.promotion.answer(Status(7, is_fencing, [partition | epoch << PLACE_BITS]))
    answer = ANSWERS.decode(wire)
    assert isinstance(answer, StatusAnswer)
    return list(answer.items[0])


def servers(world: World, partition: int) -> list[int]:
    return [
        peer.number
        for peer in world.peers
        if not peer.is_dead
        and partition in peer.hub.replication.serving.served
        and partition not in peer.hub.replication.serving.suspended
    ]


def test_a_server_that_was_replaced_and_does_not_know_it_acknowledges_nothing() -> None:
    world = World(3, copies=2)
    key, client = world.key_of(0), world.client(0)
    world.peers[0].stop()
    take_for_dead(world, 0)
    world.rest()
    assert world.client(1)(f"SET {key} new") == b"OK"
    world.peers[0].is_stopped = False
    client.send(f"SET {key} old")  # before it has read what was sent to it meanwhile
    world.peers[0].go_on()
    replies = client.wait(1)
    assert isinstance(replies[0], ErrorReply)
    assert replies[0].code == "TIMEOUT"
    assert world.client(2)(f"GET {key}") == b"new"


def test_a_node_that_was_taken_for_dead_serves_in_a_new_epoch_before_it_runs_anything() -> None:
    world = World(2)
    key, client = world.key_of(0), world.client(0)
    partition, epochs = partition_of(key), world.peers[0].hub.replication.epochs
    before = epochs.epochs[partition]
    refute(world, 0)
    client.send(f"SET {key} 1")
    assert partition in serving_of(world, 0).suspended
    assert client.replies() == []
    assert client.wait(1) == [b"OK"]
    assert epochs.epochs[partition] > before
    assert not serving_of(world, 0).suspended


def test_a_node_that_stood_still_goes_on_in_its_epoch_once_the_others_confirm_it() -> None:
    world = World(2)
    key, client = world.key_of(0), world.client(0)
    epochs = list(world.peers[0].hub.replication.epochs.epochs)
    world.peers[0].hub.replication.doubt(was_dead=False)
    client.send(f"SET {key} 1")
    assert client.replies() == []
    assert client.wait(1) == [b"OK"]
    assert world.peers[0].hub.replication.epochs.epochs == epochs


def test_an_order_to_serve_that_waited_at_a_stopped_node_is_not_obeyed_unasked() -> None:
    world = World(3, active=[0, 1])
    for peer in world.peers:
        peer.see([0, 1, 2])
    world.until(lambda: bool(serving_of(world, 0).handed))
    late = world.peers[2]
    late.stop()
    take_for_dead(world, 2)
    world.rest()
    late.hub.replication.doubt(was_dead=False)
    late.go_on()
    world.until(lambda: bool(serving_of(world, 2).served))
    assert serving_of(world, 2).suspended == set(serving_of(world, 2).served)
    for peer in world.peers:
        peer.unbury(late)
    world.rest()
    assert world.is_at_rest


def test_a_write_right_after_a_hand_over_waits_for_who_was_in_step_before() -> None:
    world = World(3, copies=2, active=[0, 1])
    for peer in world.peers:
        peer.see([0, 1, 2])
    serving = serving_of(world, 2)
    world.until(lambda: bool(serving.served))
    client = world.client(2)
    client.send(f"SET {world.key_of(2)} 1")
    assert all(serving.holds.required[partition] for partition in serving.served)
    assert client.replies() == []
    assert client.wait(1) == [b"OK"]


def test_who_answers_a_fencing_question_serves_no_more_and_obeys_nothing_older() -> None:
    world = World(2)
    partition, replication = own_partition(world, 0), replication_of(world, 0)
    epoch = replication.epochs.next(partition)
    assert answer_of(replication, partition)[2] == SERVES
    assert partition in replication.serving.served
    assert answer_of(replication, partition, epoch, is_fencing=True)[2] == SERVES
    assert partition not in replication.serving.served
    assert partition in replication.serving.set_aside
    assert not replication.epochs.hear(partition, epoch - 1, world.peers[1].id)


def test_a_server_that_is_only_late_is_not_replaced() -> None:
    world = World(3, active=[0, 1])
    client = world.client(1)
    keys = world.keys_of(0, 20)
    for key in keys:
        client(f"SET {key} 1")
    world.peers[0].stop()
    for peer in world.peers:
        peer.see([0, 1, 2])
    world.run(2.0)
    assert not any(2 in servers(world, key_partition(key.encode())) for key in keys)
    world.peers[0].go_on()
    world.rest()
    assert [client(f"GET {key}") for key in keys] == [b"1"] * 20


def test_who_has_promised_more_to_somebody_else_meanwhile_does_not_serve() -> None:
    world = World(2)
    partition, replication = own_partition(world, 0), replication_of(world, 0)
    replication.serving.stop(partition, is_handed=True)
    replication.promotion.ask([partition], world.now_s, is_fencing=True)
    more = replication.epochs.least(partition) + 9 * CHANGE
    assert replication.epochs.promise(partition, more)
    world.rest()
    assert servers(world, partition) == [0]
    assert replication.epochs.epochs[partition] > more


def test_of_two_who_ask_at_once_at_most_one_serves_at_any_time() -> None:
    world = World(4, copies=3)
    partition = own_partition(world, 0)
    world.kill(0)
    for number in (1, 2, 3):
        replication_of(world, number).promotion.begin_anew()
        replication_of(world, number).promotion.ask([partition], world.now_s, is_fencing=True)
    seen = []
    world.before_delivery = lambda _: seen.append(len(servers(world, partition)))
    world.rest()
    assert max(seen) == 1
    assert len(servers(world, partition)) == 1


def test_an_answer_from_before_a_standstill_counts_no_more() -> None:
    world = World(2)
    partition, replication = own_partition(world, 0), replication_of(world, 0)
    replication.promotion.ask([partition], world.now_s, is_fencing=False)
    token = next(iter(replication.promotion._rounds))
    replication.doubt(was_dead=False)
    replication.promotion.answered(world.peers[1].id, StatusAnswer(token, []), world.now_s)
    assert partition in replication.serving.suspended
    world.run(0.1)
    assert not replication.serving.suspended


def test_doubts_are_looked_at_again_where_a_first_question_came_to_nothing() -> None:
    world = World(2)
    replication = replication_of(world, 0)
    replication.doubt(was_dead=False)
    replication.promotion.begin_anew()
    world.run(1.0)
    assert not replication.serving.suspended


def test_while_a_partition_is_being_handed_over_nobody_looks_for_its_server() -> None:
    world = World(3, copies=2, active=[0, 1])
    for peer in world.peers:
        peer.see([0, 1, 2])
    giver = replication_of(world, 0)
    world.until(lambda: bool(giver.serving.handed))
    partition = next(iter(giver.serving.handed))
    assert answer_of(giver, partition)[2] == HANDS
    world.rest()
    assert not giver.serving.handed
    assert answer_of(giver, partition)[2] in (WHOLE, NOTHING)


def test_a_node_that_dies_when_it_is_told_to_serve_is_replaced_in_its_turn() -> None:
    world = World(4, copies=2)
    dead = world.peers[0].id
    held = {p: owners[1] for p, owners in enumerate(world.peers[1].hub.ownership.owners) if owners[0] == dead}
    world.kill(0)

    def appointed() -> list[int]:
        return [p for peer in world.peers[1:] for p in peer.hub.replication.serving.handed if p in held]

    for _ in range(3000):
        world.run(0.0005)
        if appointed():
            break
    if appointed():
        world.kill(held[appointed()[0]][0] - 1)
    world.rest()
    assert world.is_at_rest


@pytest.mark.parametrize("partition", [PARTITIONS, (1 << 11) - 1])
def test_a_question_about_no_partition_breaks_the_connection(partition: int) -> None:
    world = World(2)
    with pytest.raises(BrokenFrameError):
        replication_of(world, 0).promotion.answer(Status(1, False, [partition]))
