"""What a metric is before anybody asks for it: its name and meaning, and how it is read from a running server.

Nothing here needs prometheus-client. So the names can be compared with those that dashboards and alerts use.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Protocol

import msgspec

from ..commands.accounting import MemoryFigures
from ..commands.cluster_safety import Safety
from ..commands.loads import LoaderReport
from ..commands.node import Node
from .figures import Figures


class Kind(enum.StrEnum):
    """As Prometheus calls them."""

    COUNTER = enum.auto()
    GAUGE = enum.auto()
    HISTOGRAM = enum.auto()


class HttpFigures(Protocol):
    """What the gateway counts."""

    @property
    def connections(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def responses(self) -> Mapping[int, int]:
        """How many, by status."""

    @property
    def readers(self) -> Mapping[str, int]:
        """Who follows events or channels now, by the way."""

    @property
    def dropped_readers(self) -> Mapping[str, int]:
        """Who was too slow, by the way."""

    @property
    def sent_events(self) -> int: ...
    @property
    def lost_events(self) -> int: ...


class Snapshot:
    """A server at the moment of a scrape. What takes some work is looked at once."""

    def __init__(self, node: Node, http: HttpFigures, figures: Figures) -> None:
        self.node = node
        self.http = http
        self._figures = figures
        self.statistics = node.statistics

    @cached_property
    def memory(self) -> MemoryFigures:
        return self._figures.memory()

    @cached_property
    def facts(self) -> Mapping[str, str]:
        return self.node.host.facts()

    @cached_property
    def cpu_s(self) -> tuple[float, float]:
        """User and system."""
        return self.node.host.cpu_seconds()

    @cached_property
    def owners(self) -> Mapping[str, int]:
        return self._figures.owners()

    @cached_property
    def cluster(self) -> Mapping[str, int | float | str]:
        """INFO cluster; nothing where there is none."""
        return self._figures.cluster()

    @cached_property
    def safety(self) -> Safety | None:
        return self._figures.safety()

    @cached_property
    def loaders(self) -> Sequence[LoaderReport]:
        return self._figures.loaders()


class Histogram(msgspec.Struct, frozen=True):
    """One histogram's state."""

    buckets: Sequence[tuple[str, float]]
    """Upper bound and how many up to it, in order; the last bound is ``+Inf``."""
    sum: float


Value = float | Histogram
Labelled = Iterable[tuple[tuple[str, ...], Value]]


class Family(msgspec.Struct, frozen=True):
    """One metric with all its labels."""

    name: str
    """A counter's ends in ``_total``."""
    kind: Kind
    help: str
    labels: tuple[str, ...]
    read: Callable[[Snapshot], Labelled]
    """Yield the values of the labels, and the value: nothing where there is none."""

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which it can be asked for."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


def one(kind: Kind, name: str, help: str, read: Callable[[Snapshot], float | None]) -> Family:
    """Return a family without labels; None is no value."""

    def values(snapshot: Snapshot) -> Labelled:
        value = read(snapshot)
        return () if value is None else (((), value),)

    return Family(name, kind, help, (), values)


def gauge(name: str, help: str, read: Callable[[Snapshot], float | None]) -> Family:
    return one(Kind.GAUGE, name, help, read)


def counter(name: str, help: str, read: Callable[[Snapshot], float | None]) -> Family:
    return one(Kind.COUNTER, name, help, read)


def by_label(
    kind: Kind, name: str, help: str, label: str, read: Callable[[Snapshot], Mapping[str, float]]
) -> Family:
    """Return a family with one label."""
    return Family(
        name,
        kind,
        help,
        (label,),
        lambda snapshot: (((key,), value) for key, value in read(snapshot).items()),
    )
