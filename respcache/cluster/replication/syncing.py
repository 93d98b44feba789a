"""Bringing every partition that this node serves to where the table wants it: copies made, partitions handed over.

Joins, leaves, deaths and returns all end here, as a difference between who follows and who shall. A full copy leaves in
chunks, as fast as its window and the rate let it, and never lies here whole; what changes meanwhile goes in
the same stream, so whoever has both is in step. A partition is handed over when the node that shall serve
it is in step, by one record behind the last change: between the two of them there is no moment without a server that has everything.
"""

from collections.abc import Iterator
from typing import Final

from . import records
from .pace import LONGEST_REST_S, REST
from .records import Record
from .serving import Following, Served, Serving
from .witness import Change

COALESCE_S: Final = 0.2
"""News of members that comes together is acted on once."""

HANDED_KEYS: Final = 500
"""Handed over in one go, unless one partition has more: to give an entry away takes 1.3 to 6 us here, and to take it half of that there."""

HANDED: Final = 8
"""Partitions handed over to one node in one go, however empty: some 0.4 ms each at the receiver."""

URGENT: Final = 8
"""Times as much of both by a node that leaves."""

COPY_BYTES: Final = 1 << 10
"""What a copy counts for in one go, however little lies in it: to begin and to end it takes as long as a dozen keys."""


class _Copy:
    """A full copy on its way."""

    def __init__(self, partition: int, told: Iterator[Record]) -> None:
        self.partition = partition
        self.told = told


