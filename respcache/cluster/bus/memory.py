"""What was answered to operations of other nodes, so that one that is sent again runs once.

Reads are remembered, too, or one that is sent again would see the writes behind it: SET, GET, SET must not answer
the second value. Only long answers are not, since they would push out those of writes; these reads run again.
A node sends again only what its lanes still wait for, so the bounds follow from the lanes': see ``COMMANDS`` and
``BYTES``.
"""

from collections import OrderedDict
from typing import Final, Protocol

from .channel import BYTES
from .channel import COMMANDS as CHANNEL_COMMANDS

COMMANDS: Final = 4 * CHANNEL_COMMANDS
"""Answers remembered for one node: those of four full lanes."""

READ_BYTES: Final = BYTES // COMMANDS
"""The longest answer of a read that is remembered, on average over neighbours: so many of them fit."""

ORIGINS: Final = 1024
"""Nodes whose operations are remembered: more than a cluster has, so only strangers are forgotten."""


class HeldRun(Protocol):
    """Answers to neighbouring commands of a batch that must wait: others than their client may not see them yet either."""

    batch: int
    first: int
    wires: list[bytes]


class Memory:
    """The answers given to one node."""

    def __init__(self) -> None:
        self._runs: OrderedDict[int, list[tuple[int, list[bytes]]]] = OrderedDict()
        self._commands = 0
        self._bytes = 0
        self.late: dict[tuple[int, int], object] = {}
        """Operations that run still, or whose answer must wait, by batch and position."""
        self._held: dict[int, list[HeldRun]] = {}

    def note(self, batch: int, first: int, wires: list[bytes], *, is_write: bool) -> None:
        """Remember the answers to neighbouring commands of a batch; ``is_write``: a write is among them."""
        size = sum(map(len, wires))
        if not is_write and size > READ_BYTES * len(wires):
            return
        self._runs.setdefault(batch, []).append((first, wires))
        self._commands += len(wires)
        self._bytes += size
        while self._commands > COMMANDS or (self._bytes > BYTES and len(self._runs) > 1):
            _, runs = self._runs.popitem(last=False)
            for _, forgotten in runs:
                self._commands -= len(forgotten)
                self._bytes -= sum(map(len, forgotten))

    def hold(self, run: HeldRun) -> None:
        """Know answers that must wait: who asks for them again is answered with them."""
        self._held.setdefault(run.batch, []).append(run)

    def release(self, run: HeldRun, *, is_write: bool) -> None:
        """Remember answers that are given now."""
        runs = self._held[run.batch]
        runs.remove(run)
        if not runs:
            del self._held[run.batch]
        self.note(run.batch, run.first, run.wires, is_write=is_write)

    def find_held(self, batch: int, position: int) -> HeldRun | None:
        """Return the answers among which that to an operation waits."""
        for run in self._held.get(batch, ()):
            if run.first <= position < run.first + len(run.wires):
                return run
        return None

    @property
    def is_idle(self) -> bool:
        """Say whether nothing runs or waits."""
        return not (self.late or self._held)

    def find(self, batch: int, position: int) -> bytes | None:
        """Return what was answered to an operation; None if it is not known to have run."""
        for first, wires in self._runs.get(batch, ()):
            if first <= position < first + len(wires):
                return wires[position - first]
        return None


class Memories:
    """A memory for each node that sends commands here."""

    def __init__(self) -> None:
        self._by_origin: OrderedDict[bytes, Memory] = OrderedDict()

    def of(self, origin: bytes) -> Memory:
        """Return the memory of a node; who has not connected for longest is forgotten for it."""
        memory = self._by_origin.get(origin)
        if memory is None:
            memory = self._by_origin[origin] = Memory()
            if len(self._by_origin) > ORIGINS:
                self._by_origin.popitem(last=False)
        self._by_origin.move_to_end(origin)
        return memory

    def forget(self, origin: bytes) -> None:
        """Drop what is known of a node that is gone: nobody will ask again."""
        self._by_origin.pop(origin, None)
