"""Copies that nobody knows of: found, offered and let go.

A server lets its followers know when their copies are needed no more. After a split there may be copies that the server has never
heard of: they followed the server of the other side. What is in them is offered like everything that may be missing
elsewhere, and then they go.
"""

from typing import Final

from ...keyspace.slots import PARTITIONS
from .serving import Serving

PERIOD_S: Final = 2.0
"""Between looks. Only what was forgotten at two looks in a row is: its server may just be about to ask."""


class Forgotten:
    """The looks of one node."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._next_s = 0.0
        self._suspects: dict[int, int] = {}
        """With the epoch in which each was seen first."""

    def tick(self, now_s: float) -> None:
        """Look, if it is time."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + PERIOD_S
        serving = self._serving
        epochs = serving.epochs.epochs
        found = {p: epochs[p] for p in range(PARTITIONS) if self._is_forgotten(p)}
        for partition, epoch in found.items():
            if self._suspects.get(partition) != epoch:
                continue
            if serving.holdings.holds(partition):
                serving.set_aside.add(partition)
            else:
                serving.whole.pop(partition, None)
        self._suspects = found

    def _is_forgotten(self, partition: int) -> bool:
        serving = self._serving
        if partition in serving.served or partition in serving.set_aside:
            return False
        if partition not in serving.whole and not serving.holdings.holds(partition):
            return False
        if serving.ground.id in serving.ground.table(partition):
            return False  # its server will ask, and knows of it then
        return bool(serving.epochs.server(partition)) and not serving.is_following(partition)
