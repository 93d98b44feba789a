"""One ordered way to another node: what is to be sent, and what was sent and waits for its reply.

A channel outlives its connections. When one is lost, what had been sent is sent again on
the next, under the same operation ids, so that it runs once. A client always uses the same
channel to a node: its commands for one key stay in order.

Bounds: see ``COMMANDS`` and ``BYTES``. A client whose command goes over them is not read from
until half of it is answered; a turn's worth of its commands may still come on top.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from ...commands.client import Client, Connection
from .batch import WATCHED, WHOLE, WORD_OVERHEAD_BYTES, Batch, Sink, WatchBatch, settle, size_of

COMMANDS: Final = 4096
"""Commands that may wait for one channel: as many as some 60 clients with 64 each, about a tenth of a second's work."""

BYTES: Final = 8 << 20
"""Bytes that may wait for one channel; big values fill it long before the number does."""


class Channel:
    """A queue of batches towards one node."""

    def __init__(self, next_number: Callable[[], int], now_s: Callable[[], float]) -> None:
        self._next_number = next_number
        self._now_s = now_s
        self.open: Batch | None = None
        self.unsent: deque[Batch] = deque()
        self.sent: dict[tuple[int, int], Batch] = {}
        """By their keys, in the order of sending."""
        self.on_lost: Callable[[], None] = lambda: None
        """Told that what had been sent waits for the next connection."""
        self.wake: Callable[[], None] | None = None
        """Tells the connection that there is something to send; None without a connection."""
        self.count = 0
        self.size_bytes = 0
        self.forwarded = 0
        self.refusals = 0
        """How many have come on this connection."""
        self._jammed: dict[Connection, None] = {}

    def add(self, client: Client, sink: Sink, argv: list[bytes], place: int) -> None:
        """Queue one command of a client; its reply goes to ``sink``."""
        batch = self.open
        if (
            batch is None
            or batch.db != client.db_index
            or batch.protocol != client.protocol
            or self.wake is None  # without a connection, each waits from its own time on
        ):
            batch = self._begin(client.db_index, client.protocol)
        batch.sinks.append(sink)
        batch.commands.append(argv)
        batch.places.append(place)
        batch.left += 1
        size = len(argv[-1]) + WORD_OVERHEAD_BYTES if len(argv) <= 3 else size_of(argv)
        batch.size_bytes += size
        self.size_bytes += size
        self.count += 1
        if self.count > COMMANDS or self.size_bytes > BYTES:
            self._jam(client.connection)

    def append(self, batch: Batch) -> None:
        """Queue a batch behind everything that came before."""
        self._close()
        batch.seen = self.refusals
        self.unsent.append(batch)
        self.count += batch.left
        self.size_bytes += batch.size_bytes
        if self.wake is not None:
            self.wake()

    def take_frames(self) -> list[bytes]:
        """Hand over what is to be sent now; from now on it waits for its replies."""
        self._close()
        frames = []
        for batch in self.unsent:
            if batch.commands and not batch.left:
                continue  # given up while it waited for a connection
            frames.append(batch.frame())
            if batch.left:
                batch.was_sent = True
                self.sent[batch.key] = batch
                self.forwarded += batch.left
        self.unsent.clear()
        return frames

    @property
    def has_unsent(self) -> bool:
        return self.open is not None or bool(self.unsent)

    def answer(self, number: int, first: int, wires: list[bytes]) -> None:
        """Give the replies that have come to those who wait."""
        batch = self.find(number, first)
        if batch is not None:  # else it was given up, or this is a second answer to the same question
            self._forget(batch, settle(batch, first, wires))

    def take_back(self, number: int, position: int) -> Batch | None:
        """Take out one command that was not run, to be sent elsewhere; None when nobody waits for it any more."""
        batch = self.find(number, position)
        if batch is None or batch.sinks[position - batch.first] is None:
            return None
        one = batch.single(position)
        batch.sinks[position - batch.first] = None
        batch.left -= 1
        self._forget(batch, 1)
        return one

    def find(self, number: int, position: int) -> Batch | None:
        """Return the batch that holds an operation; a part of a batch that was sent again is one by itself."""
        batch = self.sent.get((number, position)) or self.sent.get((number, WHOLE))
        if batch is None or not 0 <= position - batch.first < len(batch.sinks):
            return None
        return batch

    def disconnect(self) -> None:
        """Put what had been sent before everything else, to be sent again: the connection is lost."""
        self.wake = None
        self._close()
        sent, self.sent = self.sent, {}
        for batch in reversed(sent.values()):
            if isinstance(batch, WatchBatch):
                # The watch is lost with the connection, and its client was told so: its EXEC runs nothing.
                self._forget(None, settle(batch, 0, [WATCHED]))
                continue
            for position in reversed(batch.open_positions()):
                one = batch.single(position)
                if position in batch.working:
                    one.began_s = self._now_s()  # it will say so again; until then its time is not up
                self.unsent.appendleft(one)
        self.size_bytes = sum([batch.size_bytes for batch in self.unsent])
        self.refusals = 0
        for batch in self.unsent:
            batch.seen = 0
        self.on_lost()

    def drain(self) -> list[Batch]:
        """Take out everything that waits, one by one and in order: the node behind this channel is gone."""
        self.disconnect()
        batches = [batch.single(position) for batch in self.unsent for position in batch.open_positions()]
        self.unsent.clear()
        self._forget(None, self.count)
        return batches

    def take_out(self, is_wanted: Callable[[Batch], bool]) -> list[Batch]:
        """Take out some of the commands that are not on their way, one by one and in order."""
        taken: list[Batch] = []
        kept: deque[Batch] = deque()
        for batch in self.unsent:
            if not batch.commands:
                kept.append(batch)
            for one in [batch.single(position) for position in batch.open_positions()]:
                (taken if is_wanted(one) else kept).append(one)
        self.unsent = kept  # one by one, too: a batch with holes would run what is not in it any more
        self.size_bytes = sum([batch.size_bytes for batch in kept])
        self._forget(None, len(taken))
        return taken

    def overdue(self, before_s: float) -> Iterator[tuple[Sink, bool]]:
        """Take out whoever has waited since before a time; with each, whether the command was sent."""
        self._close_old(before_s)
        for batch in [*self.sent.values(), *self.unsent]:
            if batch.began_s >= before_s or not batch.left:
                continue
            for position in batch.open_positions():
                if position in batch.working:
                    continue
                sink = batch.sinks[position - batch.first]
                batch.sinks[position - batch.first] = None
                batch.left -= 1
                self._forget(batch, 1)
                assert sink is not None
                yield sink, batch.was_sent or batch.is_resent

    def waiting(self) -> Iterator[Batch]:
        """Yield every batch that still waits for a reply."""
        yield from [batch for batch in self.sent.values() if batch.left]
        yield from [batch for batch in self.unsent if batch.left]
        if self.open is not None:
            yield self.open

    # -- within ------------------------------------------------------------

    def _begin(self, db: int, protocol: int) -> Batch:
        self._close()
        batch = self.open = Batch(self._next_number(), db, protocol, self._now_s())
        batch.seen = self.refusals
        if self.wake is not None:
            self.wake()
        return batch

    def _close(self) -> None:
        if self.open is not None:
            self.unsent.append(self.open)
            self.open = None

    def _close_old(self, before_s: float) -> None:
        if self.open is not None and self.open.began_s < before_s:
            self._close()

    def _forget(self, batch: Batch | None, commands: int) -> None:
        """Count what no longer waits, and let clients go on when enough of it is done."""
        self.count -= commands
        if batch is not None and not batch.left:
            self.sent.pop(batch.key, None)
            self.size_bytes -= batch.size_bytes
        if not self.count:
            self.size_bytes = 0
        if self._jammed and self.count < COMMANDS // 2 and self.size_bytes < BYTES // 2:
            jammed, self._jammed = self._jammed, {}
            for connection in jammed:
                connection.clear_jam()

    def _jam(self, connection: Connection) -> None:
        if connection not in self._jammed:
            self._jammed[connection] = None
            connection.jam()
