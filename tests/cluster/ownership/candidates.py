"""Members of made-up clusters, and what their tables come to."""

import random
from collections import Counter
from collections.abc import Sequence

from respcache.cluster.ownership.candidate import Candidate
from respcache.cluster.ownership.table import Ownership
from respcache.keyspace.slots import PARTITIONS


def candidates(
    count: int, seed: int = 0, *, weight: float = 1.0, machines: int = 0, zones: int = 0
) -> list[Candidate]:
    """Make members with ids by chance, dealt round to so many machines, and those to zones; 0: nothing is known of them."""
    chance = random.Random(seed)
    return [
        Candidate(
            chance.randbytes(20),
            weight,
            f"machine{number % machines}" if machines else "",
            f"zone{number % machines % zones}" if zones else "",
        )
        for number in range(count)
    ]


def table_of(members: Sequence[Candidate], copies: int = 2) -> Ownership:
    table = Ownership(copies)
    table.update(members)
    return table


def shares(table: Ownership) -> Counter[bytes]:
    """Count the partitions that each member owns."""
    return Counter(owners[0] for owners in table.owners)


def imbalance(table: Ownership, members: Sequence[Candidate]) -> float:
    """Return how much more than the mean the largest owner has."""
    return max(shares(table).values()) * len(members) / PARTITIONS
