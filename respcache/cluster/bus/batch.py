"""What a node has sent on and waits for: batches of commands, each with the places of its replies."""

from collections.abc import Sequence
from typing import Final, Protocol

from ...commands.client import Connection
from ...commands.pending import Slot
from .frames import REQUEST, TRANSACTION, WATCH, Request, TransactionRequest, Watch, frame

WHOLE: Final = -1
"""Stands for the position of what is no part of a batch."""

WORD_OVERHEAD_BYTES: Final = 64
"""About what a command costs in memory beside its words."""


RENEWALS: Final = 2
"""How often the time of a command begins anew because it has waited for a busy key until another node had it."""

WATCHED: Final = b"+OK\r\n"
"""The answer to WATCH, of whoever gives it."""


class Sink(Protocol):
    """Takes a reply's bytes: a part of a command that was split, or whatever comes after."""

    def fill(self, wire: bytes) -> None: ...


class Batch:
    """Commands for one node, one database and one protocol version, on one lane."""

    __slots__ = (
        "began_s",
        "commands",
        "db",
        "first",
        "hops",
        "is_resent",
        "key",
        "left",
        "named",
        "number",
        "places",
        "protocol",
        "rank",
        "renewed",
        "seen",
        "sinks",
        "size_bytes",
        "was_sent",
        "working",
    )

    def __init__(self, number: int, db: int, protocol: int, began_s: float) -> None:
        self.number = number
        self.rank = (number, 0)
        """Where one command stands in the order in which they came."""
        self.first = 0
        self.key = (number, WHOLE)
        """What it is known by while it waits; the rest of a batch may wait where one of its commands was sent again."""
        self.db = db
        self.protocol = protocol
        self.began_s = began_s
        """When its first command came, by the router's clock."""
        self.hops = 0
        self.renewed = 0
        """How often ``renew`` was called."""
        self.named = b""
        """Who was said to own its key by the node that has refused it."""
        self.seen = 0
        """How many refusals had come on its channel when it was queued there."""
        self.is_resent = False
        self.was_sent = False
        self.sinks: list[Sink | None] = []
        """None once the reply is there."""
        self.commands: list[list[bytes]] = []
        self.places: list[int] = []
        self.left = 0
        self.size_bytes = 0
        self.working: set[int] = set()
        """Positions whose owner has said that it will take its time."""

    def frame(self) -> bytes:
        """Return what is to be sent."""
        return frame(
            REQUEST,
            Request(
                self.number,
                self.first,
                self.seen,
                self.db,
                self.protocol,
                self.is_resent,
                self.places,
                self.commands,
            ),
        )

    def renew(self, now_s: float) -> None:
        """Give it its time anew: it has waited at the owner, who said so, and was not run. No more than ``RENEWALS`` times."""
        if self.renewed < RENEWALS:
            self.renewed += 1
            self.began_s = now_s

    def single(self, position: int) -> "Batch":
        """Return a batch of one of the commands that wait still, known by the same number and position."""
        at = position - self.first
        one = Batch(self.number, self.db, self.protocol, self.began_s)
        one.first = position
        one.key = (self.number, position)
        one.rank = self.rank if len(self.sinks) == 1 else (self.number, position)
        one.hops = self.hops
        one.renewed = self.renewed
        one.is_resent = self.is_resent or self.was_sent
        one.sinks = [self.sinks[at]]
        one.commands = [self.commands[at]]
        one.places = [self.places[at]]
        one.left = 1
        one.size_bytes = sum(map(len, one.commands[0])) + WORD_OVERHEAD_BYTES
        return one

    def _hand_on(self, again: "Batch") -> None:
        """Give all that waits, as one, to a batch that is sent instead of this one."""
        again.hops = self.hops
        again.sinks, again.commands, again.places = list(self.sinks), self.commands, self.places
        again.left = 1
        again.size_bytes = self.size_bytes

    def open_positions(self) -> list[int]:
        """Return the positions that have no reply yet."""
        return [self.first + at for at, sink in enumerate(self.sinks) if sink is not None]


class TransactionBatch(Batch):
    """A whole transaction: its commands have one reply together."""

    __slots__ = ("client", "is_watching")

    def __init__(
        self, number: int, db: int, protocol: int, began_s: float, client: int, *, is_watching: bool
    ) -> None:
        super().__init__(number, db, protocol, began_s)
        self.client = client
        self.is_watching = is_watching

    def frame(self) -> bytes:
        return frame(
            TRANSACTION,
            TransactionRequest(
                self.number,
                self.seen,
                self.client,
                self.is_watching,
                self.db,
                self.protocol,
                self.is_resent,
                self.places,
                self.commands,
            ),
        )

    def single(self, position: int) -> "TransactionBatch":
        again = TransactionBatch(
            self.number, self.db, self.protocol, self.began_s, self.client, is_watching=self.is_watching
        )
        again.is_resent = self.is_resent or self.was_sent
        self._hand_on(again)
        return again


class WatchBatch(Batch):
    """Keys to be watched for a client. Sent again only to the same node: elsewhere they have changed."""

    __slots__ = ("client", "owner")

    def __init__(self, number: int, db: int, began_s: float, client: int, owner: bytes) -> None:
        super().__init__(number, db, 2, began_s)
        self.client = client
        self.owner = owner

    def frame(self) -> bytes:
        return frame(WATCH, Watch(self.number, self.client, self.db, self.places, self.commands[0]))

    def single(self, position: int) -> "WatchBatch":
        again = WatchBatch(self.number, self.db, self.began_s, self.client, self.owner)
        self._hand_on(again)
        return again


class Notice(Batch):
    """A frame that nobody answers, in its order among the batches."""

    __slots__ = ("wire",)

    def __init__(self, wire: bytes) -> None:
        super().__init__(0, 0, 2, 0.0)
        self.wire = wire

    def frame(self) -> bytes:
        return self.wire


def settle(batch: Batch, first: int, wires: Sequence[bytes]) -> int:
    """Fill in replies from position ``first`` on; return how many were new."""
    start = first - batch.first
    if start < 0:
        return 0
    waiting = batch.sinks[start : start + len(wires)]
    batch.sinks[start : start + len(wires)] = [None] * len(waiting)  # before anybody acts on what it is told
    touched: dict[Connection, None] = {}
    last: Connection | None = None
    new = 0
    for sink, wire in zip(waiting, wires, strict=False):
        if sink is None:
            continue
        new += 1
        if sink.__class__ is Slot:
            sink.wire = wire
            if sink.connection is not last:
                last = sink.connection
                touched[last] = None
        else:
            sink.fill(wire)
    batch.left -= new
    for connection in touched:
        connection.settle()
    return new


def size_of(argv: Sequence[bytes]) -> int:
    """Estimate what a waiting command takes; summing up all words of a short one would cost as much as sending it."""
    if len(argv) > 3:
        return sum(map(len, argv)) + WORD_OVERHEAD_BYTES
    return len(argv[-1]) + WORD_OVERHEAD_BYTES
