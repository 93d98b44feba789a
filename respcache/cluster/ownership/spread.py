"""Which of the members that want a partition get it: the highest score owns, the backups stand apart from it.

Places are filled one after another. Each goes to a member on a machine that has none yet, if there is one; among
those to one in a zone that has none; among those to the highest score. So the owner is always the highest score of
all, and two copies share a machine only when no machine is free.

A place depends only on those before it. Hence three copies begin with the two that two copies would be, and whoever
holds no place can leave without a change.
"""

from collections.abc import Iterable, Mapping, Sequence

from .candidate import Candidate

Claim = tuple[bool, bool, float, bytes]
"""On a free machine, in a free zone, score, id: the greatest gets the place."""


def machine_of(candidate: Candidate) -> str | bytes:
    """Return what it shares a machine by: itself, where that is not known."""
    return candidate.machine or candidate.id


class Places:
    """The places of one partition that are taken."""

    __slots__ = ("_ids", "_machines", "_zones", "taken")

    def __init__(self) -> None:
        self.taken: list[Candidate] = []
        self._ids: set[bytes] = set()
        self._machines: set[str | bytes] = set()
        self._zones: set[str] = set()

    def claim(self, candidate: Candidate, score: float) -> Claim:
        """Return what a candidate puts forward for the next place."""
        return (
            machine_of(candidate) not in self._machines,
            candidate.zone not in self._zones,
            score,
            candidate.id,
        )

    def take(self, candidate: Candidate) -> None:
        self.taken.append(candidate)
        self._ids.add(candidate.id)
        self._machines.add(machine_of(candidate))
        self._zones.add(candidate.zone)

    def best(self, rank: Iterable[Candidate], machines: int, zones: int) -> Candidate | None:
        """Return who gets the next place, from candidates by falling score; none when all have one.

        ``machines`` and ``zones`` count the different ones there are: once none can be free, nobody looks for one.
        """
        hoped = (len(self._machines) < machines, len(self._zones) < zones)
        best: Candidate | None = None
        apart = (False, False)
        for candidate in rank:
            found = (machine_of(candidate) not in self._machines, candidate.zone not in self._zones)
            if (best is not None and found <= apart) or candidate.id in self._ids:
                continue
            if found >= hoped:
                return candidate
            best, apart = candidate, found
        return best


class Spread:
    """The rule, for one set of candidates."""

    def __init__(self, candidates: Sequence[Candidate], copies: int) -> None:
        self.copies = copies
        self._machines = len({machine_of(one) for one in candidates})
        self._zones = len({one.zone for one in candidates})
        self.is_by_score = self._zones <= 1 and self._machines in {0, 1, len(candidates)}
        """Whether the places go by score alone: all stand apart, or none does. Small clusters are mostly so."""

    def choose(self, rank: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return who gets the places, from all candidates by falling score."""
        if self.is_by_score:
            return tuple(rank[: self.copies])
        places = Places()
        while len(places.taken) < self.copies:
            best = places.best(rank, self._machines, self._zones)
            if best is None:
                break
            places.take(best)
        return tuple(places.taken)

    def admits(
        self,
        newcomer: Candidate,
        score: float,
        holders: Sequence[Candidate],
        scores: Mapping[bytes, Sequence[float]],
        partition: int,
    ) -> bool:
        """Say whether a newcomer gets one of the places that these hold now."""
        places = Places()
        for holder in holders:
            if places.claim(newcomer, score) > places.claim(holder, scores[holder.id][partition]):
                return True
            places.take(holder)
        return len(holders) < self.copies
