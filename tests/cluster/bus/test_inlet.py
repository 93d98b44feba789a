"""A node runs what another sends on, once and in order, and believes nothing that makes no sense."""

import msgspec
import pytest

from respcache.cluster.bus.frames import (
    ANSWER,
    ANYWHERE,
    EXCHANGE,
    NOT_TO_RUN,
    REFUSAL,
    REQUEST,
    TRANSACTION,
    WATCH,
    Decoders,
    Exchange,
    Refusal,
    Request,
    TransactionRequest,
    Watch,
    frame,
)
from respcache.cluster.bus.inlet import Inlet
from respcache.keyspace.slots import PARTITIONS, key_slot, partition_of
from tests.cluster.bus.pair import World


@pytest.fixture
def world() -> World:
    return World(2)


def place_of(key: str) -> int:
    return partition_of(key_slot(key.encode()))


def request(
    key: str, *commands: list[bytes], seen: int = 0, batch: int = 1000, is_resent: bool = False
) -> Request:
    return Request(batch, 0, seen, 0, 2, is_resent, [place_of(key)] * len(commands), list(commands))


def sent_by(inlet: Inlet) -> list[bytes]:
    return [data for data in inlet.take_frames() if data]


BROKEN: list[tuple[bytes, msgspec.Struct]] = [
    (REQUEST, Request(1, 0, 0, 99, 2, False, [0], [[b"PING"]])),
    (REQUEST, Request(1, 0, 0, -1, 2, False, [0], [[b"PING"]])),
    (REQUEST, Request(1, 0, 0, 0, 7, False, [0], [[b"PING"]])),
    (REQUEST, Request(1, 0, 0, 0, 2, False, [0, 1], [[b"PING"]])),
    (REQUEST, Request(1, 0, 0, 0, 2, False, [0], [[]])),
    (REQUEST, Request(1, 0, 0, 0, 2, False, [PARTITIONS + 1], [[b"PING"]])),
    (REQUEST, Request(1, 0, 0, 0, 2, True, [-1], [[b"PING"]])),
    (TRANSACTION, TransactionRequest(1, 0, 1, False, 99, 2, False, [ANYWHERE], [[b"PING"]])),
    (TRANSACTION, TransactionRequest(1, 0, 1, False, 0, 7, False, [ANYWHERE], [[b"PING"]])),
    (TRANSACTION, TransactionRequest(1, 0, 1, False, 0, 2, False, [ANYWHERE], [[]])),
    (TRANSACTION, TransactionRequest(1, 0, 1, False, 0, 2, False, [2000], [[b"PING"]])),
    (WATCH, Watch(1, 1, 99, [ANYWHERE], [b"k"])),
    (WATCH, Watch(1, 1, -1, [ANYWHERE], [b"k"])),
]


@pytest.mark.parametrize(("kind", "body"), BROKEN)
def test_what_makes_no_sense_ends_the_connection_and_nothing_else(
    kind: bytes, body: msgspec.Struct, world: World
) -> None:
    lane, key = world.wire(0, 1).lane, world.key_of(1)
    lane.send(frame(kind, body))
    assert world.client(0)("INCR", key) == 1
    world.run(0.1)
    assert world.wire(0, 1).lane is not lane
    assert world.client(0)("INCR", key) == 2
    assert not world.peers[1].hub.runner.watchers


@pytest.mark.parametrize("data", [b"", b"?", b"R", b"R\xc1", b"R\x91\x01", b"X\x90", b"W\xff"])
def test_a_broken_frame_ends_the_connection_and_nothing_else(data: bytes, world: World) -> None:
    lane, key = world.wire(0, 1).lane, world.key_of(1)
    lane.send(data)
    assert world.client(0)("INCR", key) == 1
    world.run(0.1)
    assert world.wire(0, 1).lane is not lane


def test_an_operation_that_is_sent_again_is_answered_and_not_run(world: World) -> None:
    inlet, key = world.wire(0, 1).inlet, world.key_of(1)
    for is_resent in (False, True, True):
        inlet.take(frame(REQUEST, request(key, [b"INCR", key.encode()], is_resent=is_resent)))
    assert world.client(1)("GET", key) == b"1"


def test_what_is_not_to_run_is_answered_if_it_has_run_and_refused_if_not(world: World) -> None:
    inlet, key = world.wire(0, 1).inlet, world.key_of(1)
    words = [b"INCR", key.encode()]
    inlet.take(frame(REQUEST, request(key, words)))
    sent_by(inlet)
    for batch in (1000, 1001):
        inlet.take(frame(REQUEST, request(key, words, batch=batch, seen=NOT_TO_RUN, is_resent=True)))
    answer, refusal = sent_by(inlet)
    assert answer[:1] == ANSWER
    assert Decoders({REFUSAL: Refusal}).decode(refusal) == Refusal(1001, 0, world.peers[1].id)
    assert world.client(1)("GET", key) == b"1"


