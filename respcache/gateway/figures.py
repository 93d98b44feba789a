"""Figures that take a walk over something long, kept for a moment: any number of pages and scrapers may ask for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from ..commands.accounting import MemoryFigures, memory_figures
from ..commands.cluster_safety import Safety, safety_of
from ..commands.loads import LoaderReport
from ..commands.node import Node
from ..keyspace.clock import Clock

KEPT_MS: Final = 500
"""Some of these walks take 10 ms or more, for as much as there may be: two in a second are enough."""

Figure = TypeVar("Figure")


class Kept(Generic[Figure]):
    """Call it for a figure of now, or of a moment ago."""

    def __init__(self, look: Callable[[], Figure], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._found: tuple[int, Figure] | None = None

    def __call__(self) -> Figure:
        now_ms = self._clock.now_ms
        if self._found is None or not 0 <= now_ms - self._found[0] < KEPT_MS:
            self._found = now_ms, self._look()
        return self._found[1]


class Figures:
    """Those of one server."""

    def __init__(self, node: Node) -> None:
        self.loaders: Kept[Sequence[LoaderReport]] = Kept(
            lambda: () if node.loads is None else node.loads.reports(), node.clock
        )
        """Over all keys that are on their way."""
        self.owners: Kept[Mapping[str, int]] = Kept(node.owners.statistics, node.clock)
        """Over all busy keys."""
        self.memory: Kept[MemoryFigures] = Kept(lambda: memory_figures(node), node.clock)
        """Over all clients."""
        self.cluster: Kept[Mapping[str, int | float | str]] = Kept(
            lambda: {} if node.cluster is None else node.cluster.figures(), node.clock
        )
        """INFO cluster, over all partitions; nothing where there is none."""
        self.safety: Kept[Safety | None] = Kept(
            lambda: None if node.cluster is None else safety_of(node.cluster), node.clock
        )
        """The same."""
