"""What is kept back leaves once, all together, as it was or as an error."""

import pytest

from respcache.cluster.replication.held import REPLACED_WIRE, HeldFill, HeldReply, Hold
from respcache.cluster.replication.stream import Stream
from respcache.commands.pending import Pending
from respcache.protocol.replies import OK, Raw, Reply


class Keeper:
    def __init__(self) -> None:
        self.closed: list[Hold] = []
        self.ended: list[Hold] = []

    def close(self, hold: Hold) -> None:
        self.closed.append(hold)

    def end(self, hold: Hold) -> None:
        self.ended.append(hold)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


def test_a_hold_ends_when_all_streams_have_confirmed(keeper: Keeper) -> None:
    hold = Hold(keeper, (Stream(1), Stream(1)))
    hold.confirmed()
    assert keeper.ended == []
    hold.confirmed()
    assert keeper.ended == keeper.closed == [hold]


def test_a_hold_is_closed_once(keeper: Keeper) -> None:
    hold = Hold(keeper, (Stream(1),))
    hold.closed()
    hold.closed()
    hold.confirmed()
    assert keeper.closed == [hold]
    assert not hold.is_open


@pytest.mark.parametrize(("partition", "wire"), [(1, REPLACED_WIRE), (2, b":1\r\n")])
def test_bytes_are_lost_with_their_partition(partition: int, wire: bytes) -> None:
    given: list[bytes] = []
    held = HeldFill(given.append, b":1\r\n", {1, 7})
    held.lose(partition)
    held.leave()
    assert given == [wire]


@pytest.mark.parametrize(("partition", "reply"), [(1, Raw(REPLACED_WIRE)), (2, OK)])
def test_a_reply_is_lost_with_its_partition(partition: int, reply: Reply) -> None:
    pending, given = Pending(), list[Reply]()
    pending.when_done(given.append)
    held = HeldReply(pending, OK, {1, 7})
    held.lose(partition)
    held.leave()
    assert given == [reply]
