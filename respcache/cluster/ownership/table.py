"""Who owns which partition: a table that every node computes for itself, equal wherever the members are equal.

``Ownership.update`` takes the members that may own now, all of them, and tells which partitions changed hands. The
table follows from that set alone, not from the order in which news came. Who may own is for the caller to say
(active members that are alive or suspected); what happens to the data, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from ...keyspace.slots import PARTITIONS
from .candidate import Candidate
from .scores import scores
from .spread import Spread

FEW: Final = 12
"""While fewer than one member in twelve is new, only the partitions that it gets are ranked again: that takes some
2 ms for each newcomer, and ranking all of them 5 ms among 10 members and 15 ms among 100. Where the score alone
decides it takes 0.2 ms, and is always worth it: ten nodes that start at once hear of each other one by one."""

DIGEST_BYTES: Final = 8


class Changes(msgspec.Struct, frozen=True):
    """What an update changed."""

    partitions: tuple[int, ...]
    """Those whose owner or backups are others now, or stand in another order; ascending."""

    def __bool__(self) -> bool:
        return bool(self.partitions)


class _Chooser:
    """Ranks candidates and chooses among them, one partition after another."""

    def __init__(
        self, candidates: Mapping[bytes, Candidate], scores: Mapping[bytes, Sequence[float]], copies: int
    ) -> None:
        # Sorting keeps equal scores in this order: the greater id first, as in ``Places.claim``.
        self._candidates = [candidates[one] for one in sorted(candidates, reverse=True)]
        self._scores = [scores[one.id] for one in self._candidates]
        self.spread = Spread(self._candidates, copies)
        self._indexes = range(len(self._candidates))
        self._known: dict[tuple[int, ...], tuple[bytes, ...]] = {}

    def table(self, partitions: Sequence[int]) -> Iterable[tuple[bytes, ...]]:
        """Return the owners of each of these."""
        if not self.spread.is_by_score:
            return map(self.owners, partitions)
        rows = zip(*[map(scores.__getitem__, partitions) for scores in self._scores], strict=True)
        return [self._first(row) for row in rows] if self._scores else [()] * len(partitions)

    def _first(self, row: Sequence[float]) -> tuple[bytes, ...]:
        """Return the ids with the highest scores; one and the same tuple for the same ids."""
        order = tuple(sorted(self._indexes, key=row.__getitem__, reverse=True)[: self.spread.copies])
        found = self._known.get(order)
        if found is None:
            found = self._known[order] = tuple([self._candidates[index].id for index in order])
        return found

    def owners(self, partition: int) -> tuple[bytes, ...]:
        row = [scores[partition] for scores in self._scores]
        if self.spread.is_by_score:
            return self._first(row)
        order = sorted(self._indexes, key=row.__getitem__, reverse=True)
        return tuple([one.id for one in self.spread.choose([self._candidates[index] for index in order])])


class Ownership:
    """The table of one node."""

    def __init__(self, copies: int) -> None:
        if copies < 1:
            raise ValueError("each partition needs at least its owner")
        self.copies = copies
        self.owners: list[tuple[bytes, ...]] = [()] * PARTITIONS
        """For each partition the owner's id, then its backups'; nothing while there is nobody."""
        self.version = 0
        """Counts changes; it means nothing on another node."""
        self.digest = _digest(self.owners)
        """Equal on two nodes if and only if their tables are: 8 bytes, to compare in gossip."""
        self._candidates: dict[bytes, Candidate] = {}
        self._scores: dict[bytes, list[float]] = {}
        """Of the candidates only, so no more than there are members."""

    def update(self, candidates: Iterable[Candidate]) -> Changes:
        """Compute the table anew for these members, whatever their order; a repeated id counts once."""
        wanted = {one.id: one for one in sorted(candidates) if one.may_own}
        if wanted == self._candidates:
            return Changes(())  # most news of members is of something else
        chooser, stale = self._stale_partitions(wanted)
        changed = []
        for partition, owners in zip(stale, chooser.table(stale), strict=True):
            if owners != self.owners[partition]:
                self.owners[partition] = owners
                changed.append(partition)
        if changed:
            self.version += 1
            self.digest = _digest(self.owners)
        return Changes(tuple(changed))

    def owner(self, partition: int) -> bytes | None:
        owners = self.owners[partition]
        return owners[0] if owners else None

    def owned_by(self, id: bytes) -> list[int]:
        """Return the partitions that a member owns, ascending."""
        return [partition for partition, owners in enumerate(self.owners) if owners and owners[0] == id]

    def preference(self, partition: int, copies: int) -> tuple[bytes, ...]:
        """Return who would hold a partition if there were so many copies: the table's, then who comes next."""
        return _Chooser(self._candidates, self._scores, copies).owners(partition)

    def _stale_partitions(self, wanted: dict[bytes, Candidate]) -> tuple[_Chooser, Sequence[int]]:
        """Take the new candidates over; return, ascending, the partitions whose owners may be others now, and who chooses."""
        before, self._candidates = self._candidates, wanted
        kept = self._scores
        gone = {name for name, one in before.items() if wanted.get(name) != one}
        come = [one for name, one in wanted.items() if before.get(name) != one]
        self._scores = {
            name: kept[name]
            if name in kept and before[name].weight == one.weight
            else scores(name, one.weight)
            for name, one in wanted.items()
        }
        chooser = _Chooser(wanted, self._scores, self.copies)
        is_by_score = chooser.spread.is_by_score
        if len(come) * FEW > len(wanted) and not is_by_score:
            return chooser, range(PARTITIONS)
        stale = {partition for partition, owners in enumerate(self.owners) if not gone.isdisjoint(owners)}
        for newcomer in come:
            if len(stale) == PARTITIONS:
                break
            gains = self._gains_by_score if is_by_score else self._gains
            stale.update(gains(newcomer, stale))
        return chooser, sorted(stale)

    def _gains_by_score(self, newcomer: Candidate, stale: set[int]) -> list[int]:
        """Do as ``_gains`` where the score alone decides: who gets a place is above the last who has one, or its equal."""
        scores = self._scores
        mine = scores[newcomer.id]
        return [
            partition
            for partition, owners in enumerate(self.owners)
            if partition not in stale
            and (len(owners) < self.copies or mine[partition] >= scores[owners[-1]][partition])
        ]

    def _gains(self, newcomer: Candidate, stale: set[int]) -> list[int]:
        """Return the partitions, of those that nobody has left, in which a newcomer gets a place."""
        spread = Spread((), self.copies)
        mine = self._scores[newcomer.id]
        return [
            partition
            for partition, owners in enumerate(self.owners)
            if partition not in stale
            and spread.admits(
                newcomer, mine[partition], [self._candidates[one] for one in owners], self._scores, partition
            )
        ]


def _digest(owners: list[tuple[bytes, ...]]) -> bytes:
    """Condense a table; the number of owners before each partition's keeps different ones apart."""
    # The same few owners hold many partitions together: that spares nine tenths of the joining.
    told = {held: len(held).to_bytes(2, "big") + b"".join(held) for held in set(owners)}
    return blake2b(
        b"".join([told[held] for held in owners]), digest_size=DIGEST_BYTES, usedforsecurity=False
    ).digest()
