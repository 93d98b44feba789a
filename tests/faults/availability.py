"""How long parts of the cluster did not answer, from the history of its clients."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .history import FINAL, Operation, Outcome


@dataclass(frozen=True, slots=True, order=True)
class Outage:
    """A time in which clients asked for keys of a partition and none was answered."""

    seconds: float
    begun_s: float
    partition: int


def longest_outages(
    history: Iterable[Operation],
    partition_of: Callable[[str], int],
    *,
    counts: Callable[[Operation], bool] = lambda _: True,
) -> list[Outage]:
    """Return the longest outage of each partition, the worst first.

    An outage begins when the first of those operations was sent that then waited, failed or was lost, and ends with the next answer. So
    it is at most too long by the time between two attempts. ``counts`` leaves out operations that say nothing of the partition,
    such as those sent through a node that is dead.
    """
    partitions: dict[int, list[Operation]] = defaultdict(list)
    for operation in history:
        if operation.worker != FINAL and counts(operation):
            partitions[partition_of(operation.key)].append(operation)
    longest = (_longest(partition, operations) for partition, operations in partitions.items())
    return sorted(longest, reverse=True)


def _longest(partition: int, operations: list[Operation]) -> Outage:
    """Walk from answer to answer; ``waiting`` is since when somebody has been asking in vain."""
    worst = Outage(0.0, 0.0, partition)
    waiting: float | None = None
    answered_s = 0.0
    for operation in sorted(operations, key=lambda operation: operation.ended_s):
        begun_s = max(operation.begun_s, answered_s)
        waiting = begun_s if waiting is None else min(waiting, begun_s)
        if operation.outcome is Outcome.OK:
            worst = max(worst, Outage(operation.ended_s - waiting, waiting, partition))
            waiting, answered_s = None, operation.ended_s
    if waiting is not None:
        last_s = max(operation.ended_s for operation in operations)
        worst = max(worst, Outage(last_s - waiting, waiting, partition))
    return worst


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that so much of the rest is not above; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
