"""How long parts of the cluster did not answer, from the history of its clients."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from .history import FINAL, Operation, Outcome

SPARSE_S: Final = 0.5
"""Between two attempts at one partition that are farther apart, nobody knows. Watched partitions are asked far more often."""


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

    An outage begins when the first of those operations was sent that then waited, failed or was lost, and ends with the next answer; if
    nobody asked for longer than ``SPARSE_S`` before that, with the last vain attempt. ``counts`` leaves out operations that
    say nothing of the partition, such as those sent through a node that is dead.
    """
    partitions: dict[int, list[Operation]] = defaultdict(list)
    for operation in history:
        if operation.worker != FINAL and counts(operation):
            partitions[partition_of(operation.key)].append(operation)
    longest = (_longest(partition, operations) for partition, operations in partitions.items())
    return sorted(longest, reverse=True)


def _longest(partition: int, operations: list[Operation]) -> Outage:
    """Walk from answer to answer; ``waiting_s`` is since when somebody has been asking in vain, and ``vain_s`` until when."""
    worst = Outage(0.0, 0.0, partition)
    waiting_s: float | None = None
    answered_s = vain_s = 0.0
    for operation in sorted(operations, key=lambda operation: operation.ended_s):
        begun_s = max(operation.begun_s, answered_s)
        if operation.outcome is not Outcome.OK:
            waiting_s = begun_s if waiting_s is None else min(waiting_s, begun_s)
            vain_s = operation.ended_s
            continue
        if waiting_s is not None:
            is_sparse = begun_s > vain_s + SPARSE_S
            worst = max(
                worst, Outage((vain_s if is_sparse else operation.ended_s) - waiting_s, waiting_s, partition)
            )
        worst = max(worst, Outage(operation.ended_s - begun_s, begun_s, partition))
        waiting_s, answered_s = None, operation.ended_s
    if waiting_s is not None:
        worst = max(worst, Outage(vain_s - waiting_s, waiting_s, partition))
    return worst


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that so much of the rest is not above; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
