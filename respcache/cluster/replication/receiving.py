"""The receiving end of a stream: what another node tells is done here, and what it must know is told back.

Nothing is taken from who is not, or is no more, the server in the newest epoch that we know of or have promised to wait
for: that is what fences off a server that was taken for dead. A higher epoch than ours is taken over at once, and ends
our own serving.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from ..._speedups import FrameTaker, ReceivedState, effects_taker
from ..bus.frames import ANYWHERE, PARTITION_MASK, PLACE_BITS, BrokenFrameError
from . import records
from .holdings import Applied
from .offers import Offers
from .records import UNREADABLE, Record, record_of, records_of
from .serving import Serving
from .versions import version_of

GARBAGE: Final = (TypeError, ValueError, IndexError, AttributeError, KeyError, OverflowError, *UNREADABLE)
"""What words of the wrong kind or number end in; they come from a node of another make."""


Buffer: TypeAlias = bytes | memoryview | msgspec.Raw

STATES: Final = frozenset({records.STRING, records.HASH, records.REMOVED})
"""What a server tells of these is newer than all that a copy has which is in step; where it is not, they differ."""


class Receiving:
    """What all streams towards this node end in."""

    def __init__(self, serving: Serving, offers: Offers) -> None:
        self._serving = serving
        self._epochs = serving.epochs
        self._holdings = serving.holdings
        self._writer = self._holdings.writer(serving.epochs)
        self._clock = self._holdings.clock
        self._offers = offers
        self._heard_s: dict[bytes, float] = {}
        """When each node has last told something."""
        self._fed: dict[int, tuple[int, bytes]] = {}
        """Partitions whose copy here was in step, with the epoch and the server that all of it came from."""
        self._missed: set[tuple[bytes, int]] = set()
        """Whose offers for which partition have come in part while it was not served here: the end of it proves nothing."""
        self._told: list[tuple[int, int, int]] = []
        self._doers: dict[int, Callable[[bytes, int, int, Record], None]] = {
            records.BEGIN: self._begin,
            records.END: self._end,
            records.CHECK: self._check,
            records.HAND: self._hand,
            records.RELEASE: self._release,
            records.OFFERED: self._offered,
        }

    def take(self, peer: bytes, told: Buffer) -> list[tuple[int, int, int]]:
        """Do what an array of records says; return what their sender must know. Raises BrokenFrameError."""
        self._told = []
        self._heard_s[peer] = self._serving.ground.now_s()
        refused: set[int] = set()
        try:
            if not self._writer.write(
                peer, self._clock.now_ms, told, lambda wire: self._do(peer, record_of(wire), refused)
            ):
                for record in records_of(told):
                    self._do(peer, record, refused)
        except GARBAGE as error:
            raise BrokenFrameError(f"a record that means nothing: {error!r}") from error
        return self._told

    def taker(self, peer: bytes, received: Mapping[bytes, ReceivedState]) -> FrameTaker | None:
        """Return what does the same without Python, while a node tells what is usual; None where there is nothing."""
        return effects_taker(
            peer, received, self._writer, self._heard_s, now_s=self._serving.ground.now_s, clock=self._clock
        )

    def forget(self, peer: bytes) -> None:
        """Forget a node that is gone."""
        self._heard_s.pop(peer, None)
        self._missed = {missed for missed in self._missed if missed[0] != peer}
        self._offers.forget(peer)

    def staleness_ms(self, now_s: float) -> int:
        """Return how long the server of some copy here has not been heard of, at worst."""
        servers = {self._epochs.servers[partition] for partition in self._serving.whole}
        heard = [self._heard_s[one] for one in servers if one in self._heard_s]
        return round((now_s - min(heard)) * 1000) if heard else 0

    def _do(self, peer: bytes, record: list[Any], refused: set[int]) -> None:
        kind, place = record[0], record[1]
        partition, epoch = place & PARTITION_MASK, place >> PLACE_BITS
        if kind == records.SERVED:
            self._served(peer, record[2], refused)
            if record[3]:
                self._serving.forget_following(peer)
            return
        if partition >= ANYWHERE:
            raise ValueError(f"no partition {partition}")
        if kind >= records.OFFER:
            if partition in self._serving.served:
                self._offers.merge(partition, [kind - records.OFFER, *record[1:]], peer)
            else:
                self._missed.add((peer, partition))
            return
        if kind in (records.HAND, records.OFFERED):
            self._doers[kind](peer, partition, epoch, record)
            return
        if partition in refused or not self._obeys(peer, partition, epoch, refused):
            return
        if kind < records.CONTROL:
            applied = self._holdings.apply(partition, record)
            is_lacking = applied is Applied.MISSING or (applied is Applied.OLDER and kind in STATES)
            if is_lacking and partition in self._serving.whole:
                self._serving.whole.pop(partition, None)
                self._told.append((records.NEED, partition, epoch))
        else:
            self._doers[kind](peer, partition, epoch, record)

    def _obeys(self, peer: bytes, partition: int, epoch: int, refused: set[int]) -> bool:
        """Say whether a node is to be obeyed as the server of a partition; if not, it is told."""
        if self._serving.hear(partition, epoch, peer):
            return True
        refused.add(partition)
        self._told.append((records.STALE, partition, self._epochs.least(partition)))
        return False

    # -- what servers say --------------------------------------------------------------------

    def _served(self, peer: bytes, places: Sequence[int], refused: set[int]) -> None:
        for place in places:
            if place & PARTITION_MASK >= ANYWHERE:
                raise ValueError(f"no partition {place & PARTITION_MASK}")
            self._obeys(peer, place & PARTITION_MASK, place >> PLACE_BITS, refused)

    def _check(self, peer: bytes, partition: int, epoch: int, record: Record) -> None:
        self._serving.followed[partition] = epoch
        if self._holdings.summary(partition) == (record[2], record[3], version_of(record[5], record[6])):
            self._offers.keep(
                partition, self._holdings.end(partition)
            )  # of a copy whose end was lost with its server
            self._serving.whole[partition] = epoch
            self._fed[partition] = epoch, peer
            self._offers.settled(partition)
            self._told.append((records.IN_STEP, partition, record[4]))
        else:
            self._serving.whole.pop(partition, None)
            self._told.append((records.NEED, partition, epoch))

    def _begin(self, peer: bytes, partition: int, epoch: int, record: Record) -> None:
        self._serving.whole.pop(partition, None)
        self._serving.followed[partition] = epoch
        # What was in step came all from this server. It may have deleted some of it, longer ago than is remembered.
        self._holdings.begin(partition, is_kept=self._fed.get(partition) != (epoch, peer))

    def _end(self, peer: bytes, partition: int, epoch: int, record: Record) -> None:
        self._offers.keep(partition, self._holdings.end(partition))
        self._holdings.note_latest(partition, version_of(record[5], record[6]))
        self._check(peer, partition, epoch, record)

    def _hand(self, peer: bytes, partition: int, epoch: int, record: Record) -> None:
        serving = self._serving
        if partition in serving.served and self._epochs.epochs[partition] == epoch:
            self._told.append((records.TOOK, partition, epoch))
        elif not self._may_serve(partition, epoch):
            self._told.append((records.STALE, partition, max(epoch, self._epochs.least(partition))))
        else:
            is_appointed = epoch == self._epochs.promised[partition]
            serving.take_over(partition, epoch, [holder for holder in record[2] if len(holder)])
            self._offers.merge_own(partition)
            if is_appointed:
                serving.on_inherited(partition)
            self._told.append((records.TOOK, partition, epoch))

    def _may_serve(self, partition: int, epoch: int) -> bool:
        """Say whether to serve in an epoch: it was promised for that, or is newer than all and the copy here is whole."""
        epochs = self._epochs
        if epoch <= epochs.epochs[partition]:
            return False
        if epoch == epochs.promised[partition]:
            return True  # who has asked everybody has chosen this node as the best there is
        return epoch > epochs.promised[partition] and partition in self._serving.whole

    def _release(self, peer: bytes, partition: int, epoch: int, record: Record) -> None:
        self._serving.followed.pop(partition, None)
        if partition in self._serving.set_aside or self._offers.has(partition):
            self._offers.drop_when_merged(partition)
        else:
            self._holdings.drop(partition)
            self._serving.whole.pop(partition, None)

    # -- what others offer ---------------------------------------------------------------------

    def _offered(self, peer: bytes, partition: int, epoch: int, record: Record) -> None:
        has_missed = (peer, partition) in self._missed
        self._missed.discard((peer, partition))
        if partition in self._serving.served and not has_missed:
            if self._offers.is_merged(peer, partition):
                self._told.append((records.MERGED, partition, epoch))
            # If not, it is offered again, and nothing of it is new by then.
        else:
            self._told.append((records.STALE, partition, self._epochs.least(partition)))
