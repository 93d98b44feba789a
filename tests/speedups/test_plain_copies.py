"""What stands in for the compiled parts of copies."""

from types import SimpleNamespace
from typing import Any

import pytest

from respcache import _speedups as speedups
from respcache._speedups import plain_copies
from respcache._speedups.plain import AccountState, HoldsState, HoldState, RecorderState
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


def test_the_plain_writer_writes_nothing() -> None:
    handed: list[object] = []
    writer = plain_copies.StateWriter(RecorderState(), AccountState(), SimpleNamespace(), 16)
    assert not writer.write(b"peer", 0, b"\x91\x90", handed.append)
    assert not handed
