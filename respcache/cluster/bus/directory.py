"""Which node serves which partition, as this node believes, and the channels that lead there.

``targets`` is what forwarding asks: a destination, a waiting room, or None (this node, or nobody). When a
partition changes its owner while commands for it are on their way, what comes after them waits in a waiting room
until they are answered, or the order of a client's commands would be lost. Where the old owner is
gone, its commands are sent to the new one first, on channels of the same numbers, so nothing needs to wait.

What a node refuses (it does not own the key) is sent to whom it names, ``HOPS`` times; then it is
tried again every ``RETRY_S`` until its time is up.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ...commands.client import Client
from ...commands.cluster_errors import NOT_SERVED
from ...keyspace.slots import PARTITIONS, SLOTS, SLOTS_PER_PARTITION
from .batch import Batch, Sink, TransactionBatch, WatchBatch
from .channel import COMMANDS, Channel
from .frames import ANYWHERE, PARTITION_MASK, Refusal
from .lane import Lane
from .runner import Runner

HOPS: Final = 2
"""How often a command follows those who say that another owns its key: views differ for one or two rounds of gossip."""

RETRY_S: Final = 0.02
"""Between tries after that; news of a change takes a gossip period or two."""

MOVING: Final = b"-TRYAGAIN the owner of the key is changing\r\n"
BUSY: Final = b"-TRYAGAIN too many commands wait for the owner of the key\r\n"
UNSERVED: Final = b"-CLUSTERDOWN %b\r\n" % NOT_SERVED.encode()
SILENT: Final = b"-TIMEOUT the owner of the key did not answer within %d ms; the command may have run\r\n"
GONE: Final = b"-TRYAGAIN a node that the command concerns has gone\r\n"


class Destination:
    """Another node, and the channels to it."""

    __slots__ = ("channels", "id")

    def __init__(self, id: bytes, channels: list[Channel]) -> None:
        self.id = id
        self.channels = channels

    def channel_of(self, client: Client) -> Channel:
        """Return the channel that a client's commands always take."""
        return self.channels[client.id % len(self.channels)]

    def add(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> None:
        """Queue a command on the client's own channel."""
        self.channels[client.id % len(self.channels)].add(client, sink, argv, place)


class WaitingRoom:
    """Commands for a partition that is changing hands."""

    __slots__ = ("_directory", "ahead", "batches")

    def __init__(self, directory: "Directory", ahead: list[Batch]) -> None:
        self._directory = directory
        self.ahead = ahead
        """What was sent to the old owner and must be answered first."""
        self.batches: deque[tuple[int, Batch]] = deque()
        """With the number of the channel of each."""

    def add(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> None:
        """Let a command wait."""
        if len(self.batches) >= COMMANDS:
            sink.fill(BUSY)
            return
        self.batches.append((client.id, self._directory.single(client, sink, argv, place)))


class Directory:
    """The view of one node, and everything that is on its way to others."""

    def __init__(
        self, my_id: bytes, runner: Runner, now_s: Callable[[], float], lanes: int, timeout_s: float
    ) -> None:
        self.my_id = my_id
        self.mine = bytearray(SLOTS)
        """1 for each slot whose commands run here."""
        self.targets: list[Destination | WaitingRoom | None] = [None] * PARTITIONS
        self.owners: Sequence[tuple[bytes, ...]] = [()] * PARTITIONS
        self.destinations: dict[bytes, Destination] = {}
        self.timeout_s = timeout_s
        self._lanes = lanes
        self._runner = runner
        self.now_s = now_s
        self._last_number = 0
        self._rooms: dict[int, WaitingRoom] = {}
        self._later: deque[tuple[float, int, Batch]] = deque()
        """Refused too often: when to try again, and the number of the channel."""
        self.cut_again: Callable[[Batch], list[Batch]] = lambda batch: [batch]
        """Cuts a command with several keys anew when their owners are others than when it was sent."""
        self.on_moved: Callable[[Sequence[int]], None] = lambda partitions: None
        """Told which partitions have other owners now."""

    # -- who is there ------------------------------------------------------------

    def next_number(self) -> int:
        """Return a number that no batch of this node has had."""
        self._last_number += 1
        return self._last_number

    def add_node(self, id: bytes) -> Destination:
        """Return the destination for a node, new or known."""
        found = self.destinations.get(id)
        if found is None:
            channels = [Channel(self.next_number, self.now_s) for _ in range(self._lanes)]
            found = self.destinations[id] = Destination(id, channels)
        return found

    def remove_node(self, id: bytes) -> None:
        """Forget a node that is gone; what waits for it goes to whoever owns it now. Set the new owners first."""
        gone = self.destinations.pop(id, None)
        if gone is not None:
            for number, channel in enumerate(gone.channels):
                for batch in channel.drain():
                    self._send_again(number, batch)

    def set_owners(self, owners: Sequence[tuple[bytes, ...]], gone: Iterable[bytes] = ()) -> list[int]:
        """Take a new table; return the partitions whose owner is another now. ``gone``: nodes that answer no more."""
        old, self.owners = self.owners, owners
        moved = [p for p in range(PARTITIONS) if old[p][:1] != owners[p][:1]]
        lost = set(gone)
        waiting = self._waiting_by_partition(set(moved), lost)
        for partition in moved:
            ahead = waiting.get(partition)
            room = self._rooms.get(partition)
            if room is not None:
                room.ahead += ahead or []
            elif ahead:
                self._rooms[partition] = WaitingRoom(self, ahead)
            self._aim(partition)
        self.on_moved(moved)
        return moved

    def _waiting_by_partition(self, partitions: set[int], gone: set[bytes]) -> dict[int, list[Batch]]:
        found: dict[int, list[Batch]] = {}
        if partitions:
            for peer_id, destination in self.destinations.items():
                if peer_id not in gone:
                    for channel in destination.channels:
                        for batch in channel.waiting():
                            for place in {place & PARTITION_MASK for place in batch.places} & partitions:
                                found.setdefault(place, []).append(batch)
        return found

    def _aim(self, partition: int) -> None:
        """Set where commands for a partition go from now on."""
        owner = self.owners[partition][0] if self.owners[partition] else b""
        room = self._rooms.get(partition)
        is_mine = room is None and owner == self.my_id
        first = partition * SLOTS_PER_PARTITION
        self.mine[first : first + SLOTS_PER_PARTITION] = bytes([is_mine]) * SLOTS_PER_PARTITION
        self.targets[partition] = room or self.destinations.get(owner)
        if room is None and owner and owner != self.my_id:
            self.targets[partition] = self.add_node(owner)

    def owning_nodes(self) -> list[Destination]:
        """Return every other node that owns anything, in the order of their ids."""
        ids = {owners[0] for owners in self.owners if owners}
        return [self.add_node(one) for one in sorted(ids) if one != self.my_id]

    # -- on their way --------------------------------------------------------------

    def single(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> Batch:
        """Return a batch of one command."""
        batch = Batch(self.next_number(), client.db_index, client.protocol, self.now_s())
        batch.sinks, batch.commands, batch.places, batch.left = [sink], [argv], [place], 1
        batch.size_bytes = sum(map(len, argv))
        return batch

    def completed(self) -> None:
        """Open the waiting rooms whose turn has come; called when a batch has all its replies."""
        for partition, room in list(self._rooms.items()):
            room.ahead = [batch for batch in room.ahead if batch.left]
            if not room.ahead:
                del self._rooms[partition]
                self._aim(partition)
                for number, batch in room.batches:
                    self.send(number, batch)

    @property
    def has_rooms(self) -> bool:
        return bool(self._rooms)

    def refused(self, lane: Lane, refusal: Refusal) -> None:
        """Send a command on that was not run because the node does not own its key."""
        one = lane.channel.take_back(refusal.batch, refusal.position)
        if one is None:
            return
        one.is_resent = (
            False  # it was surely not run, and may have been before: then its first owner has it still
        )
        one.hops += 1
        if one.hops > HOPS:
            self._later.append((self.now_s() + RETRY_S, lane.index, one))
        elif refusal.owner in self.destinations and type(one) is Batch and len(self.cut_again(one)) == 1:
            self.destinations[refusal.owner].channels[lane.index].append(one)
        else:
            self._later.append((self.now_s() + RETRY_S, lane.index, one))
        if self._rooms:
            self.completed()

    def send(self, number: int, batch: Batch) -> None:
        """Send a batch of one command to whoever owns its keys by now."""
        for part in self.cut_again(batch) if type(batch) is Batch else [batch]:
            self._send_part(number, part)

    def wait_for_owner(self, client: Client, sink: Sink, argv: list[bytes], partition: int) -> None:
        """Keep a command for a partition that nobody owns yet: a node that joins hears soon who does."""
        if len(self._later) >= COMMANDS:
            sink.fill(UNSERVED)
        else:
            self._later.append(
                (self.now_s() + RETRY_S, client.id, self.single(client, sink, argv, partition))
            )

    def part_of(self, batch: Batch, words: list[bytes], sink: Sink, place: int) -> Batch:
        """Return a batch for a part of a command that is cut after it has been sent once."""
        part = Batch(self.next_number(), batch.db, batch.protocol, batch.began_s)
        part.sinks, part.commands, part.places, part.left = [sink], [words], [place], 1
        part.size_bytes = sum(map(len, words))
        return part

    def _send_part(self, number: int, batch: Batch) -> None:
        partition = batch.places[0] & PARTITION_MASK
        sink = batch.sinks[0]
        assert sink is not None
        if partition == ANYWHERE:
            sink.fill(GONE)
            return
        target = self.targets[partition]
        if isinstance(target, WaitingRoom):
            target.batches.append((number, batch))
        elif target is not None:
            target.channels[number % len(target.channels)].append(batch)
        elif self.mine[partition * SLOTS_PER_PARTITION]:
            self._run_here(batch, sink)
        else:
            self._later.append((self.now_s() + RETRY_S, number, batch))

    def _send_again(self, number: int, batch: Batch) -> None:
        """Send on what waited for a node that is gone; it may run a second time, as its first run went with the node."""
        batch.hops = 0
        self.send(number, batch)

    def _run_here(self, batch: Batch, sink: Sink) -> None:
        if isinstance(batch, WatchBatch):
            sink.fill(
                b"+OK\r\n"
            )  # whoever watches was told that the partition has moved: its EXEC runs nothing
            return
        context = self._runner.context(NOWHERE, batch.db, batch.protocol)
        if isinstance(batch, TransactionBatch):
            self._runner.run_transaction(context, batch.commands, sink.fill, is_dirty=batch.is_watching)
        else:
            self._runner.run(context, batch.commands[0], sink.fill)

    # -- time --------------------------------------------------------------------------

    def tick(self) -> None:
        """Try again what is due, and give up what has waited too long; called every few hundredths of a second."""
        now_s = self.now_s()
        for _ in range(len(self._later)):
            due_s, number, batch = self._later[0]
            if due_s > now_s:
                break
            self._later.popleft()
            if batch.began_s < now_s - self.timeout_s:
                self._give_up(batch)
            else:
                batch.hops = 0
                self.send(number, batch)
        self._expire(now_s - self.timeout_s)

    def _give_up(self, batch: Batch) -> None:
        for sink in batch.sinks:
            if sink is not None:
                is_served = bool(self.owners[batch.places[0] & PARTITION_MASK])
                sink.fill(MOVING if is_served else UNSERVED)

    def _expire(self, before_s: float) -> None:
        silent = SILENT % round(self.timeout_s * 1000)
        for destination in self.destinations.values():
            for channel in destination.channels:
                for sink, was_sent in list(channel.overdue(before_s)):
                    sink.fill(silent if was_sent else MOVING)
        for room in self._rooms.values():
            while room.batches and room.batches[0][1].began_s < before_s:
                self._give_up(room.batches.popleft()[1])
        if self._rooms:
            self.completed()


class _Nowhere:
    """The connection of a command whose client is known only to its sink."""

    query_bytes = output_bytes = received_bytes = sent_bytes = 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: None


NOWHERE: Final = _Nowhere()
