"""What is at the ends of connections, without sockets: both ends of one between nodes, and a node's clients."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from zlib import crc32

import hiredis

from respcache.cluster.bus.inlet import Inlet
from respcache.cluster.bus.lane import Lane
from respcache.cluster.security.keyring import Keyring
from respcache.cluster.security.links import Link
from respcache.commands.client import Ending
from respcache.protocol.replies import ErrorReply
from respcache.server.session import Session
from tests.commands.harness import HarnessClient

if TYPE_CHECKING:
    from tests.cluster.bus.pair import World  # they have these
    from tests.cluster.bus.peer import Peer

RECONNECT_S: Final = 0.05
READ_BYTES: Final = 1 << 16
ROUNDS: Final = 10_000
"""What needs more of them without a byte arriving is a loop that never ends."""

Command = str | Sequence[bytes]


class Endpoint(ABC):
    """What a reactor keeps beside a socket."""

    def __init__(self, world: "World", peer: "Peer") -> None:
        self.world = world
        self.peer = peer
        self.wakes = 0

    def wake(self) -> None:
        self.wakes += 1
        self.world.stirred[self] = None

    @abstractmethod
    def finish(self) -> None:
        """Send what there is, and look what is to be done next."""


class End(Endpoint):
    """One end of a connection between nodes."""

    connection: Lane | Inlet

    def __init__(self, world: "World", peer: "Peer", wire: "Wire") -> None:
        super().__init__(world, peer)
        self.wire = wire
        self.in_flight_bytes = 0
        self._last_s = 0.0

    @property
    def other(self) -> "End":
        return self.wire.inlet_end if self is self.wire.lane_end else self.wire.lane_end

    def finish(self) -> None:
        if self.wire.is_lost:
            return
        connection = self.connection
        while connection.out and self.in_flight_bytes <= self.world.window_bytes:
            self._transmit(b"".join(connection.take_output()))
        ending = connection.client.ending
        if ending is Ending.AT_ONCE:
            self.wire.lose()
        elif ending is Ending.AFTER_REPLIES:
            self.world.after(self.world.delay_s[1], self.wire.lose)

    def _transmit(self, data: bytes) -> None:
        chance, (least_s, most_s) = self.world.chance, self.world.delay_s
        points = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(4) * self.world.cuts))
        for start, stop in itertools.pairwise([0, *points, len(data)]):
            if start < stop:
                # Never before what was sent before: it is a stream.
                self._last_s = max(self._last_s, self.world.now_s + chance.uniform(least_s, most_s))
                self.in_flight_bytes += stop - start
                piece = data[start:stop]
                self.world.after(self._last_s - self.world.now_s, lambda piece=piece: self._deliver(piece))  # type: ignore[misc]

    def _deliver(self, data: bytes) -> None:
        if self.wire.is_lost:
            return
        if self.other.peer.is_stopped:
            self.other.peer.inbox.append(lambda: self._deliver(data))
            return
        self.world.delivered += 1
        self.world.digest = crc32(b"%.9f" % self.world.now_s, crc32(data, self.world.digest))
        self.world.before_delivery(self.world.delivered)
        if self.wire.is_lost:
            return
        self.in_flight_bytes -= len(data)
        if self.connection.out:
            self.wake()
        self.other.connection.receive(data)
        self.other.wake()


class Wire:
    """A connection between two nodes."""

    def __init__(self, world: "World", one: "Peer", other: "Peer", index: int) -> None:
        self.world = world
        self.one, self.other, self.index = one, other, index
        self.is_lost = False
        self.lane_end, self.inlet_end = End(world, one, self), End(world, other, self)
        channel = one.hub.directory.add_node(other.id).channels[index]
        self.lane = self.lane_end.connection = Lane(
            Link("dial", "test", Keyring(()), one.id, world.chance.randbytes(32), expected_id=other.id),
            one.node.clock,
            self.lane_end.wake,
            f"127.0.0.1:{other.meta.bus_port}",
            channel=channel,
            keeper=one.hub,
            index=index,
        )
        self.inlet = self.inlet_end.connection = Inlet(
            Link("accept", "test", Keyring(()), other.id, world.chance.randbytes(32)),
            other.node.clock,
            self.inlet_end.wake,
            "127.0.0.1:60000",
            runner=other.hub.runner,
            territory=other.hub,
        )

    def start(self) -> None:
        self.inlet.start()
        self.lane.start()

    def lose(self) -> None:
        """End it, with all that is on its way; the dialling end comes back."""
        if self.is_lost:
            return
        self.is_lost = True
        del self.world.wires[self.one.number, self.other.number, self.index]
        for end in (self.lane_end, self.inlet_end):
            if end.peer.is_stopped:
                end.peer.inbox.append(end.connection.close)
            elif not end.peer.is_dead:
                end.connection.close()
        if self.world.reconnects:
            self.world.after(RECONNECT_S, lambda: self.world.connect(self.one, self.other, self.index))


class Caller(Endpoint):
    """A client of one node."""

    def __init__(self, world: "World", peer: "Peer", protocol: int, is_redirected: bool) -> None:
        super().__init__(world, peer)
        self.session = Session(peer.harness.dispatcher, self.wake, "127.0.0.1:50000", "127.0.0.1:6379")
        self.record = self.session.client
        self.record.protocol = protocol
        self.record.is_redirected = is_redirected
        self.unread = b""
        """What the session has not taken yet."""
        self.output = b""
        self._reader = hiredis.Reader(replyError=cast(Any, _error), notEnoughData=False)
        self._input: list[bytes] = []

    def __call__(self, command: str | bytes, *more: str | bytes | int) -> Any:
        """Run one command, given as one line or as words, and return its reply once it is there."""
        self.send(HarnessClient.words(command, *more))
        replies = self.wait(1)
        assert len(replies) == 1, replies
        return replies[0]

    def send(self, *commands: Command) -> None:
        """Send commands in one go, and wait for nothing."""
        self.feed(b"".join(map(wire_of, commands)))

    def feed(self, data: bytes) -> None:
        self.unread += data
        self.wake()
        self.world.serve()

    def ask(self, *commands: Command) -> list[Any]:
        """Send commands in one go, and return all their replies."""
        self.send(*commands)
        return self.wait(len(commands))

    def wait(self, count: int, most_s: float = 5.0) -> list[Any]:
        """Let time pass until there are so many replies; return them."""
        found = self.replies()
        until_s = self.world.now_s + most_s
        while len(found) < count and self.world._step(until_s):
            found += self.replies()
        return found

    def replies(self) -> list[Any]:
        """Return the replies that have come."""
        self._reader.feed(self.take_output())
        found = []
        while (reply := self._reader.gets()) is not False:
            found.append(reply)
        return found

    def take_output(self) -> bytes:
        output, self.output = self.output, b""
        return output

    def close(self) -> None:
        self.session.close()
        self.world.serve()

    def finish(self) -> None:
        session = self.session
        for _ in range(ROUNDS):
            if session.out:
                self.output += b"".join(session.take_output())
            if session.is_hungry:
                session.resume()
            elif self.unread and session.wants_input:
                data, self.unread = self.unread[:READ_BYTES], self.unread[READ_BYTES:]
                session.receive(data)
            elif not session.out:
                return
        raise AssertionError("a session is hungry for ever")


def wire_of(command: Command) -> bytes:
    words = HarnessClient.words(command) if isinstance(command, str) else command
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _error(text: str) -> ErrorReply:
    code, _, message = text.partition(" ")
    return ErrorReply(code, message)
