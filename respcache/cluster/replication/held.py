"""Replies that are kept back, and what becomes of them; who must wait, and for what, is said in ``holds.py``."""

from collections.abc import Callable, Collection
from typing import Final, Protocol

from ..._speedups import HoldState, let_leave
from ...commands.client import Connection
from ...commands.pending import Pending, Slot
from ...protocol.encoder import encode
from ...protocol.replies import ErrorReply, Raw, Reply
from .stream import Stream

REPLACED: Final = ErrorReply(
    "TIMEOUT",
    "the owner of the key was replaced before its copies had confirmed; the command may have run",
)
REPLACED_WIRE: Final = encode(REPLACED, 2)


class Keeper(Protocol):
    """Whom a hold tells what has become of it."""

    def close(self, hold: "Hold") -> None:
        """Let nothing that is written from now on wait with it."""

    def end(self, hold: "Hold") -> None:
        """Let its replies leave."""


class Late(Protocol):
    """An answer that is kept back, and is no slot of a client's."""

    def lose(self, partition: int) -> None:
        """Answer an error instead as far as it concerns a partition."""

    def leave(self) -> None:
        """Give the answer."""


class Hold(HoldState):
    """What waits for the same followers, since the same turn."""

    __slots__ = ("_holds", "answers", "left")

    def __init__(self, holds: "Keeper", streams: tuple[Stream, ...]) -> None:
        self._holds = holds
        self.streams = streams
        self.is_open = True
        """What is written now leaves with what these wait for."""
        self.left = len(streams)
        self.partitions: list[int] = []
        """Those that were written to; some may have been written to again since."""
        self.answers: list[tuple[Slot, bytes, int]] = []
        """With the partition of each."""
        self.lates: list[Late] = []

    def closed(self) -> None:
        if self.is_open:
            self.is_open = False
            self._holds.close(self)

    def confirmed(self) -> None:
        self.left -= 1
        if not self.left:
            self.closed()
            self._holds.end(self)

    def lose(self, partition: int) -> None:
        """Let whoever wrote to a partition, or read it, have an error."""
        for at, (slot, _, place) in enumerate(self.answers):
            if place == partition:
                self.answers[at] = (slot, REPLACED_WIRE, place)
        for late in self.lates:
            late.lose(partition)

    def leave(self) -> None:
        """Give all replies, once."""
        answers, self.answers = self.answers, []
        lates, self.lates = self.lates, []
        touched: dict[Connection, None] = {}
        last: Connection | None = None
        for slot, wire, _ in answers:
            slot.wire = wire
            if slot.connection is not last:
                last = slot.connection
                touched[last] = None
        for connection in touched:
            connection.settle()
        let_leave(lates)


class HeldFill:
    """Bytes that somebody waits for."""

    __slots__ = ("_fill", "_partitions", "_wire")

    def __init__(self, fill: Callable[[bytes], None], wire: bytes, partitions: Collection[int]) -> None:
        self._fill = fill
        self._wire = wire
        self._partitions = partitions

    def lose(self, partition: int) -> None:
        if partition in self._partitions:
            self._wire = REPLACED_WIRE

    def leave(self) -> None:
        self._fill(self._wire)


class HeldReply:
    """A reply that a session waits for."""

    __slots__ = ("_partitions", "_pending", "_reply")

    def __init__(self, pending: Pending, reply: Reply, partitions: Collection[int]) -> None:
        self._pending = pending
        self._reply = reply
        self._partitions = partitions

    def lose(self, partition: int) -> None:
        if partition in self._partitions:
            self._reply = Raw(REPLACED_WIRE)

    def leave(self) -> None:
        self._pending.resolve(self._reply)
