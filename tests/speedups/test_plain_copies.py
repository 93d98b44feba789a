"""What stands in for the compiled parts of copies."""

from types import SimpleNamespace
from typing import Any

import pytest

from respcache import _speedups as speedups
from respcache._speedups import plain_copies
from respcache._speedups.plain_copies import AccountState, HoldsState, HoldState, RecorderState
from respcache.keyspace.clock import BatchClock
from respcache.keyspace.slots import SLOTS_PER_PARTITION


@pytest.mark.parametrize("chosen", [plain_copies, speedups])
def test_marks_end_with_the_last_write_and_stay_off_what_is_not_served(chosen: Any) -> None:
    is_compiled = chosen is speedups and speedups.IS_COMPILED
    holds = speedups.HoldsState() if is_compiled else HoldsState()
    one, other = [speedups.HoldState() if is_compiled else HoldState() for _ in range(2)]
    one.partitions, other.partitions = [0, 1, 2], [1]
    holds.last = [one, other, one]
    holds.unconfirmed = bytearray(b"\x01" * 3)
    holds.mine = bytearray(b"\x02" * 2 * SLOTS_PER_PARTITION + b"\x00" * SLOTS_PER_PARTITION)
    chosen.clear_marks(holds, one)
    assert holds.last == [None, other, None]
    assert holds.unconfirmed == b"\x00\x01\x00"
    assert holds.mine == b"\x01" * SLOTS_PER_PARTITION + b"\x02" * SLOTS_PER_PARTITION + bytes(
        SLOTS_PER_PARTITION
    )
    chosen.clear_marks(holds, other)
    assert not any(holds.unconfirmed)


class Reader:
    """A connection that is told once what it waits for is there."""

    def __init__(self) -> None:
        self.settled = 0

    def settle(self) -> None:
        self.settled += 1


@pytest.mark.parametrize("chosen", [plain_copies, speedups])
def test_a_run_loses_only_the_replies_of_partitions_that_are_lost(chosen: Any) -> None:
    reader = Reader()
    run = chosen.HeldRun(reader, b"-LOST\r\n")
    run.kept = b"+OK\r\n$1\r\n1\r\n+PONG\r\n:2\r\n"
    for end, partition in ((5, 1), (12, 2), (19, -1), (23, 1)):
        run.note(end, partition)
    run.lose(3)
    run.lose(1)
    run.lose(1)
    run.lose(2)
    assert (run.wire, run.after, reader.settled) == (None, [], 0)
    run.leave()
    assert run.wire == b"-LOST\r\n" * 2 + b"+PONG\r\n-LOST\r\n"
    assert run.connection is reader
    assert reader.settled == 1


@pytest.mark.parametrize("chosen", [plain_copies, speedups])
def test_what_is_kept_back_together_leaves_in_its_order(chosen: Any) -> None:
    given: list[object] = []
    run = chosen.HeldRun(SimpleNamespace(settle=lambda: given.append("run")), b"")
    other = SimpleNamespace(leave=lambda: given.append("other"))
    chosen.let_leave([other, run, other])
    assert given == ["other", "run", "other"]


def test_plain_python_takes_no_frames_and_leaves_streams_to_themselves() -> None:
    stream = plain_copies.StreamState()
    assert plain_copies.FrameTaker().take(b"data") == b"data"
    writer = plain_copies.StateWriter(RecorderState(), AccountState(), SimpleNamespace(), 16)
    clock = BatchClock(0)
    assert plain_copies.effects_taker(b"peer", {}, writer, {}, now_s=float, clock=clock) is None
    assert plain_copies.confirmations_taker(b"peer", lambda peer: stream, lambda: None) is None
    assert not plain_copies.seal(stream)
    assert not plain_copies.confirm(stream, 1)


def test_the_plain_writer_writes_nothing() -> None:
    handed: list[object] = []
    writer = plain_copies.StateWriter(RecorderState(), AccountState(), SimpleNamespace(), 16)
    assert not writer.write(b"peer", 0, b"\x91\x90", handed.append)
    assert not handed
