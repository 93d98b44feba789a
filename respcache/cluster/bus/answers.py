"""Answers to other nodes' commands that are not there yet, or may not be seen yet.

They are given on the connection on which they were last asked for. What copies of the written data must know of them,
so that they can answer in our stead, is said here, too.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from ...commands.errors import CommandError
from ...commands.spec import Command
from ...commands.spread import Over
from ...keyspace.slots import key_slot, partition_of
from ..replication.held import REPLACED_WIRE, Late
from .frames import ANYWHERE, PARTITION_MASK, Request
from .memory import READ_BYTES, Memory
from .runner import Bound


class Giver(Protocol):
    """The connection on which they are given; see ``inlet.py``."""

    memory: Memory

    def answer(self, batch: int, first: int, wires: list[bytes]) -> None: ...
    def refuse(self, batch: int, position: int, partitions: Sequence[int]) -> None: ...
    def holds_back(self, late: Late, batch: int, answers: Sequence[tuple[int, list[bytes]]]) -> bool: ...


class LateAnswer:
    """An answer that is not there yet, and the connection that will carry it: another, if it is asked for again."""

    __slots__ = ("_partitions", "batch", "has_run", "inlet", "is_over", "is_write", "position", "wire")

    def __init__(
        self, inlet: Giver, batch: int, position: int, partitions: Sequence[int], *, is_write: bool
    ) -> None:
        self.inlet = inlet
        self.batch = batch
        self.position = position
        self.is_write = is_write
        self.wire = b""
        self.has_run = self.is_over = False
        self._partitions = partitions

    def fill(self, wire: bytes) -> None:
        """Take the answer of what has run now; it leaves when it may be seen."""
        self.wire = wire
        self.has_run = True
        if not self.inlet.holds_back(self, self.batch, [(self.position, [wire])]):
            self.leave()

    def stray(self) -> bool:
        """Refuse what has waited here until its keys were another node's; say whether that can be done.

        Of several partitions some may be ours still: what has run for them meanwhile was to come later.
        """
        if len(set(self._partitions)) != 1:
            return False
        self.is_over = True
        self.inlet.memory.late.pop((self.batch, self.position), None)
        self.inlet.refuse(self.batch, self.position, self._partitions)
        return True

    def lose(self, partition: int) -> None:
        if partition in self._partitions or not self._partitions:
            self.wire = REPLACED_WIRE

    def leave(self) -> None:
        self.is_over = True
        memory = self.inlet.memory
        memory.late.pop((self.batch, self.position), None)
        memory.note(self.batch, self.position, [self.wire], is_write=self.is_write)
        self.inlet.answer(self.batch, self.position, [self.wire])


class LateRun:
    """The answers to neighbouring commands, until they may be seen."""

    __slots__ = ("_cut", "_is_write", "_places", "batch", "first", "inlet", "is_asked", "wires")

    def __init__(
        self,
        inlet: Giver,
        request: Request,
        first: int,
        wires: list[bytes],
        *,
        is_write: bool,
        cut: Mapping[int, Sequence[int]],
    ) -> None:
        """``cut``: by position, the partitions of those that may concern several; none of them: any."""
        self.inlet = inlet
        self.batch = request.batch
        self.first = first
        self.wires = wires
        self.is_asked = False
        """Whether somebody has asked again, for each by itself: then each is answered by itself."""
        self._is_write = is_write
        self._cut = cut
        start = first - request.first
        self._places = [place & PARTITION_MASK for place in request.places[start : start + len(wires)]]

    @property
    def partitions(self) -> set[int]:
        return set(self._places)

    def lose(self, partition: int) -> None:
        lost = [
            self._concerns(position, partition)
            for position in range(self.first, self.first + len(self.wires))
        ]
        if any(lost):
            pairs = zip(self.wires, lost, strict=True)
            self.wires = [REPLACED_WIRE if is_lost else wire for wire, is_lost in pairs]

    def _concerns(self, position: int, partition: int) -> bool:
        concerned = self._cut.get(position)
        if concerned is None:
            return self._places[position - self.first] == partition
        return partition in concerned or not concerned

    def leave(self) -> None:
        inlet = self.inlet
        inlet.memory.release(self, is_write=self._is_write)
        if not self.is_asked:
            inlet.answer(self.batch, self.first, self.wires)
            return
        for position, wire in enumerate(self.wires, self.first):
            inlet.answer(self.batch, position, [wire])


def notable(
    request: Request, first: int, wires: list[bytes], fast: Mapping[bytes, Bound]
) -> list[tuple[int, list[bytes]]]:
    """Return the answers that holders of copies should know, by position: all, but for the long ones of reads."""
    if sum(map(len, wires)) <= READ_BYTES * len(wires):
        return [(first, wires)]
    found = []
    for at, wire in enumerate(wires, first):
        bound = fast.get(request.commands[at - request.first][0])
        if len(wire) <= READ_BYTES or bound is None or bound.command.is_write:
            found.append((at, [wire]))
    return found


def partitions_at(places: Sequence[int]) -> list[int]:
    """Return the partitions of a list of places."""
    return [partition for place in places if (partition := place & PARTITION_MASK) != ANYWHERE]


def partitions_of_call(command: Command | None, argv: list[bytes], partition: int) -> Sequence[int]:
    """Return the partitions of a command: those of all its keys, if it was cut for us."""
    if partition == ANYWHERE:
        return ()
    if command is not None and command.spread is not None and command.spread.over is Over.KEYS:
        with suppress(CommandError):
            return [partition_of(key_slot(key)) for key in command.keys_in(argv)] or (partition,)
    return (partition,)