class Syncing:
    """The work of one node as a server of partitions."""

    def __init__(self, serving: Serving, rate_bytes_s: float) -> None:
        self._serving = serving
        self._ground = serving.ground
        self.rate_bytes_s = rate_bytes_s
        """Of full copies, to all nodes together."""
        self._allowance = 0.0
        self._last_s = 0.0
        self._quiet_until_s = 0.0
        self._rest_until_s = 0.0
        self.is_urgent = False
        """Whether this node leaves: it has so much time and no more."""
        self.waiting: dict[bytes, dict[int, None]] = {}
        """Partitions of which a node needs a full copy."""
        self._running: dict[bytes, _Copy] = {}
        self.copied = 0
        self.copied_bytes = 0

    def view_changed(self) -> None:
        """Look at everything anew, once no more news comes."""
        self._quiet_until_s = self._ground.now_s() + COALESCE_S
        self._serving.dirty.update(self._serving.served)

    @property
    def is_moving(self) -> bool:
        """Whether copies are being made."""
        return bool(self._running) or any(self.waiting.values())

    # -- what followers have said ----------------------------------------------------------

    def needed(self, partition: int, peer: bytes) -> None:
        """Take note that a follower needs a full copy."""
        served = self._serving.served.get(partition)
        if served is None or peer not in served.followers:
            return
        if served.followers[peer] is Following.WAITING:
            return
        self._serving.set_following(partition, peer, Following.WAITING)
        if peer in self._serving.wanted(partition):
            self.waiting.setdefault(peer, {})[partition] = None

    def lost(self, peer: bytes) -> None:
        """Nothing of what was on its way to a node arrives."""
        self.waiting.pop(peer, None)
        self._running.pop(peer, None)
        self._serving.lose(peer)

    # -- the work --------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Do what is due."""
        self._allowance = min(
            self._allowance + (now_s - self._last_s) * self.rate_bytes_s, self.rate_bytes_s / 4
        )
        self._last_s = now_s
        if self._serving.dirty and now_s >= self._quiet_until_s:
            dirty, self._serving.dirty = self._serving.dirty, set()
            self._tend(dirty)
        self.pump()

    def _tend(self, dirty: set[int]) -> None:
        busy = self._ground.busy()
        handed: dict[bytes, list[int]] = {}
        keys: dict[bytes, int] = {}
        times = URGENT if self.is_urgent else 1
        for partition in dirty:
            served = self._serving.served.get(partition)
            if served is None or partition in self._serving.suspended:
                continue
            self._follow(partition, served)
            self._serving.note_degraded(partition, served)
            first = self._ground.table(partition)[:1]
            if not first or first[0] == self._ground.id:
                self._release(partition, served)
            elif partition in busy:
                self._ground.hasten(partition)
                self._serving.dirty.add(partition)  # until what waits here has happened
            elif served.followers.get(first[0]) is Following.IN_STEP and self._can_take(first[0]):
                count = self._serving.holdings.summary(partition)[0]
                chosen = handed.setdefault(first[0], [])
                keys[first[0]] = keys.get(first[0], 0) + count
                if len(chosen) < HANDED * times and (not chosen or keys[first[0]] <= HANDED_KEYS * times):
                    chosen.append(partition)
                else:
                    self._serving.dirty.add(partition)  # the rest at the next tick
        begun_s = self._ground.now_s()
        for peer, partitions in handed.items():
            for partition in partitions:
                self._hand_over(partition, peer)
        if handed:
            self._rest(begun_s)

    def _can_take(self, peer: bytes) -> bool:
        return self._ground.is_connected(peer) and not self._ground.stream(peer).is_lagging

    def _follow(self, partition: int, served: Served) -> None:
        """Ask those who shall hold a copy, and do not follow yet, what they have."""
        for peer in self._serving.wanted(partition):
            following = served.followers.get(peer)
            if following is None and self._ground.is_connected(peer):
                self._serving.check(partition, served, peer)
            elif following is Following.WAITING:  # it may have been asked when it was not wanted
                self.waiting.setdefault(peer, {})[partition] = None

    def _release(self, partition: int, served: Served) -> None:
        """Let those go who are needed no more, once those who are needed have everything."""
        wanted = self._serving.wanted(partition)
        strangers = [peer for peer in served.followers if peer not in wanted]
        if strangers and self._serving.is_complete(partition, served):
            place = self._serving.recorder.places[partition]
            for peer in strangers:
                self._ground.stream(peer).add((records.RELEASE, place))
                self._serving.set_following(partition, peer, None)

    def _hand_over(self, partition: int, peer: bytes) -> None:
        serving = self._serving
        epoch = serving.epochs.next(partition)
        holders = [one for one in serving.served[partition].followers if one != peer] + [self._ground.id]
        serving.stop(partition, is_handed=True)
        serving.hand(partition, epoch, peer, holders)
        serving.witness.saw(Change.MOVED, partition, peer)

    # -- full copies -----------------------------------------------------------------------

    def pump(self) -> None:
        """Send as much of the full copies as may go now; then leave the loop to clients for a while."""
        now_s = self._ground.now_s()
        if now_s < self._rest_until_s and not self.is_urgent:
            return
        self._pump()
        self._rest(now_s)

    def _rest(self, begun_s: float) -> None:
        """Let copies wait after work that began then: a hand-over and a piece in one turn would hold up clients for both."""
        now_s = self._ground.now_s()
        self._rest_until_s = now_s + min((now_s - begun_s) * REST, LONGEST_REST_S)

    def _pump(self) -> None:
        for peer in list(self.waiting):
            if not self._ground.is_connected(peer):
                continue
            left = self._ground.stream(peer).pace.piece(is_urgent=self.is_urgent)
            while left > 0 and self._allowance > 0:
                size = self._step(peer)
                if size is None:
                    break
                left -= size or COPY_BYTES
                self._allowance -= size

    def _step(self, peer: bytes) -> int | None:
        """Send one record of a full copy; return its bytes, None when there is nothing to do."""
        copy = self._running.get(peer) or self._begin(peer)
        if copy is None:
            return None
        serving = self._serving
        stream = self._ground.stream(peer)
        served = serving.served.get(copy.partition)
        if served is None or served.followers.get(peer) is not Following.COPYING:
            del self._running[peer]  # it was handed over, or another copy has been asked for
            return 0
        record = next(copy.told, None)
        if record is not None:
            size = size_of(record)
            stream.add_bulk(record, size)
            self.copied_bytes += size
            return size
        del self._running[peer]
        serving.end_copy(copy.partition, peer)
        self.copied += 1
        return 0

    def _begin(self, peer: bytes) -> _Copy | None:
        waiting = self.waiting[peer]
        while waiting:
            partition = next(iter(waiting))
            del waiting[partition]
            served = self._serving.served.get(partition)
            if served is None or served.followers.get(peer) is not Following.WAITING:
                continue
            self._serving.set_following(partition, peer, Following.COPYING)
            self._ground.stream(peer).add((records.BEGIN, self._serving.recorder.places[partition]))
            copy = self._running[peer] = _Copy(partition, self._serving.holdings.records(partition))
            return copy
        del self.waiting[peer]
        return None


def size_of(record: Record) -> int:
    """Estimate what a record takes on the wire."""
    size = 48
    for word in record:
        if word.__class__ is bytes or word.__class__ is bytearray:
            size += len(word)
        elif word.__class__ is list:
            size += sum(map(len, word)) + 5 * len(word)
    return size
