"""The copies of one node, put together: what it serves, what it follows, and how both change.

The hub tells it of members, of connections and of the time, and hands it the frames that concern it.
"""

from collections.abc import Callable, Sequence
from typing import Final, cast

from ..._speedups import FrameTaker, confirmations_taker
from ...keyspace.clock import Clock
from ...keyspace.keyspace import Keyspace
from ..bus.frames import BrokenFrameError, Decoders, frame
from ..bus.memory import Memories
from . import records
from .anti_entropy import AntiEntropy
from .debts import Debts
from .epochs import Epochs
from .forgotten import Forgotten
from .ground import Ground
from .holdings import Holdings
from .holds import Holds, Marks
from .offers import Offers
from .promotion import STATUS, STATUS_ANSWER, Promotion, Status, StatusAnswer
from .receiving import Receiving
from .recorder import Recorder
from .records import ACKNOWLEDGED, EFFECTS, Acknowledged, Effects
from .serving import Serving
from .stream import Received, Stream
from .syncing import Syncing
from .versions import HybridClock
from .witness import Witness

KINDS: Final = EFFECTS + ACKNOWLEDGED + STATUS + STATUS_ANSWER

DECODERS: Final = Decoders(
    {EFFECTS: Effects, ACKNOWLEDGED: Acknowledged, STATUS: Status, STATUS_ANSWER: StatusAnswer}
)


STREAMS: Final = 256
"""So many are known before those are looked for that are over: more than there are nodes in most clusters."""

FORGETTING_S: Final = 1.0
"""Between looks at deletions that need not be remembered any more."""


