"""What the compiled parts of copies are where nothing is compiled: as ``plain.py``, but for the way of a change to its copies."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any, Protocol

SLOTS_PER_PARTITION = 16
"""As in ``keyspace/slots.py``."""

SAFE = b"\x01" * SLOTS_PER_PARTITION


class VersionsState:
    """The clock that gives versions: its last one without the tag, and when it last looked at the time."""

    __slots__ = ("last", "read_ms", "tag")

    last: int
    read_ms: int
    tag: int


class TableState:
    """One database's share of a partition."""

    __slots__ = ("digest", "entries", "flushed", "tombstones")

    digest: int
    flushed: int
    tombstones: dict[bytes, int]


class PartState:
    """One partition's tables, and what is known of it as a whole."""

    __slots__ = ("is_filling", "is_served", "latest", "owed", "tables")

    is_filling: bool
    is_served: bool
    latest: int
    owed: dict[tuple[int, bytes], int]


class AccountState:
    """How many entries are in no database, and what is in them."""

    __slots__ = ("entries", "payload_bytes")

    entries: int
    payload_bytes: int


class RecorderState:
    """What a change's record needs."""

    __slots__ = ("clock", "parts", "places", "routes", "written")

    places: list[int]
    written: list[int]


class PaceState:
    """The shortest times until an acknowledgement."""

    __slots__ = ("fastest_s", "next_fastest_s", "now_s", "renewed_s")

    fastest_s: float
    next_fastest_s: float
    now_s: Callable[[], float]
    renewed_s: float


class StreamState:
    """What a stream is told in a turn, what of it is on its way, and who waits for that."""

    __slots__ = (
        "confirmed",
        "frames",
        "generation",
        "handed",
        "handed_bytes",
        "is_connected",
        "is_lagging",
        "kept_bytes",
        "largest_bytes",
        "new_bulk_bytes",
        "on_waited",
        "operations",
        "pace",
        "records",
        "running_s",
        "sent",
        "sequence",
        "stir",
        "waiters",
    )

    confirmed: int
    frames: "deque[Sealed]"
    generation: int
    handed: int
    handed_bytes: int
    is_connected: bool
    is_lagging: bool
    kept_bytes: int
    largest_bytes: int
    new_bulk_bytes: int
    on_waited: Callable[[], None]
    operations: list[tuple[bytes, int, int, list[bytes]]]
    records: list[bytes]
    running_s: float
    sent: int
    sequence: int
    stir: Callable[[], None]
    waiters: list[Any]


class Sealed:
    """A frame: what was sent, or is to be sent, and is not acknowledged."""

    __slots__ = ("bulk_bytes", "sealed_s", "sent_s", "sequence", "waiters", "wire")

    def __init__(self, sequence: int, wire: bytes, sealed_s: float, sent_s: float) -> None:
        self.sequence = sequence
        self.wire = wire
        self.sealed_s = sealed_s
        """By the time that counts against the other node."""
        self.sent_s = sent_s
        """By the clock."""
        self.waiters: list[Any] = []
        self.bulk_bytes = 0


class ReceivedState:
    """How far another node's stream has come."""

    __slots__ = ("generation", "sequence")

    generation: int
    sequence: int


class BusState:
    """An end of a connection between nodes: whether its next bytes begin a frame, and whether all it has to send is of the stream ``told``."""

    __slots__ = (
        "client",
        "is_quick",
        "is_telling",
        "out",
        "received_bytes",
        "sent_bytes",
        "taker",
        "told",
        "unsent_bytes",
    )

    is_quick: bool
    is_telling: bool
    out: list[bytes]
    received_bytes: int
    sent_bytes: int
    unsent_bytes: int


class HoldState:
    """What waits for the same followers, and whether what is written now may join."""

    __slots__ = ("is_open", "lates", "partitions", "streams")

    is_open: bool
    lates: list[Any]
    partitions: list[int]


class HoldsState:
    """Which hold the last write of each partition waits with, and how that is marked."""

    __slots__ = ("last", "mine", "opened", "replaced_wire", "required", "unconfirmed")

    last: list[Any]
    mine: bytearray
    replaced_wire: bytes
    unconfirmed: bytearray


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


class Clock(Protocol):
    """Who knows the time of the batch."""

    @property
    def now_ms(self) -> int: ...


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


class FrameTaker:
    """Does what the usual frames between nodes say; plain Python has none of them, and takes frame after frame itself."""

    answers: list[bytes]
    """Frames that are to be sent back; whoever asks takes them away."""

    def take(self, data: bytes) -> bytes:
        """Take the frames at the beginning; return what is left: it begins with a frame, and means what is still to be done."""
        return data


def effects_taker(
    peer: bytes,
    received: Mapping[bytes, ReceivedState],
    writer: StateWriter,
    heard_s: dict[bytes, float],
    *,
    now_s: Callable[[], float],
    clock: Clock,
) -> FrameTaker | None:
    """Return what takes a node's effects, given how far each node's stream has come, and when it was last heard of."""
    return None


def confirmations_taker(
    peer: bytes, stream_of: Callable[[bytes], StreamState], flush: Callable[[], None]
) -> FrameTaker | None:
    """Return what takes a node's confirmations of its stream; ``flush`` is called after each."""
    return None


def seal(stream: StreamState) -> bool:
    """Make one frame of what a stream was told, if there is nothing but a few records; in plain Python nobody does."""
    return False


def confirm(stream: StreamState, sequence: int) -> bool:
    """Take note that the first frame of a stream has arrived, if it is this one and nothing is unusual; in plain Python nobody does."""
    return False
