"""What lies here and may be missing where it belongs: offered to the server of its partition until that has it.

It comes about when both sides of a split have served a partition, or a server was taken for dead and was not. Nothing of it
is thrown away before the server has said that it has merged it; there, of two states of a key the newer one stays.
"""

from collections.abc import Sequence
from typing import Final, cast

from . import records
from .records import Record
from .serving import Serving
from .stream import Stream
from .syncing import size_of

PERIOD_S: Final = 2.0
"""Between offers of the same things: the server may be one that has just ceased to be it."""


class _Mark:
    """An offer that has brought something new."""

    def __init__(self, content: int, streams: Sequence[Stream]) -> None:
        self.content = content
        self.positions = [(stream, stream.position) for stream in streams]


class Offers:
    """The offers of one node, and what others offer to it."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._kept: dict[int, list[Record]] = {}
        """What a full copy from the server did not have."""
        self._doomed: set[int] = set()
        """Partitions whose copy is needed no more once its content is merged."""
        self._next_s: dict[int, float] = {}
        self._sent: dict[int, int] = {}
        """By partition, how many records of what is kept were in the last offer."""

        self._fresh: set[tuple[bytes, int]] = set()
        """From whom something was merged, and of which partition, since he was last answered."""
        self._contents: dict[tuple[bytes, int], int] = {}
        """What the offers that are being told have said so far, summed up: equal for the same keys in the same versions."""
        self._marks: dict[tuple[bytes, int], _Mark] = {}
        """Up to where the copies must have acknowledged, before he is told so."""

    def has(self, partition: int) -> bool:
        """Say whether something is to be offered."""
        return partition in self._kept

    @property
    def waiting(self) -> int:
        """How many partitions have something that is not merged yet."""
        return len(self._kept.keys() | self._serving.set_aside)

    def keep(self, partition: int, told: list[Record]) -> None:
        """Offer these from now on; what lay here beside them is what the server has."""
        self._serving.set_aside.discard(partition)
        if told:
            self._kept.setdefault(partition, []).extend(told)

    def settled(self, partition: int) -> None:
        """Take note that the copy here is the same as its server's: it stays, whatever of it is on its way there."""
        self._serving.set_aside.discard(partition)
        self._doomed.discard(partition)
        if partition not in self._kept:
            self._next_s.pop(partition, None)
            self._sent.pop(partition, None)

    def drop_when_merged(self, partition: int) -> None:
        """Let a copy go as soon as its server has everything of it."""
        self._doomed.add(partition)

    def tick(self, now_s: float) -> None:
        """Offer what is due."""
        serving = self._serving
        for partition in list(self._kept.keys() | serving.set_aside):
            if partition in serving.served:
                self.merge_own(partition)
            elif now_s >= self._next_s.get(partition, 0.0) and self._offer(partition):
                self._next_s[partition] = now_s + PERIOD_S

    def _offer(self, partition: int) -> bool:
        serving = self._serving
        server = serving.epochs.server(partition)
        if not server or not serving.ground.is_connected(server):
            return False
        kept = self._kept.get(partition)
        is_wanted = serving.ground.id in serving.ground.table(partition)
        if kept is None and is_wanted and partition not in self._doomed:
            return False  # the server will make a full copy here, and what it lacks is known then
        stream = serving.ground.stream(server)
        if stream.pace.is_full:
            return False
        if partition in serving.set_aside:
            aside = serving.holdings.end(partition)  # of a full copy that will never become whole
            if aside:
                kept = self._kept.setdefault(partition, [])
                kept.extend(aside)
        place = serving.recorder.places[partition]
        told = [
            *(kept or ()),
            *(serving.holdings.records(partition) if partition in serving.set_aside else ()),
        ]
        for record in told:
            offered = (record[0] + records.OFFER, place, *record[2:])
            stream.add_bulk(offered, size_of(offered))
        stream.add((records.OFFERED, place))
        self._sent[partition] = len(kept or ())
        return True

    def merged(self, partition: int) -> None:
        """Take note that the server has what was offered."""
        sent = self._sent.pop(partition, None)
        if sent is None:
            return
        kept = self._kept.get(partition, [])[sent:]
        if kept:
            self._kept[partition] = kept
            return
        self._kept.pop(partition, None)
        self._next_s.pop(partition, None)
        was_set_aside = partition in self._serving.set_aside
        self._serving.set_aside.discard(partition)
        if partition in self._serving.served:
            return
        if partition in self._doomed or was_set_aside:
            self._doomed.discard(partition)
            self._serving.holdings.drop(partition)
            self._serving.whole.pop(partition, None)

    # -- as the server -------------------------------------------------------------------

    def merge(self, partition: int, record: Record, peer: bytes = b"") -> None:
        """Take what somebody offers, where it is newer."""
        serving = self._serving
        table = serving.recorder.parts[partition].tables.get(record[2])
        is_known = table is not None and record[3] in table.entries
        if serving.holdings.merge(partition, record):
            serving.recorder.written.clear()  # it is no client's, and no reply waits for it
            if peer:
                self._fresh.add((peer, partition))
            serving.witness.merged += 1
            serving.witness.conflicts += is_known
        if peer:
            offer = peer, partition
            self._contents[offer] = self._contents.get(offer, 0) + hash((record[0], *record[2:6]))

    def is_merged(self, peer: bytes, partition: int) -> bool:
        """Say whether everything that a node has offered is here and in the copies: then it may let go of it.

        It is enough that an offer of the same things was: what has been evicted since is new again each time, without end.
        """
        offer, routes = (peer, partition), self._serving.recorder.routes[partition]
        content, mark = self._contents.pop(offer, 0), self._marks.get(offer)
        if offer in self._fresh:
            self._fresh.discard(offer)
            if mark is None or mark.content != content:
                # Whoever tells of them has them as streams; see ``Serving.aim_records``.
                mark = self._marks[offer] = _Mark(content, cast(Sequence[Stream], routes))
        for stream, position in () if mark is None else mark.positions:
            if stream in routes and not (stream.is_lagging or stream.has(position)):
                return False
        self._marks.pop(offer, None)
        return True

    def forget(self, peer: bytes) -> None:
        """Forget a node that is gone."""
        self._fresh = {offer for offer in self._fresh if offer[0] != peer}
        self._contents = {offer: content for offer, content in self._contents.items() if offer[0] != peer}
        self._marks = {offer: mark for offer, mark in self._marks.items() if offer[0] != peer}

    def merge_own(self, partition: int) -> None:
        """Take what this node itself would have offered: it serves the partition now."""
        aside = self._serving.holdings.end(partition)  # of a full copy that never became whole
        for record in [*self._kept.pop(partition, ()), *aside]:
            self.merge(partition, record)
        self._doomed.discard(partition)
        self._next_s.pop(partition, None)
        self._sent.pop(partition, None)
