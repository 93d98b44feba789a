"""Replies that are kept back until copies have what they tell of.

A command runs at once; what waits is its reply, until every node that is *required* for the partition has acknowledged
everything that was written there so far. Until then the partition is *unconfirmed*, and replies to all later
commands that concern it are kept back, too, reads and errors included: so nobody ever sees what might be lost. Other
partitions go on. See ``docs/decisions/held_replies.md`` for why replies wait and not commands.

What is written in one turn of the reactor leaves in one frame for each follower, so all replies that wait for the same
followers share one ``Hold`` per turn.

Partitions are marked as a whole, not slots: with fifty writes under way, 5 % of the other keys' reads wait for half a
round trip, and the mark costs a third of what one per slot would cost.

What a command wrote is asked of the recorder (``written``) as soon as its reply is there, and cleared. Who runs commands
another way must ask, too; what nobody asks for holds back the next reply, which is safe.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from ..._speedups import HoldsState, clear_marks
from ...commands.arguments import Access
from ...commands.client import Client
from ...commands.errors import CommandError
from ...commands.pending import Pending, Slot
from ...commands.spec import Command, Flag
from ...keyspace.slots import PARTITIONS, SLOTS_PER_PARTITION, key_slot, partition_of
from ...protocol.encoder import encode
from ...protocol.replies import OK, Raw, Reply
from ..bus.frames import ANYWHERE
from .confirmations import Mark
from .held import REPLACED_WIRE, HeldFill, HeldReply, Hold, Late
from .stream import Stream

SAFE: Final = b"\x01" * SLOTS_PER_PARTITION
UNSAFE: Final = b"\x02" * SLOTS_PER_PARTITION


class Marks(Protocol):
    """The tables of the directory that say what must be looked at."""

    @property
    def mine(self) -> bytearray:
        """By slot: 0 for those that are not served here; 2 where writes are unconfirmed; else 1."""

    @property
    def owned(self) -> bytearray:
        """1 for each partition that is served here."""

    @property
    def unconfirmed(self) -> bytearray:
        """1 for each partition with unconfirmed writes; at ``ANYWHERE``: whether there are any."""


class Holds(HoldsState):
    """All replies of one node that are kept back."""

    def __init__(self, written: list[int], marks: Marks, routes: Sequence[Sequence[Stream]]) -> None:
        """Ask ``written`` what a command has changed; ``routes``: who is told of a partition, required or not."""
        self.written = written
        self.required: list[tuple[Stream, ...]] = [()] * PARTITIONS
        """By partition: those whose copies are in step and who do not lag. Kept by who knows them."""
        self.is_sync = True
        """Whether replies wait. If not, copies are told all the same."""
        self.routes = routes
        self.held = 0
        """How many replies have been kept back and given."""
        self.lost = 0
        """How many partitions were lost to another server with replies kept back."""
        self._marks = marks
        self.mine = marks.mine
        self.unconfirmed = marks.unconfirmed
        self.replaced_wire = REPLACED_WIRE
        self.last: list[Hold | None] = [None] * PARTITIONS
        self.opened: dict[tuple[Stream, ...], Hold] = {}
        self._all: dict[Hold, None] = {}
        self._touched: list[int] = []

    # -- the short way -------------------------------------------------------------

    def after(self, client: Client, reply: Reply, partition: int) -> Reply | Slot:
        """Return the reply to a command whose keys are all in one partition, or the slot where it will stand."""
        written = self.written
        hold = self.last[partition]
        if not written:
            pass
        elif len(written) == 1 and written[0] == partition:
            written.clear()
            streams = self.required[partition]
            if hold is None or not hold.is_open or hold.streams is not streams:
                fresh = self.opened.get(streams)
                hold = self.hold_of(partition) if fresh is None else self._mark(partition, fresh)
        else:
            hold = self._hold_of_all(self._take_written(), [partition])
        if hold is None:
            return reply
        slot = Slot(client.connection)
        wire = b"+OK\r\n" if reply is OK else encode(reply, client.protocol)
        hold.answers.append((slot, wire, partition))
        return slot

    # -- everything else -------------------------------------------------------------

    def touch(self, command: Command, argv: Sequence[bytes]) -> None:
        """Note that a command that is not on the short way has looked at its keys; the next reply waits for them."""
        unconfirmed = self.unconfirmed
        if not unconfirmed[ANYWHERE]:
            return
        if command.spans:
            with suppress(CommandError):  # wrong words: it has looked at nothing
                positions = command.key_positions(argv)
                keys = [argv[at] for at, access in positions if access is not Access.NOT_KEY]
                self._touched += [p for p in map(partition_of, map(key_slot, keys)) if unconfirmed[p]]
        elif Flag.READONLY in command.flags:  # DBSIZE and the like look at everything
            self._touched += [p for p in range(PARTITIONS) if unconfirmed[p]]

    def touch_partitions(self, partitions: Iterable[int]) -> None:
        """Note that the next answer tells of these; beyond the last partition there is nothing to note."""
        unconfirmed = self.unconfirmed
        if unconfirmed[ANYWHERE]:
            self._touched += [p for p in partitions if p < PARTITIONS and unconfirmed[p]]

    def after_all(self, client: Client, reply: Reply) -> Reply | Slot:
        """Do what ``after`` does for a command that may concern many partitions, and was noted with ``touch``."""
        hold, partitions = self._take()
        if hold is None:
            return reply
        slot = Slot(client.connection)
        self._keep(hold, HeldFill(slot.fill, encode(reply, client.protocol), partitions))
        return slot

    def after_long(self, client: Client, reply: Reply | Pending) -> Reply | Pending:
        """Do the same for a reply, or one to come, on the long way."""
        if isinstance(reply, Pending):
            late = Pending()
            # What waits for a busy key answers in the protocol that was spoken then; EXEC may change it itself.
            protocol = None if client.is_blocked else client.protocol
            reply.when_done(lambda value: self._answer(late, value, protocol or client.protocol))
            return late
        hold, partitions = self._take()
        if hold is None:
            return reply
        late = Pending()
        self._keep(hold, HeldReply(late, reply, partitions))
        return late

    def _answer(self, late: Pending, reply: Reply, protocol: int) -> None:
        hold, partitions = self._take()
        if hold is None:
            late.resolve(reply)
        else:
            self._keep(hold, HeldReply(late, Raw(encode(reply, protocol)), partitions))

    def filling(self, fill: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return what takes a reply's bytes in the place of ``fill``, which gets them when they may be seen."""

        def hold_back(wire: bytes) -> None:
            hold, partitions = self._take()
            if hold is None:
                fill(wire)
            else:
                self._keep(hold, HeldFill(fill, wire, partitions))

        return hold_back

    def told(self) -> list[Stream]:
        """Return who hears of what was just written, each once, whether or not it is waited for."""
        return list(dict.fromkeys(one for partition in set(self.written) for one in self.routes[partition]))

    def keep(self, late: Late) -> bool:
        """Keep back the answer to what has just run; False: it may leave."""
        hold, _ = self._take()
        if hold is not None:
            self._keep(hold, late)
        return hold is not None

    @property
    def has_news(self) -> bool:
        """Say whether the last command wrote anything, or looked at what is unconfirmed."""
        return bool(self.written or self._touched)

    # -- what becomes of them ----------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Return how many replies are kept back now."""
        return sum(len(hold.answers) + len(hold.lates) for hold in self._all)

    def mark(self) -> Mark:
        """Return what can say how many copies have all that has been written by now."""
        return Mark(self.required, self.routes, self._marks.owned)

    @property
    def is_waiting(self) -> bool:
        """Say whether anything is unconfirmed."""
        return bool(self.unconfirmed[ANYWHERE])

    def is_unconfirmed(self, partition: int) -> bool:
        return bool(self.unconfirmed[partition])

    def fail(self, partition: int) -> None:
        """Let nobody hear that his command has run: another node serves the partition, and may not know of it.

        Where all is confirmed, nothing is lost, whatever else the replies that have looked there wait for.
        """
        if not self.unconfirmed[partition]:
            return
        self.lost += 1
        for hold in self._all:
            hold.lose(partition)
        self.last[partition] = None
        self._clear(partition)

    def give_up(self) -> None:
        """Let everybody who waits hear that it is not known whether his command has run: this node may serve no more."""
        for partition in range(PARTITIONS):
            if self.unconfirmed[partition]:
                self.fail(partition)
        for hold in list(self._all):
            hold.closed()
            self.end(hold)

    def end(self, hold: Hold) -> None:
        """Let the replies of a hold leave."""
        self._all.pop(hold, None)
        self.held += len(hold.answers) + len(hold.lates)
        if not self._all:
            self.unconfirmed[ANYWHERE] = 0
        clear_marks(self, hold)
        hold.leave()

    def close(self, hold: Hold) -> None:
        """Let nothing that is written from now on wait with a hold."""
        if self.opened.get(hold.streams) is hold:
            del self.opened[hold.streams]

    # -- within ------------------------------------------------------------------------

    def _take(self) -> tuple[Hold | None, Collection[int]]:
        """Return what the reply that is there now must wait for, and which partitions it concerns."""
        if not (self.written or self._touched):
            return None, ()
        touched, self._touched = self._touched, []
        written = self._take_written()
        return self._hold_of_all(written, touched), {*written, *touched}

    def _take_written(self) -> Collection[int]:
        written = set(self.written)
        self.written.clear()
        return written

    def _keep(self, hold: Hold, late: Late) -> None:
        hold.lates.append(late)

    def hold_of(self, partition: int) -> Hold | None:
        """Return the hold of what was just written to one partition, for which there is none yet in this turn."""
        last = self.last[partition]
        streams = self.required[partition]
        hold = self._hold_for(streams) if streams and self.is_sync else None
        return last if hold is None else self._mark(partition, hold)

    def _hold_of_all(self, written: Iterable[int], touched: Iterable[int]) -> Hold | None:
        """Return one hold for everything that was written, and for what is unconfirmed of what was touched."""
        streams: dict[Stream, None] = {}
        if self.is_sync:
            for partition in written:
                streams.update(dict.fromkeys(self.required[partition]))
        for partition in (*written, *touched):
            last = self.last[partition]
            if last is not None:
                streams.update(dict.fromkeys(last.streams))
        hold = self._hold_for(tuple(streams)) if streams else None
        if hold is not None:
            for partition in written:
                self._mark(partition, hold)
        return hold

    def _hold_for(self, streams: tuple[Stream, ...]) -> Hold | None:
        """Return what waits until these have everything that they were told so far; None: they have."""
        hold = self.opened.get(streams)
        if hold is not None:
            return hold
        hold = Hold(self, streams)
        hold.left = sum([stream.wait(hold) for stream in streams])
        if not hold.left:
            return None
        if hold.is_open:
            self.opened[streams] = hold
        self._all[hold] = None
        self.unconfirmed[ANYWHERE] = 1
        return hold

    def _mark(self, partition: int, hold: Hold) -> Hold:
        """Let replies that concern a partition wait with a hold."""
        before = self.last[partition]
        if before is not hold:
            self.last[partition] = hold
            hold.partitions.append(partition)
            if before is None:
                self.unconfirmed[partition] = 1
                first = partition * SLOTS_PER_PARTITION
                if self.mine[first]:
                    self.mine[first : first + SLOTS_PER_PARTITION] = UNSAFE
        return hold

    def _clear(self, partition: int) -> None:
        if not self.unconfirmed[partition]:
            return
        self.unconfirmed[partition] = 0
        first = partition * SLOTS_PER_PARTITION
        if self.mine[first]:
            self.mine[first : first + SLOTS_PER_PARTITION] = SAFE
