"""The other end of a stream, for tests; and who waits for it."""

import msgspec

from respcache.cluster.replication.records import EFFECTS, REMOVED, Effects, records_of
from respcache.cluster.replication.stream import Received, Stream

DECODER = msgspec.msgpack.Decoder(Effects)


class Follower:
    """The other node: takes frames, and acknowledges what it is told to."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.received = Received()
        self.records: list[list[object]] = []
        self.operations: list[object] = []
        self.stirs = 0
        self.connect()

    def connect(self) -> None:
        self.stream.connect(self._stir)

    def _stir(self) -> None:
        self.stirs += 1

    def take(self, frames: list[bytes]) -> None:
        for wire in frames:
            assert wire[:1] == EFFECTS
            body = DECODER.decode(wire[1:])
            if self.received.takes(body.generation, body.sequence):
                self.records += records_of(body.records)
                self.operations += body.operations

    def acknowledge(self) -> None:
        self.stream.acknowledged(self.received.generation, self.received.sequence)

    def turn(self) -> None:
        self.take(self.stream.take_frames())
        self.acknowledge()


class Waiting:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.is_closed = False
        self.confirmations = 0

    def closed(self) -> None:
        self.is_closed = True

    def confirmed(self) -> None:
        self.confirmations += 1


def record(number: int, size: int = 1) -> tuple[object, ...]:
    return (REMOVED, 0, 0, b"%d" % number * size, 1, 1)


def numbers(follower: Follower) -> list[int]:
    return [int(bytes(one[3])) for one in follower.records]  # type: ignore[call-overload]
