"""What the compiled parts of copies are where nothing is compiled: as ``plain.py``, but for the way of a change to its copies."""

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any, Protocol

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


class Settled(Protocol):
    """Who sends what no longer stands behind a reply to come."""

    def settle(self) -> None: ...


class HeldRun:
    """The replies to neighbouring commands of one session, kept back together; to the session it is the slot where they will stand."""

    __slots__ = ("_ends", "_partitions", "_replaced_wire", "after", "connection", "kept", "wire")

    def __init__(self, connection: Settled, replaced_wire: bytes) -> None:
        """``replaced_wire`` is what replies become that are lost with their partition."""
        self.connection = connection
        self._replaced_wire = replaced_wire
        self.wire: bytes | None = None
        """None until they leave."""
        self.after: list[bytes] = []
        self.kept = b""
        self._ends: list[int] = []
        self._partitions: list[int] = []

    def note(self, end: int, partition: int) -> None:
        """Note where the next reply ends in ``kept``; its partition is below 0 where it concerns none, and only stands behind others."""
        self._ends.append(end)
        self._partitions.append(partition)

    def lose(self, partition: int) -> None:
        if partition not in self._partitions:
            return
        wires, begin = [], 0
        for place, end in zip(self._partitions, self._ends, strict=True):
            wires.append(self._replaced_wire if place == partition else self.kept[begin:end])
            begin = end
        self.kept = b"".join(wires)
        self._ends = list(accumulate(map(len, wires)))

    def leave(self) -> None:
        self.wire = self.kept
        self.connection.settle()


def let_leave(lates: Iterable[Any]) -> None:
    """Give all answers that were kept back together."""
    for late in lates:
        late.leave()


class StateWriter:
    """Puts records of strings onto copies where nothing about them is unusual, which in plain Python nobody does."""

    def __init__(self, recorder: RecorderState, account: AccountState, epochs: Any, databases: int) -> None:
        """See ``copied.pyx``."""

    def write(
        self, peer: bytes, now_ms: int, records: bytes | memoryview, do: Callable[[bytes | memoryview], None]
    ) -> bool:
        """Say False: whoever asks is to do all of it himself."""
        return False
