"""Which node serves which partition, as this node believes, and the channels that lead there.

``targets`` is what forwarding asks: a destination, a waiting room, or None (this node, or nobody). When a
partition changes its owner while commands for it are on their way, what comes after them waits in a waiting room
until they are answered, or the order of a client's commands would be lost. Where the old owner is
gone, its commands are sent to the new one first, on channels of the same numbers, so nothing needs to wait.

What a node refuses (it does not own the key) is sent to whom it names, ``HOPS`` times; then it is
tried again at every tick until its time is up. What comes after it waits in a waiting room, too. What was sent behind
it is refused as well (see ``inlet.py``); it is all sent again in its order, once nothing of it is on its way.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Final, TypeAlias

from ...commands.client import Client
from ...commands.cluster_errors import NOT_SERVED
from ...keyspace.slots import PARTITIONS, SLOTS, SLOTS_PER_PARTITION
from .batch import WATCHED, Batch, Sink, WatchBatch
from .channel import COMMANDS, Channel
from .closed import Closed
from .destination import Destination
from .frames import ANYWHERE, NOT_TO_RUN, PARTITION_MASK, Refusal
from .here import Here
from .lane import Lane
from .rooms import Rooms, WaitingRoom, partitions_of, take_rooms
from .runner import Runner

HOPS: Final = 2
"""How often a command follows those who say that another owns its key: views differ for one or two rounds of gossip."""

MANY: Final = 64
"""With so many to be sent again, they wait for the next tick: looking through all of them for each would take its time."""

MARKED: Final = [bytes([mark]) * SLOTS_PER_PARTITION for mark in range(3)]

MOVING: Final = b"-TRYAGAIN the owner of the key is changing\r\n"
UNSERVED: Final = b"-CLUSTERDOWN %b\r\n" % NOT_SERVED.encode()
SILENT: Final = b"-TIMEOUT the owner of the key did not answer within %d ms; the command may have run\r\n"
GONE: Final = b"-TRYAGAIN a node that the command concerns has gone\r\n"


Target: TypeAlias = Destination | WaitingRoom | Closed


class Directory:
    """The view of one node, and everything that is on its way to others."""

    def __init__(
        self, my_id: bytes, runner: Runner, now_s: Callable[[], float], lanes: int, timeout_s: float
    ) -> None:
        self.my_id = my_id
        self.mine = bytearray(SLOTS)
        """1 for each slot whose commands run here; 2 where something is unconfirmed: see ``replication/holds.py``."""
        self.unconfirmed = bytearray(PARTITIONS + 1)
        """1 for each partition with writes that its copies have not confirmed; at ``ANYWHERE``, if there are any."""
        self.owned = bytearray(PARTITIONS + 1)
        self.owned[ANYWHERE] = 1
        """1 for each partition that is this node's: others' commands run at once, whatever our own wait for."""
        self.targets: list[Target | None] = [None] * PARTITIONS
        self.owners: Sequence[tuple[bytes, ...]] = [()] * PARTITIONS
        self.destinations: dict[bytes, Destination] = {}
        self.timeout_s = timeout_s
        self._lanes = lanes
        self.now_s = now_s
        self._last_number = 0
        self.rooms = Rooms(self.single)
        self.rooms.owner_of = self._owner
        self.cut_again: Callable[[Batch], list[Batch]] = lambda batch: [batch]
        """Cuts a command with several keys anew when their owners are others than when it was sent."""
        self.here = Here(runner, self)
        self._closed: Closed | None = None
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
            for index, channel in enumerate(channels):
                channel.on_lost = partial(self._connection_lost, index, channel)
        return found

    def remove_node(self, id: bytes) -> None:
        """Forget a node that is gone; what waits for it goes to whoever owns it now. Set the new owners first."""
        gone = self.destinations.pop(id, None)
        if gone is not None:
            for number, channel in enumerate(gone.channels):
                for batch in channel.drain():
                    self._send_again(number, batch)
            self.completed()

    def set_owners(self, owners: Sequence[tuple[bytes, ...]], gone: Iterable[bytes] = ()) -> list[int]:
        """Take a new table; return the partitions whose owner is another now. ``gone``: nodes that answer no more."""
        old, self.owners = self.owners, owners
        pairs = enumerate(zip(old, owners, strict=True))
        moved = [p for p, (one, other) in pairs if one is not other and one[:1] != other[:1]]
        self._hold_back(moved, set(gone))
        for partition in moved:
            self._aim(partition)
        self.on_moved(moved)
        return moved

    def _hold_back(self, moved: Sequence[int], gone: set[bytes]) -> None:
        """Let rooms of partitions wait for what is on its way to their old owners."""
        partitions = frozenset(moved)
        for peer_id, destination in self.destinations.items():
            if partitions and peer_id not in gone:
                for channel in destination.channels:
                    self._hold_back_behind(channel, partitions)
        lost = {partition for partition in partitions if self._owner(partition) not in {b"", self.my_id}}
        if lost:
            self._hold_back_here(lost)
            self.here.lost |= lost

    def _hold_back_here(self, partitions: Collection[int]) -> None:
        for batch in self.here.waiting_for(partitions):
            self._let_pass(batch, 0, partitions_of(batch, 0).intersection(partitions))

    def _hold_back_behind(self, channel: Channel, partitions: frozenset[int]) -> None:
        for batch in channel.waiting():
            for position in batch.open_positions():
                at = position - batch.first
                concerned = partitions_of(batch, at)
                if concerned & partitions:
                    self._let_pass(batch, at, concerned)  # with several keys: it is refused as a whole

    def _let_pass(self, batch: Batch, at: int, partitions: Iterable[int]) -> None:
        """Hold back what comes after a command that is on its way or cannot be run yet, or it would overtake it."""
        for partition in partitions:
            room = self.rooms.by_partition.get(partition)
            if room is None:
                room = self.rooms.by_partition[partition] = WaitingRoom(self.rooms, partition)
                self._aim(partition)
            room.wait_for(batch, at)

    def _owner(self, partition: int) -> bytes:
        owners = self.owners[partition]
        return owners[0] if owners else b""

    def _aim(self, partition: int) -> None:
        """Set where commands for a partition go from now on."""
        owner = self._owner(partition)
        room = self.rooms.by_partition.get(partition)
        is_mine = self.owned[partition] = owner == self.my_id and self._closed is None
        first = partition * SLOTS_PER_PARTITION
        mark = (is_mine and room is None) << self.unconfirmed[partition]
        self.mine[first : first + SLOTS_PER_PARTITION] = MARKED[mark]
        target: Target | None = room
        if room is None and owner and owner != self.my_id:
            target = self.add_node(owner)
        self.targets[partition] = target if self._closed is None else self._closed

    def close(self, wire: bytes) -> None:
        """Refuse every command that names a key from now on, ours and others'."""
        self._closed = Closed(wire)
        for partition in range(PARTITIONS):
            self._aim(partition)

    def open(self) -> None:
        """Refuse nothing any more."""
        self._closed = None
        for partition in range(PARTITIONS):
            self._aim(partition)

    @property
    def is_closed(self) -> bool:
        return self._closed is not None

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
        """Open the waiting rooms whose turn has come; called when there were replies."""
        while self.rooms.ready:
            room = self.rooms.ready.pop()
            if not room.ahead and self.rooms.by_partition.get(room.partition) is room:
                del self.rooms.by_partition[room.partition]
                self._aim(room.partition)
                while room.batches:
                    self.send(*room.take())

    @property
    def has_rooms(self) -> bool:
        return bool(self.rooms.by_partition)

    def refused(self, lane: Lane, refusal: Refusal) -> None:
        """Send a command on that was not run because the node does not own its key."""
        sent = lane.channel.find(refusal.batch, refusal.position)
        one = lane.channel.take_back(refusal.batch, refusal.position)
        if one is None or sent is None:
            return
        one.is_resent = sent.is_resent  # surely not run now; but copies may know what it answered before
        one.hops += 1
        if refusal.position in sent.working:
            one.renew(self.now_s())
        concerned = partitions_of(one, 0)
        if not concerned <= self.rooms.by_partition.keys():
            self._hold_back_behind(lane.channel, concerned)
        if one.hops <= HOPS and len(concerned) == 1 and type(one) is Batch:
            one.named = refusal.owner
        self._try_later(lane.index, one)
        self._try_soon(one)

    def strayed(self, number: int, batch: Batch) -> None:
        """Send a command on that has waited here until its partition was another node's."""
        batch.renew(self.now_s())
        [partition] = partitions_of(batch, 0)
        owner = self._owner(partition)
        if owner and owner != self.my_id and self._closed is None:
            batch.named = self.add_node(owner).id
        self._try_later(number, batch)
        self._try_soon(batch)

    def _try_soon(self, batch: Batch) -> None:
        """Send what rests again now, if it is known where a command of it shall go, and there is not too much of it."""
        if batch.named in self.destinations and len(self.rooms.resting) < MANY:
            self._try_again(self.now_s() - self.timeout_s, is_tick=False)

    def send(self, number: int, batch: Batch) -> None:
        """Send a batch of one command to whoever owns its keys by now."""
        for part in self._cut(batch) if type(batch) is Batch else [batch]:
            self._send_part(number, part)

    def _connection_lost(self, number: int, channel: Channel) -> None:
        """Let rest what was sent behind something that rests: nobody refuses it on the next connection.

        What may have run is asked for there first: who serves the key by now may not know of it, and run it again.
        """
        held: set[int] = set()

        def must_rest(batch: Batch) -> bool:
            concerned = partitions_of(batch, 0)
            if held.isdisjoint(concerned) and not self.rooms.is_resting(batch):
                return False
            held.update(concerned)
            if batch.is_resent:
                batch.seen = NOT_TO_RUN
            return not batch.is_resent

        if self.rooms.resting:
            for batch in channel.take_out(must_rest):
                self._try_later(number, batch)

    def _cut(self, batch: Batch) -> list[Batch]:
        """Cut a command; its rooms wait for its parts then, not for the whole, or a part would wait for itself."""
        waiting = take_rooms(batch)
        parts = self.cut_again(batch)
        for part in parts:
            for partition in partitions_of(part, 0):
                room = self.rooms.by_partition.get(partition)
                if room in waiting:
                    room.wait_for(part, 0)
        for room in waiting:
            room.note_answer()
        return parts

    def wait_for_owner(self, client: Client, sink: Sink, argv: list[bytes], partition: int) -> None:
        """Keep a command for a partition that nobody owns yet: a node that joins hears soon who does."""
        if len(self.rooms.resting) >= COMMANDS:
            sink.fill(UNSERVED)
        else:
            self._try_later(client.id, self.single(client, sink, argv, partition))

    def _try_later(self, number: int, batch: Batch) -> None:
        self._let_pass(batch, 0, partitions_of(batch, 0))
        self.rooms.rest(number, batch)

    def _try_again(self, before_s: float, *, is_tick: bool) -> None:
        """Send again what rests, in its order: while one is on its way, those behind it stay, unless they go there, too."""
        rooms = self.rooms
        resting, rooms.resting = rooms.resting, []
        ways: dict[int, bytes] = {}
        """Where this round has sent the commands of a partition."""
        held: set[int] = set()
        for number, batch in resting:
            concerned = partitions_of(batch, 0)
            named = batch.named if batch.named in self.destinations else b""
            may_go = (named or is_tick) and held.isdisjoint(concerned)
            for partition in concerned:
                room, way = rooms.by_partition[partition], named or self._owner(partition)
                may_go = may_go and bool(way) and (room.ahead == room.resting or ways.get(partition) == way)
            if batch.began_s < before_s:
                rooms.wake(batch)
                self._give_up(batch)
            elif may_go:
                rooms.wake(batch)
                ways.update((partition, named or self._owner(partition)) for partition in concerned)
                self._send_now(number, batch, named)
            else:
                held |= concerned
                rooms.add(number, batch)
        self.completed()

    def _send_now(self, number: int, batch: Batch, named: bytes) -> None:
        batch.named = b""
        if named:
            self.destinations[named].channels[number % self._lanes].append(batch)
        else:
            batch.hops = 0
            self.send(number, batch)

    def part_of(self, batch: Batch, words: list[bytes], sink: Sink, place: int) -> Batch:
        """Return a batch for a part of a command that is cut after it has been sent once."""
        part = Batch(self.next_number(), batch.db, batch.protocol, batch.began_s)
        part.sinks, part.commands, part.places, part.left = [sink], [words], [place], 1
        part.size_bytes = sum(map(len, words))
        part.rank = batch.rank
        part.is_resent = batch.is_resent  # nobody knows it by its new number, but it may have run
        return part

    def _send_part(self, number: int, batch: Batch) -> None:
        partition = batch.places[0] & PARTITION_MASK
        sink = batch.sinks[0]
        assert sink is not None
        if partition == ANYWHERE:
            sink.fill(GONE)
            return
        owner = self._owner(partition)
        if self._closed is not None:
            self._closed.append(None, batch)
        elif owner == self.my_id:
            self.here.run(number, batch)
        elif not owner:
            self._try_later(number, batch)
        elif isinstance(batch, WatchBatch) and owner != batch.owner:
            sink.fill(WATCHED)  # see ``here.py``
        else:
            channels = self.add_node(owner).channels
            channels[number % len(channels)].append(batch)

    def _send_again(self, number: int, batch: Batch) -> None:
        """Send on what waited for a node that is gone; it may run a second time, as its first run went with the node."""
        batch.hops = 0
        if self.rooms.is_resting(batch):  # what has been refused came before it
            self._try_later(number, batch)
        else:
            self.send(number, batch)

    # -- time --------------------------------------------------------------------------

    def tick(self) -> None:
        """Try again what is due, and give up what has waited too long; called every few hundredths of a second."""
        before_s = self.now_s() - self.timeout_s
        self.here.let_go()
        if self.rooms.resting:
            self._try_again(before_s, is_tick=True)
        self._expire(before_s)
        self.completed()

    def _give_up(self, batch: Batch) -> None:
        is_served = bool(self.owners[batch.places[0] & PARTITION_MASK])
        wire = MOVING if is_served else UNSERVED
        if batch.is_resent:  # whoever it was sent to first may have run it
            wire = SILENT % round(self.timeout_s * 1000)
        for sink in batch.sinks:
            if sink is not None:
                sink.fill(wire)

    def _expire(self, before_s: float) -> None:
        silent = SILENT % round(self.timeout_s * 1000)
        for destination in self.destinations.values():
            for channel in destination.channels:
                for sink, was_sent in list(channel.overdue(before_s)):
                    sink.fill(silent if was_sent else MOVING)
        for room in self.rooms.by_partition.values():
            while room.batches and room.batches[0][1].began_s < before_s:
                self._give_up(room.take()[1])
