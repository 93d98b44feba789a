"""One ordered, repeated stream of records to one other node; it outlives connections.

What is added in one turn of the reactor leaves as one frame (several, where it is large). Frames are kept until the
other node has acknowledged them, and are sent again, in their order, on the next connection; the receiving half,
``Received``, tells what has come already. So whoever is behind is behind by an end of the stream, never by a hole in it.

Where that cannot be kept up, the stream begins anew: its *generation* rises, everything is dropped, and ``on_reset``
says so; whoever relied on the stream must tell the other node everything from the beginning. That happens when more
than ``KEPT_BYTES`` wait, or when the other node says that it knows nothing of what it had acknowledged.

A node that is silent for ``PATIENCE_S`` *lags*: nobody waits for it any more, until it has caught up. The time that
counts is our own: a gap between our ticks (this process was stopped, or busy) is held against nobody.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from ..._speedups import ReceivedState, Sealed, StreamState, confirm, seal
from ..bus.frames import BrokenFrameError
from .pace import Pace
from .records import Record, effects_frame, encoded

FRAME_BYTES: Final = 1 << 18
"""Of one frame, unless a single record is larger: the receiver acts on whole frames, and has clients to serve."""

KEPT_BYTES: Final = 64 << 20
"""What is kept for a node that does not acknowledge: some seconds of many writes. Telling it everything is cheaper then."""

FLIGHT_BYTES: Final = 8 << 20
"""What is handed to a connection before its acknowledgement: what cannot be sent would be kept twice."""

RECORDS: Final = 4096
"""So many are made a frame before the turn ends: without a connection nobody asks for them."""

PATIENCE_S: Final = 0.3
"""A node that is silent for so long is not waited for."""

TIMELY_S: Final = PATIENCE_S / 3
"""A node that lagged has caught up when it is not later than this; less than the patience, or it would flap."""

STEP_S: Final = 0.05
"""What a gap between two ticks counts at most: more than a tick (20 ms), or a busy loop would never find anybody silent."""

FIRST_STEP_S: Final = (
    0.02  # and where nothing had waited at the last tick, which may be long ago while all is calm
)

LARGEST_NUMBER: Final = 1 << 53
"""No stream counts so far: a peer that says so is broken."""

Operation = tuple[bytes, int, int, list[bytes]]
"""Origin, batch, first position, answers."""


class Waiter(Protocol):
    """Who waits for what has been added so far."""

    def closed(self) -> None:
        """Be told that what is added from now on is not waited for: it leaves in another frame."""

    def confirmed(self) -> None:
        """Be told that the other node has it, or is not waited for any more."""


class Stream(StreamState):
    """Everything that one other node is told, in order."""

    def __init__(self, generation: int, now_s: Callable[[], float] = lambda: 0.0) -> None:
        """Begin with a generation that is higher than that of any earlier stream of this process to the same node."""
        self.generation = generation
        self.pace = Pace(now_s)
        self.is_lagging = False
        self.sent = 0
        """Records, each counted once however often it was sent."""
        self.on_reset: Callable[[], None] = _do_nothing
        """Told that the stream has begun anew, by ``tick`` and ``acknowledged`` alone; it may be added to at once."""
        self.on_forgotten: Callable[[], None] = _do_nothing
        """Told before, where the other node has forgotten us: it took us for dead, and others may have what we serve."""
        self.on_lag: Callable[[bool], None] = lambda is_lagging: None
        """Told when the other node begins to lag, and when it has caught up."""
        self.may_drop: Callable[[float], bool] = _always
        """Asked before the other node is no longer waited for, with the time of the last tick when it was in time."""
        self.on_room: Callable[[], None] = _do_nothing
        """Told when there is room for more of a full copy."""
        self.on_waited: Callable[[], None] = _do_nothing
        """Told when somebody begins to wait: ticks must come often now."""
        self.stir: Callable[[], None] = _do_nothing
        self.is_connected = False
        self.records: list[bytes] = []
        """Of this turn, encoded. Compiled code adds to them where there are some already, and not too many."""
        self.operations: list[Operation] = []
        self.waiters: list[Waiter] = []
        self.new_bulk_bytes = 0
        self.sequence = self.confirmed = 0
        self.frames: deque[Sealed] = deque()
        self.handed = 0
        """How many of the frames this connection has."""
        self.handed_bytes = self.largest_bytes = 0
        self.kept_bytes = 0
        """How much is not acknowledged."""
        self.running_s = 0.0
        """How long our own loop has run."""
        self._ticked_s = float("inf")
        self._timely_s = 0.0
        self._caught_up_at: int | None = None
        """The frame whose acknowledgement ends a lag."""

    # -- adding ------------------------------------------------------------------

    def add(self, record: Record) -> None:
        """Tell a record with the others of this turn."""
        self.add_wire(encoded(record))

    def add_wire(self, record: bytes) -> None:
        """Tell a record that is encoded already."""
        records = self.records
        if not records:
            self.stir()
        records.append(record)
        if len(records) >= RECORDS:
            self._seal()

    def add_bulk(self, record: Record, size_bytes: int) -> None:
        """Tell a record of a full copy; ``pace`` says when."""
        self.new_bulk_bytes += size_bytes
        self.pace.add(size_bytes)
        self.add(record)

    def note(self, origin: bytes, batch: int, first: int, wires: list[bytes]) -> None:
        """Tell what was answered to operations of a node, which have made records: for who asks again."""
        if not self.operations:
            self.stir()
        self.operations.append((origin, batch, first, wires))

    @property
    def is_quiet(self) -> bool:
        """Say whether everything that was added is acknowledged."""
        return not (self.frames or self.records or self.operations)

    # -- waiting -----------------------------------------------------------------

    def wait(self, waiter: Waiter) -> bool:
        """Tell ``waiter`` when everything added so far is acknowledged; False: it is, or nobody waits for this node."""
        if self.is_lagging:
            return False
        if self.records or self.operations:
            self.waiters.append(waiter)
        elif self.frames:
            self.frames[-1].waiters.append(waiter)
            waiter.closed()
        else:
            return False
        return True

    @property
    def position(self) -> tuple[int, int]:
        """Return generation and number of the frame with which everything added so far leaves."""
        self._seal()
        return self.generation, self.sequence

    def has(self, position: tuple[int, int]) -> bool:
        """Say whether the other node has acknowledged all up to a position; a new beginning tells all of it again."""
        generation, sequence = position
        return generation < self.generation or self.confirmed >= sequence

    def _release(self, waiters: Sequence[Waiter]) -> None:
        for waiter in waiters:
            waiter.confirmed()

    def _take_waiters(self) -> list[Waiter]:
        """Return all who wait, who are not to be told again."""
        fresh, self.waiters = self.waiters, []
        for waiter in fresh:
            waiter.closed()
        waiters = [waiter for kept in self.frames for waiter in kept.waiters] + fresh
        for kept in self.frames:
            kept.waiters = []
        return waiters

    # -- the connection's side ---------------------------------------------------

    def connect(self, stir: Callable[[], None]) -> None:
        """Send on this connection from now on, beginning with what is not acknowledged; ``stir`` asks for it."""
        self.stir, self.is_connected = stir, True
        self.handed = self.handed_bytes = 0
        if self.has_frames:
            stir()

    def disconnect(self) -> None:
        """Keep everything for the next connection."""
        self.stir, self.is_connected = _do_nothing, False
        self.handed = self.handed_bytes = 0

    @property
    def has_frames(self) -> bool:
        """Say whether there is something for the connection to send now."""
        if self.handed_bytes >= FLIGHT_BYTES:
            return False
        return bool(self.records or self.operations) or self.handed < len(self.frames)

    def take_frames(self) -> list[bytes]:
        """Hand over what is to be sent now."""
        self._seal()
        frames: list[bytes] = []
        while self.handed < len(self.frames) and self.handed_bytes < FLIGHT_BYTES:
            wire = self.frames[self.handed].wire
            self.handed += 1
            self.handed_bytes += len(wire)
            frames.append(wire)
        return frames

    def acknowledged(self, generation: int, sequence: int) -> None:
        """Take the other node's word for what it has applied. Raises BrokenFrameError."""
        if not (0 <= generation < LARGEST_NUMBER and 0 <= sequence < LARGEST_NUMBER):
            raise BrokenFrameError(f"no stream counts to {generation}, {sequence}")
        if generation > self.generation:
            self._begin_anew(generation + 1)  # it knows of a stream that we have forgotten
        elif generation == self.generation and sequence > self.sequence:
            raise BrokenFrameError(f"frame {sequence} was never sent")
        elif generation == self.generation and not sequence and self.confirmed:
            self.on_forgotten()
            self._begin_anew(generation + 1)
        elif generation == self.generation:
            self._confirm(sequence)

    def _confirm(self, sequence: int) -> None:
        if confirm(self, sequence):
            return
        frames = self.frames
        waiters: list[Waiter] = []
        has_freed = False
        while frames and frames[0].sequence <= sequence:
            gone = frames.popleft()
            waiters += gone.waiters
            self.kept_bytes -= len(gone.wire)
            self.pace.acknowledged(gone.sent_s, gone.bulk_bytes)
            has_freed = has_freed or gone.bulk_bytes > 0
            if self.handed:
                self.handed -= 1
                self.handed_bytes -= len(gone.wire)
        self.confirmed = max(self.confirmed, sequence)
        if not frames:
            self.largest_bytes = 0
        self._note_catching_up()
        self._release(waiters)
        if self.is_connected and self.has_frames:
            self.stir()
        if has_freed:
            self.on_room()

    # -- time --------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Look whether the other node is silent, or too far behind; called every 20 ms or so."""
        most_s = STEP_S if self._silent_s else FIRST_STEP_S
        self.running_s += min(max(0.0, now_s - self._ticked_s), most_s)
        self._ticked_s = now_s
        if not self.is_connected:
            self._seal()
        if self.kept_bytes > KEPT_BYTES + 2 * self.largest_bytes:
            self._begin_anew(self.generation + 1)
        elif self._silent_s <= PATIENCE_S:
            self._timely_s = now_s
        elif not self.is_lagging and self.may_drop(self._timely_s):
            self.is_lagging = True
            self._caught_up_at = None
            self._release(self._take_waiters())
            self.on_lag(True)

    @property
    def silent_ms(self) -> int:
        """Return for how long the other node has left something unacknowledged."""
        return round(self._silent_s * 1000)

    @property
    def _silent_s(self) -> float:
        return self.running_s - self.frames[0].sealed_s if self.frames else 0.0

    def _note_catching_up(self) -> None:
        """End a lag once everything is acknowledged that was sent before the other node was in time again."""
        if not self.is_lagging:
            return
        if self._silent_s > TIMELY_S:
            self._caught_up_at = None
        elif self._caught_up_at is None:
            self._caught_up_at = self.sequence
        if self._caught_up_at is not None and self.confirmed >= self._caught_up_at:
            self.is_lagging = False
            self.on_lag(False)

    def close(self) -> None:
        """Let nobody wait any more: the node is gone."""
        self.disconnect()
        self._drop()

    # -- within ------------------------------------------------------------------

    def _begin_anew(self, generation: int) -> None:
        self.generation = generation
        self.is_lagging = False  # who relies on the stream begins anew as well, and finds out again
        self._drop()
        self.on_reset()

    def _drop(self) -> None:
        waiters = self._take_waiters()
        self.records, self.operations = [], []
        self.frames.clear()
        self.sequence = self.confirmed = self.new_bulk_bytes = 0
        self.handed = self.handed_bytes = self.kept_bytes = self.largest_bytes = 0
        self.pace.forget()
        self._release(waiters)

    def _seal(self) -> None:
        """Make frames of what was added."""
        if seal(self):
            return
        if not (self.records or self.operations):
            return
        if self.waiters and not self.frames:
            self.on_waited()
        records, self.records = self.records, []
        operations, self.operations = self.operations, []
        self.sent += len(records)
        sent_s = self.pace.sent(has_bulk=self.new_bulk_bytes > 0)
        for wire in self._wires(records, operations):
            self.frames.append(Sealed(self.sequence, wire, self.running_s, sent_s))
            self.kept_bytes += len(wire)
            self.largest_bytes = max(self.largest_bytes, len(wire))
        last = self.frames[-1]
        last.bulk_bytes, self.new_bulk_bytes = self.new_bulk_bytes, 0
        last.waiters, self.waiters = self.waiters, []
        for waiter in last.waiters:
            waiter.closed()

    def _wires(self, records: list[bytes], operations: list[Operation]) -> Iterator[bytes]:
        """Yield numbered frames; answers go with the last, as they tell of records before it."""
        self.sequence += 1
        wire = effects_frame(self.generation, self.sequence, records, operations)
        if len(wire) <= FRAME_BYTES or len(records) < 2:
            yield wire
            return
        self.sequence -= 1
        middle = len(records) // 2
        yield from self._wires(records[:middle], [])
        yield from self._wires(records[middle:], operations)


class Received(ReceivedState):
    """What has come of another node's stream; told back in each acknowledgement."""

    __slots__ = ()

    def __init__(self) -> None:
        self.generation = 0
        self.sequence = 0

    def takes(self, generation: int, sequence: int) -> bool:
        """Say whether a frame is to be applied: neither known already, nor behind something that is missing."""
        if not (0 < generation < LARGEST_NUMBER and 0 < sequence < LARGEST_NUMBER):
            raise BrokenFrameError(f"no stream counts to {generation}, {sequence}")
        if generation < self.generation:
            return False  # of a connection that is lost, or a sender that has forgotten; it will hear of it
        if generation > self.generation:
            self.generation, self.sequence = generation, 0
        if sequence == self.sequence + 1:
            self.sequence = sequence
            return True
        if sequence > self.sequence:
            self.sequence = 0  # we have forgotten what came before: 0 says so
        return False


def _always(since_s: float) -> bool:
    """Stand in for whoever is to be asked."""
    return True


def _do_nothing() -> None:
    """Stand in for whoever is to be told."""