def test_another_operation_is_another(world: World) -> None:
    inlet, key = world.wire(0, 1).inlet, world.key_of(1)
    for batch in (1000, 1001):
        inlet.take(frame(REQUEST, request(key, [b"INCR", key.encode()], batch=batch, is_resent=True)))
    assert world.client(1)("GET", key) == b"2"


def test_what_is_not_ours_is_refused_with_the_owner(world: World) -> None:
    inlet, key = world.wire(0, 1).inlet, world.key_of(0)
    inlet.take(frame(REQUEST, request(key, [b"INCR", key.encode()])))
    [data] = sent_by(inlet)
    assert Decoders({REFUSAL: Refusal}).decode(data) == Refusal(1000, 0, world.peers[0].id)
    assert len(world.peers[1].node.keyspace.databases[0]) == 0


def test_what_was_sent_behind_a_refusal_is_refused_too(world: World) -> None:
    inlet, key = world.wire(0, 1).inlet, world.key_of(1)
    name = key.encode()
    world.peers[1].be_replaced(key, by=0)
    inlet.take(frame(REQUEST, request(key, [b"APPEND", name, b"1"])))
    world.peers[1].serve(key)
    inlet.take(frame(REQUEST, request(key, [b"APPEND", name, b"2"], batch=1001)))
    inlet.take(frame(REQUEST, request(key, [b"APPEND", name, b"2"], batch=1002, is_resent=True)))
    assert inlet._refusals == 3
    inlet.take(frame(REQUEST, request(key, [b"APPEND", name, b"1"], batch=1003, seen=3)))
    inlet.take(
        frame(REQUEST, request(key, [b"APPEND", name, b"2"], batch=1004))
    )  # on no account refused again
    assert world.client(1)("GET", key) == b"12"


def test_what_was_sent_behind_a_refusal_for_other_partitions_runs(world: World) -> None:
    inlet, ours = world.wire(0, 1).inlet, world.key_of(1)
    theirs = world.key_of(0)
    inlet.take(frame(REQUEST, request(theirs, [b"INCR", theirs.encode()])))
    inlet.take(frame(REQUEST, request(ours, [b"INCR", ours.encode()], batch=1001)))
    assert world.client(1)("GET", ours) == b"1"


def test_one_key_that_is_not_ours_makes_a_cut_command_another_ones(world: World) -> None:
    inlet, ours, theirs = world.wire(0, 1).inlet, world.key_of(1), world.key_of(0)
    words = [b"MSET", ours.encode(), b"1", theirs.encode(), b"2"]
    inlet.take(frame(REQUEST, request(ours, words)))
    inlet.take(frame(REQUEST, request(ours, words, batch=1001, is_resent=True)))
    assert len(sent_by(inlet)) == 2
    assert len(world.peers[1].node.keyspace.databases[0]) == 0


def test_commands_count_where_they_run(world: World) -> None:
    key = world.key_of(1)
    world.client(0).ask(*[f"INCR {key}"] * 5, f"GET {key}", f"HGET {key} f")
    statistics = world.peers[1].node.command_statistics
    assert (statistics["incr"].calls, statistics["get"].calls) == (5, 1)
    assert statistics["hget"].failed_calls == 1


@pytest.mark.parametrize("words", [[b"NOSUCH", b"x"], [b"GET"], [b"GET", b"a", b"b"], [b"SELECT", b"99"]])
def test_a_command_that_is_wrong_says_so_itself(world: World, words: list[bytes]) -> None:
    inlet, key = world.wire(0, 1).inlet, world.key_of(1)
    inlet.take(frame(REQUEST, request(key, words, [b"INCR", key.encode()])))
    assert world.client(1)("GET", key) == b"1"


def test_a_late_answer_takes_the_connection_that_there_is_then(world: World) -> None:
    key = world.key_of(1)
    world.client(1).send(f"DEBUG OWNER-SLEEP {key} 0.3")
    world.run(0.01)
    client = world.client(0)
    client.send(f"INCR {key}")
    world.run(0.01)
    for _ in range(3):
        world.lose(0, 1)
        world.run(0.06)
    assert client.wait(1) == [1]
    assert [peer.leftovers() for peer in world.peers] == [[], []]


def test_a_question_of_membership_is_passed_on(world: World) -> None:
    asked: list[Exchange] = []
    world.peers[1].hub.answer = lambda inlet, exchange: asked.append(exchange)
    world.wire(0, 1).lane.send(frame(EXCHANGE, Exchange(7, b"x")))
    world.settle()
    assert asked == [Exchange(7, b"x")]


def test_the_next_command_is_awaited_only_of_a_client_that_sends_one_at_a_time() -> None:
    world = World(2)
    key = world.key_of(1)
    [inlet] = world.peers[1].hub.inlets
    client = world.client(0)
    client(f"GET {key}")
    assert inlet.is_awaited
    client.send(f"GET {key}", f"GET {key}")
    client.wait(2)
    assert not inlet.is_awaited
