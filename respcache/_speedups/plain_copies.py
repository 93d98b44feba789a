"""What the compiled parts of copies are where nothing is compiled: as ``plain.py``, but for the way of a change to its copies."""

from collections.abc import Callable
from typing import Any

from .plain import AccountState, HoldsState, HoldState, RecorderState

SLOTS_PER_PARTITION = 16
"""As in ``keyspace/slots.py``."""

SAFE = b"\x01" * SLOTS_PER_PARTITION


def clear_marks(holds: HoldsState, hold: HoldState) -> None:
    """Take the marks from all partitions that nothing was written to since a hold that ends now."""
    last, unconfirmed, mine = holds.last, holds.unconfirmed, holds.mine
    for partition in hold.partitions:
        if last[partition] is hold:
            last[partition] = None
            unconfirmed[partition] = 0
            first = partition * SLOTS_PER_PARTITION
            if mine[first]:
                mine[first : first + SLOTS_PER_PARTITION] = SAFE


class StateWriter:
    """Puts records of strings onto copies where nothing about them is unusual, which in plain Python nobody does."""

    def __init__(self, recorder: RecorderState, account: AccountState, epochs: Any, databases: int) -> None:
        """See ``copied.pyx``."""

    def write(
        self, peer: bytes, now_ms: int, records: bytes | memoryview, do: Callable[[bytes | memoryview], None]
    ) -> bool:
        """Say False: whoever asks is to do all of it himself."""
        return False
