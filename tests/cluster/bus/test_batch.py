"""A batch knows who waits for what, and each is answered once."""

from typing import cast

import pytest

from respcache.cluster.bus.batch import (
    RENEWALS,
    Batch,
    Notice,
    Sink,
    TransactionBatch,
    WatchBatch,
    settle,
    size_of,
)
from respcache.cluster.bus.inlet import DECODERS
from respcache.commands.client import Connection
from respcache.commands.pending import Slot


class Heard:
    """Counts who was told to look at its slots."""

    def __init__(self) -> None:
        self.settled = 0
        self.wires: list[bytes] = []

    def settle(self) -> None:
        self.settled += 1

    def fill(self, wire: bytes) -> None:
        self.wires.append(wire)


def batch_of(*sinks: Sink) -> Batch:
    batch = Batch(7, 1, 3, 100.0)
    batch.sinks = list(sinks)
    batch.commands = [[b"GET", b"%d" % at] for at in range(len(sinks))]
    batch.places = list(range(len(sinks)))
    batch.left = len(sinks)
    return batch


def test_one_connection_is_told_once_of_many_replies() -> None:
    heard = Heard()
    slots = [Slot(cast(Connection, heard)) for _ in range(3)]
    batch = batch_of(*slots)
    assert settle(batch, 0, [b"a", b"b", b"c"]) == 3
    assert ([slot.wire for slot in slots], heard.settled, batch.left) == ([b"a", b"b", b"c"], 1, 0)


def test_a_second_answer_is_none() -> None:
    sinks = [Heard(), Heard()]
    batch = batch_of(*sinks)
    settle(batch, 1, [b"b"])
    assert settle(batch, 0, [b"a", b"other"]) == 1
    assert [sink.wires for sink in sinks] == [[b"a"], [b"b"]]


@pytest.mark.parametrize("first", [-5, -1, 2, 9])
def test_answers_beside_the_batch_are_none(first: int) -> None:
    sinks = [Heard(), Heard()]
    assert settle(batch_of(*sinks), first, [b"x"]) == 0
    assert [sink.wires for sink in sinks] == [[], []]


def test_what_has_no_reply_yet_can_be_taken_out_alone() -> None:
    sinks = [Heard() for _ in range(4)]
    batch = batch_of(*sinks)
    settle(batch, 1, [b"b"])
    assert batch.open_positions() == [0, 2, 3]
    one = batch.single(2)
    assert (one.number, one.first, one.commands, one.places) == (7, 2, [[b"GET", b"2"]], [2])
    assert settle(one, 2, [b"c"]) == 1
    assert sinks[2].wires == [b"c"]


def test_what_was_sent_is_marked_when_it_is_sent_again() -> None:
    batch = batch_of(Heard())
    assert not batch.single(0).is_resent
    batch.was_sent = True
    again = batch.single(0).single(0)
    assert again.is_resent
    assert DECODERS.decode(again.frame()).is_resent  # type: ignore[attr-defined]


def test_the_order_of_commands_survives_being_taken_out() -> None:
    batch = batch_of(Heard(), Heard())
    later = Batch(8, 0, 2, 100.0)
    singles = [batch.single(1).single(1), batch.single(0), later]
    assert sorted(singles, key=lambda one: one.rank) == [singles[1], singles[0], later]


def test_a_transaction_has_one_reply() -> None:
    batch = TransactionBatch(7, 0, 2, 100.0, 5, is_watching=True)
    batch.sinks, batch.commands, batch.places, batch.left = [Heard()], [[b"A"], [b"B"]], [9], 1
    batch.was_sent = True
    again = batch.single(0)
    assert (again.commands, again.left, again.is_watching, again.is_resent) == (
        [[b"A"], [b"B"]],
        1,
        True,
        True,
    )


def test_a_watch_keeps_its_keys() -> None:
    batch = WatchBatch(7, 2, 100.0, 5, b"owner")
    batch.sinks, batch.commands, batch.places, batch.left = [Heard()], [[b"a", b"b"]], [9], 1
    again = batch.single(0)
    assert (again.commands, again.client, again.db, again.owner) == ([[b"a", b"b"]], 5, 2, b"owner")


def test_a_notice_is_waited_for_by_nobody() -> None:
    notice = Notice(b"Uxyz")
    assert (notice.frame(), notice.left, notice.open_positions()) == (b"Uxyz", 0, [])


def test_long_values_count() -> None:
    assert size_of([b"SET", b"k", b"x" * 5000]) > 5000
    assert size_of([b"MSET", b"a", b"x" * 5000, b"b", b""]) > 5000


def test_the_time_of_a_command_begins_anew_so_often_and_no_more() -> None:
    batch = batch_of(Heard())
    for at in range(RENEWALS + 2):
        batch = batch.single(0)
        batch.renew(200.0 + at)
    assert batch.began_s == 200.0 + RENEWALS - 1