class Replication:
    """See the file's docstring."""

    def __init__(
        self,
        ground: Ground,
        keyspace: Keyspace,
        clock: Clock,
        memories: Memories,
        marks: Marks,
        *,
        is_synchronous: bool,
        rate_bytes_s: float,
    ) -> None:
        self._ground = ground
        self._memories = memories
        self.clock = HybridClock(lambda: clock.now_ms, ground.id)
        self.recorder = Recorder(self.clock)
        self.holdings = Holdings(keyspace, self.clock, self.recorder)
        routes = cast(list[tuple[Stream, ...]], self.recorder.routes)  # nothing else is put there
        self.holds = Holds(self.recorder.written, marks, routes)
        self.holds.is_sync = is_synchronous
        self.epochs = Epochs(ground.is_there)
        self.witness = Witness()
        self.serving = Serving(ground, self.epochs, self.holdings, self.holds, self.witness)
        self.debts = Debts(self.recorder)
        self.serving.on_inherited = (
            self.debts.settle_all
        )  # unless there is somebody who can do more about them
        self.offers = Offers(self.serving)
        self.syncing = Syncing(self.serving, rate_bytes_s)
        self.anti_entropy = AntiEntropy(self.serving)
        self.forgotten = Forgotten(self.serving)
        self.receiving = Receiving(self.serving, self.offers)
        self.promotion = Promotion(self.serving, self.offers)
        self.on_work: Callable[[], None] = lambda: None
        """Called when the next tick has something to do."""
        self._received: dict[bytes, Received] = {}
        self._clock = clock
        self._next_forgetting_s = 0.0

    # -- members and connections ---------------------------------------------------------

    def view_changed(self) -> None:
        """Members have come, gone, or changed what they may own."""
        self.syncing.view_changed()
        self.promotion.look(self._ground.now_s())
        self.serving.flush()

    def gone(self, peer: bytes) -> None:
        """Take note that a node is dead or has left."""
        self.syncing.lost(peer)
        self._received.pop(peer, None)
        self.receiving.forget(peer)
        self.promotion.tick(self._ground.now_s())

    def connected(self, peer: bytes) -> None:
        """There is a connection to a node."""
        self.serving.introduce(peer)
        self.serving.recheck(peer)
        self.promotion.connected(peer)

    def restarted(self, peer: bytes) -> None:
        """Begin anew with a node: what was on its way to it was too much, and is dropped."""
        self.syncing.lost(peer)
        self.serving.introduce(peer)

    def disbelieved(self, peer: bytes) -> None:
        """Take note that a node took this one for dead: what it was to confirm is confirmed by nobody."""
        for partition, served in self.serving.served.items():
            if peer in served.followers and self.holds.is_unconfirmed(partition):
                self.holds.fail(partition)
        self.doubt(was_dead=False)

    def doubt(self, *, was_dead: bool) -> None:
        """Run nothing until it is sure that this node serves still: it stood still, or the others took it for dead."""
        self.promotion.begin_anew()
        suspended = self.serving.suspend(was_dead=was_dead)
        self.serving.flush()
        self.promotion.confirm(suspended, self._ground.now_s())
        self.serving.flush()

    # -- frames ----------------------------------------------------------------------------

    def effects_taker(self, peer: bytes) -> FrameTaker | None:
        """Return what takes the usual of what a node sends here, as ``asked`` does."""
        return self.receiving.taker(peer, self._received)

    def confirmations_taker(self, peer: bytes) -> FrameTaker | None:
        """Return what takes the usual of what a node answers, as ``answered`` does."""
        return confirmations_taker(peer, self._ground.stream, self._flush)

    def asked(self, peer: bytes, data: bytes) -> bytes:
        """Take a frame that a node has sent here, and return the answer. Raises BrokenFrameError."""
        body = DECODERS.decode(data)
        if isinstance(body, Status):
            answer = self.promotion.answer(body)
        elif isinstance(body, Effects):
            answer = self._apply(peer, body)
        else:
            raise BrokenFrameError("an answer where a question was due")
        self._flush()
        return answer

    def _flush(self) -> None:
        self.serving.flush()
        if self.serving.dirty or self.serving.set_aside:
            self.on_work()

    def _apply(self, peer: bytes, effects: Effects) -> bytes:
        received = self._received.get(peer)
        if received is None:
            self._forget_strangers()
            received = self._received[peer] = Received()
        told: Sequence[tuple[int, int, int]] = ()
        if received.takes(effects.generation, effects.sequence):
            told = self.receiving.take(peer, effects.records)
            for origin, batch, first, wires in effects.operations:
                if self._ground.is_there(origin):
                    self._memories.of(origin).note(batch, first, wires, is_write=True)
        return frame(ACKNOWLEDGED, Acknowledged(received.generation, received.sequence, list(told)))

    def _forget_strangers(self) -> None:
        """Drop what is known of streams of nodes that are gone: one may have gone on telling after we had heard of its end."""
        if len(self._received) >= STREAMS:
            is_there = self._ground.is_there
            for peer in [one for one in self._received if not is_there(one)]:
                del self._received[peer]

    def answered(self, peer: bytes, data: bytes) -> None:
        """Take a node's answer. Raises BrokenFrameError."""
        body = DECODERS.decode(data)
        if isinstance(body, StatusAnswer):
            self.promotion.answered(peer, body, self._ground.now_s())
        elif isinstance(body, Acknowledged):
            self._told(peer, body.told)
            self._ground.stream(peer).acknowledged(body.generation, body.sequence)
        else:
            raise BrokenFrameError("a question where an answer was due")
        self._flush()

    def _told(self, peer: bytes, told: Sequence[tuple[int, int, int]]) -> None:
        epochs = self.epochs.epochs
        for code, partition, epoch in told:
            if not 0 <= partition < len(epochs):
                raise BrokenFrameError(f"no partition {partition}")
            if code == records.STALE:
                self._refused(peer, partition, epoch)
            elif code == records.MERGED:
                self.offers.merged(partition)
            elif code == records.TOOK:
                self.serving.took(partition, peer)
            elif code == records.IN_STEP:
                self.serving.in_step(partition, peer, epoch)
            elif code == records.NEED and partition in self.serving.served and epoch == epochs[partition]:
                self.syncing.needed(partition, peer)

    def _refused(self, peer: bytes, partition: int, epoch: int) -> None:
        if partition in self.serving.served or self.epochs.servers[partition] == peer:
            self.serving.refused(partition, epoch)
        if self.serving.handed.get(partition) == peer:
            self.serving.denied(partition, peer)

    # -- time ------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        self.promotion.tick(now_s)
        self.syncing.tick(now_s)
        self.offers.tick(now_s)
        self.anti_entropy.tick(now_s)
        self.forgotten.tick(now_s)
        if now_s >= self._next_forgetting_s:
            self._next_forgetting_s = now_s + FORGETTING_S
            self.holdings.forget(self._clock.now_ms)
        self.serving.flush()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is served here, and nothing lies here that others may lack or are making copies of."""
        return not (self.serving.served or self.serving.whole or self.offers.waiting)
