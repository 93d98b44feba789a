"""``/metrics``, for Prometheus: the families of metrics in its text format, by prometheus-client.

That library takes a third of a second to import, most of it for servers that we do not need. So it is imported in a thread, when
somebody asks for the first time. And it takes some 10 us for each sample, of which there may be a thousand: so a page is written in
pieces, between which clients are served.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import trio

from ..commands.pending import Pending
from . import own_metrics, redis_metrics
from .messages import HttpError, Request, Response, Steps
from .metric_families import Family, Histogram, Kind, Snapshot
from .routing import Routes

log = logging.getLogger(__name__)

FAMILIES: Final[tuple[Family, ...]] = (*redis_metrics.FAMILIES, *own_metrics.FAMILIES)

SAMPLES_PER_TURN: Final = 100
"""About a millisecond."""

OPENMETRICS_END: Final = b"# EOF\n"


def import_library() -> ModuleType:
    """Return prometheus-client. Raises ImportError."""
    import prometheus_client.exposition  # noqa: PLC0415  # see above

    return prometheus_client


class Library:
    """prometheus-client, once it is there; and the task that brings it."""

    def __init__(self, load: Callable[[], ModuleType] = import_library) -> None:
        self.module: ModuleType | None = None
        self._load = load
        self._is_wanted = trio.Event()
        self._waiting: list[Pending] = []

    def want(self) -> Pending:
        """Have it imported, and let others have their turn; the reply is whether it is there."""
        pending = Pending()
        self._waiting.append(pending)
        self._is_wanted.set()
        return pending

    async def run(self) -> None:
        """Import it when it is wanted, until cancelled."""
        while True:
            await self._is_wanted.wait()
            self._is_wanted = trio.Event()
            if self.module is None:
                await self._import()
            waiting, self._waiting = self._waiting, []
            for pending in waiting:
                pending.resolve(int(self.module is not None))

    async def _import(self) -> None:
        try:
            self.module = await trio.to_thread.run_sync(self._load)
        except ImportError as error:
            log.warning("/metrics needs prometheus-client: %s", error)


class Collector:
    """What prometheus-client asks for metrics."""

    def __init__(self, library: Any, snapshot: Snapshot, families: Sequence[Family] = FAMILIES) -> None:
        """``library`` is a module that is typed where it is imported, which is not here."""
        self._metric = library.Metric
        self._snapshot = snapshot
        self._families = families

    def collect(self) -> Iterable[Any]:  # Any: the library's Metric
        for family in self._families:
            yield self._metric_of(family)

    def _metric_of(self, family: Family) -> Any:  # Any: as above
        is_counter = family.kind is Kind.COUNTER
        name = family.name.removesuffix("_total") if is_counter else family.name
        metric = self._metric(name, family.help, family.kind.value)
        for values, value in family.read(self._snapshot):
            labels = dict(zip(family.labels, values, strict=True))
            if isinstance(value, Histogram):
                for bound, count in value.buckets:
                    metric.add_sample(f"{name}_bucket", {**labels, "le": bound}, count)
                metric.add_sample(f"{name}_count", labels, value.buckets[-1][1])
                metric.add_sample(f"{name}_sum", labels, value.sum)
            else:
                metric.add_sample(family.name, labels, value)
        return metric


def metrics_routes(library: Library, snapshot: Callable[[], Snapshot], *, is_open: bool) -> Routes:
    """Return the route; ``is_open`` if it needs no password."""
    routes = Routes()

    @routes.add("GET", "/metrics", is_open=is_open)
    def metrics(request: Request) -> Steps:
        """Return all metrics of this node as Prometheus reads them, or as OpenMetrics if that is asked for."""
        if not (yield library.want()):
            raise HttpError(501, "prometheus-client is not installed; the log says more.")
        module: Any = library.module
        encode, kind = module.exposition.choose_encoder(request.headers.get("accept", ""))
        text = b""
        for metrics in portions(Collector(module, snapshot()).collect()):
            text = text.removesuffix(OPENMETRICS_END) + encode(SimpleNamespace(collect=lambda m=metrics: m))
            yield library.want()
        return Response(200, text, kind, {"Cache-Control": "no-store"})

    return routes


def portions(metrics: Iterable[Any]) -> Iterable[list[Any]]:  # Any: the library's Metric
    """Yield metrics in lists of some samples each; those of one metric must stand together."""
    portion: list[Any] = []
    samples = 0
    for metric in metrics:
        portion.append(metric)
        samples += len(metric.samples)
        if samples >= SAMPLES_PER_TURN:
            yield portion
            portion, samples = [], 0
    yield portion
