"""Who counts for a majority: a set of members with its place in a sequence of such sets.

A view follows another by a vote of the older one's majority, so two views of one sequence with the same number are the same.
Every node founds a sequence of its own, of itself alone. Where sequences meet, the one of more members goes on, and of
two that are equal the one with the higher founder: everybody who hears of both decides alike.
"""

from collections.abc import Set as AbstractSet

import msgspec


class StableView(msgspec.Struct, frozen=True, array_like=True):
    """See the file's docstring."""

    founder: bytes
    number: int
    members: frozenset[bytes]

    @property
    def key(self) -> tuple[bytes, int]:
        return self.founder, self.number

    def follows(self, other: "StableView") -> bool:
        """Whether a node that holds the other view should take this one instead."""
        if self.founder == other.founder:
            return self.number > other.number
        return (len(self.members), self.founder) > (len(other.members), other.founder)


def founded_by(id: bytes) -> StableView:
    return StableView(id, 0, frozenset((id,)))


def majority_of(count: int) -> int:
    """Return how many of so many are more than half."""
    return count // 2 + 1


def has_majority(members: AbstractSet[bytes], ids: AbstractSet[bytes]) -> bool:
    return len(members & ids) >= majority_of(len(members))
