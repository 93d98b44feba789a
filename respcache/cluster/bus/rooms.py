"""Where commands wait while their partition changes hands, so that none overtakes one that was sent before it.

What was sent before counts as *ahead* of a room until it is answered, wherever it is sent meanwhile. Of
these, some *rest*: a node has refused them, or nobody owns their keys, and they wait here, too, to be sent again in
their order. When nothing is ahead any more, the room opens.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable
from typing import Final

from ...commands.client import Client
from ...keyspace.slots import key_slot, partition_of
from .batch import Batch, Sink
from .channel import BYTES, COMMANDS
from .frames import ANYWHERE, PARTITION_MASK
from .joining import Part

ROOMS_BYTES: Final = 8 * BYTES
"""What may wait in all waiting rooms together: what several full channels hold, for the moment of a change."""

BUSY: Final = b"-TRYAGAIN too many commands wait for the owner of the key\r\n"


class Rooms:
    """The waiting rooms of one node."""

    def __init__(self, single: Callable[[Client, Sink, list[bytes], int], Batch]) -> None:
        self.single = single
        """Makes a batch of one command."""
        self.owner_of: Callable[[int], bytes] = lambda partition: b""
        """Returns who serves a partition, as far as we know."""
        self.by_partition: dict[int, WaitingRoom] = {}
        self.size_bytes = 0
        self.ready: list[WaitingRoom] = []
        """Those that wait for nobody any more."""
        self.resting: list[tuple[int, Batch]] = []
        """Single commands in their order, with the number of the channel of each."""
        self.on_rest: Callable[[], None] = lambda: None
        """Called when one begins to rest: the next tick tries it again."""

    def rest(self, number: int, batch: Batch) -> None:
        """Keep a command, which is ahead of its rooms, until it may be sent again."""
        self.add(number, batch)
        for partition in partitions_of(batch, 0):
            self.by_partition[partition].resting += 1
        self.on_rest()

    def add(self, number: int, batch: Batch) -> None:
        """Put a command in its place among those that rest."""
        insort(self.resting, (number, batch), key=lambda one: one[1].rank)

    def wake(self, batch: Batch) -> None:
        """Note that a command rests no more."""
        for partition in partitions_of(batch, 0):
            self.by_partition[partition].resting -= 1

    def is_resting(self, batch: Batch) -> bool:
        """Say whether commands rest that concern the same partitions."""
        concerned = partitions_of(batch, 0)
        return any(room.resting for p, room in self.by_partition.items() if p in concerned)


class WaitingRoom:
    """Commands for a partition that is changing hands."""

    __slots__ = ("_rooms", "ahead", "batches", "partition", "resting")

    def __init__(self, rooms: Rooms, partition: int) -> None:
        self._rooms = rooms
        self.partition = partition
        self.ahead = 0
        """How many commands were sent before and must be answered first."""
        self.resting = 0
        """How many of those are on their way to nobody just now."""
        self.batches: deque[tuple[int, Batch]] = deque()
        """With the number of the channel of each."""

    def add(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> None:
        """Let a command wait."""
        if len(self.batches) >= COMMANDS or self._rooms.size_bytes > ROOMS_BYTES:
            sink.fill(BUSY)
        else:
            self.append(client, self._rooms.single(client, sink, argv, place))

    def append(self, client: Client, batch: Batch) -> None:
        """Let a batch of one command wait."""
        self._rooms.size_bytes += batch.size_bytes
        self.batches.append((client.id, batch))

    def take(self) -> tuple[int, Batch]:
        """Let out who came first."""
        number, batch = self.batches.popleft()
        self._rooms.size_bytes -= batch.size_bytes
        return number, batch

    def wait_for(self, batch: Batch, at: int) -> None:
        """Stay closed until a command that was sent before is answered, wherever it is sent meanwhile."""
        sink = batch.sinks[at]
        while isinstance(sink, _Ahead):
            if sink.room is self:
                return
            sink = sink.sink
        sink = batch.sinks[at]
        if sink is not None:
            self.ahead += 1
            batch.sinks[at] = _Ahead(self, sink)

    @property
    def owner(self) -> bytes:
        return self._rooms.owner_of(self.partition)

    def note_answer(self) -> None:
        """Wait for one command less."""
        self.ahead -= 1
        if not self.ahead:
            self._rooms.ready.append(self)


class _Ahead:
    """Tells a waiting room when a command that was sent before it is answered."""

    __slots__ = ("room", "sink")

    def __init__(self, room: WaitingRoom, sink: Sink) -> None:
        self.room = room
        self.sink = sink

    def fill(self, wire: bytes) -> None:
        self.sink.fill(wire)
        self.room.note_answer()


def take_rooms(batch: Batch) -> list[WaitingRoom]:
    """Return the rooms that wait for a command, which tells them no more when it is answered."""
    found = []
    while isinstance(sink := batch.sinks[0], _Ahead):
        found.append(sink.room)
        batch.sinks[0] = sink.sink
    return found


def accepted(batch: Batch, by: bytes) -> None:
    """Let rooms wait no more for a command that has its place in a line at the owner: what comes later goes there behind it."""
    sink = batch.sinks[0] if len(batch.sinks) == 1 else None
    rooms = []
    while isinstance(sink, _Ahead):
        rooms.append(sink.room)
        sink = sink.sink
    if rooms and all(room.owner == by for room in rooms):
        for room in take_rooms(batch):
            room.note_answer()


def partitions_of(batch: Batch, at: int) -> frozenset[int]:
    """Return the partitions that a command concerns; of one that was cut, some that it does not as well."""
    place = batch.places[at] & PARTITION_MASK
    sink = batch.sinks[at]
    while isinstance(sink, _Ahead):
        sink = sink.sink
    if isinstance(sink, Part) and place != ANYWHERE:  # its keys may lie in several, and so may its values
        return frozenset(partition_of(key_slot(word)) for word in batch.commands[at][1:])
    return frozenset() if place == ANYWHERE else frozenset({place})
