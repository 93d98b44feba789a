"""What respcache has beyond a Redis, as metrics: ``respcache_*``."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from .. import __version__
from .._speedups import DESCRIPTION
from ..commands.cluster_safety import Safety
from ..commands.table import CommandTable
from .metric_families import Family, Histogram, Kind, Labelled, Snapshot, by_label, counter, gauge

Reader = Callable[[Snapshot], float | None]
Readers = Callable[[Snapshot], Mapping[str, float]]
SafetyReader = Callable[[Safety], float]

FINEST_BITS: Final = 10
COARSEST_BITS: Final = 31
"""Buckets from a microsecond to two seconds: what is quicker than that does not matter, what is slower is no answer."""

OLDEST_WRITE: Final = "oldest_pending_ms"
"""The one figure of a loader that is no number of keys or calls."""

BOUNDS: Final = (*(repr(2**bits / 1e9) for bits in range(FINEST_BITS, COARSEST_BITS + 1)), "+Inf")


def histogram_of(counts: Sequence[int], nanoseconds: int) -> Histogram:
    """Return durations by power of two (``telemetry/histogram.py``) with cumulative buckets."""
    total = sum(counts[: FINEST_BITS + 1])
    totals = [total]
    for bits in range(FINEST_BITS + 1, COARSEST_BITS + 1):
        total += counts[bits]
        totals.append(total)
    totals.append(total + sum(counts[COARSEST_BITS + 1 :]))
    return Histogram(tuple(zip(BOUNDS, totals, strict=True)), nanoseconds / 1e9)


@cache
def _groups(table: CommandTable) -> Mapping[str, str]:
    """Return the family of each command by its name; a process has one table."""
    return {command.full_name: command.group for command in table.everything()}


def _latencies(snapshot: Snapshot) -> Labelled:
    """Add up the commands of each family, such as ``string``."""
    node = snapshot.node
    groups = _groups(node.table)
    added: dict[str, tuple[list[int], int]] = {}
    for name, record in node.command_statistics.items():
        if record.calls:
            counts, nanoseconds = added.get(groups[name], ([0] * len(record.counts), 0))
            summed = [one + more for one, more in zip(counts, record.counts, strict=True)]
            added[groups[name]] = summed, nanoseconds + record.nanoseconds
    return (((group,), histogram_of(*sums)) for group, sums in sorted(added.items()))


def _version(snapshot: Snapshot) -> Labelled:
    return (((__version__, DESCRIPTION, snapshot.facts.get("python_version", "")), 1),)


def _expiry_lag_s(snapshot: Snapshot) -> float:
    due_ms = snapshot.node.keyspace.next_due_ms()
    return 0 if due_ms is None else max(snapshot.node.clock.now_ms - due_ms, 0) / 1e3


def _owner(name: str) -> Reader:
    return lambda snapshot: snapshot.owners[name]


def _sink(figure: str) -> Readers:
    return lambda snapshot: {
        name: getattr(sink, figure) for name, sink in snapshot.node.sink_statistics().items()
    }


def _cluster(name: str, unit: float = 1) -> Reader:
    """Return what reads a figure of INFO cluster, in that unit."""

    def read(snapshot: Snapshot) -> float | None:
        value = snapshot.cluster.get(f"cluster_{name}")
        return None if value is None else float(value) * unit

    return read


def _safety(read: SafetyReader) -> Reader:
    return lambda snapshot: None if snapshot.safety is None else read(snapshot.safety)


def _members(snapshot: Snapshot) -> Mapping[str, float]:
    cluster = snapshot.node.cluster
    if cluster is None:
        return {}
    states = [peer.state for peer in cluster.peers()]
    return {state: states.count(state) for state in ("alive", "suspect", "dead", "left")}


def _partitions(snapshot: Snapshot) -> Mapping[str, float]:
    safety = snapshot.safety
    if safety is None:
        return {}
    return {
        "safe": safety.safe,
        "degraded": safety.degraded,
        "moving": safety.moving,
        "set-aside": safety.set_aside,
    }


def _is_ok(snapshot: Snapshot) -> float | None:
    cluster = snapshot.node.cluster
    return None if cluster is None else int(cluster.is_ok)


def _loader_states(snapshot: Snapshot) -> Labelled:
    return (((one.name, one.state), 1) for one in snapshot.loaders)


def _loader_now(snapshot: Snapshot) -> Iterable[tuple[tuple[str, ...], float]]:
    return (
        ((one.name, what), count)
        for one in snapshot.loaders
        for what, count in one.now.items()
        if what != OLDEST_WRITE
    )


def _loader_oldest_writes(snapshot: Snapshot) -> Mapping[str, float]:
    return {one.name: one.now[OLDEST_WRITE] / 1e3 for one in snapshot.loaders if OLDEST_WRITE in one.now}


def _loader_totals(snapshot: Snapshot) -> Iterable[tuple[tuple[str, ...], float]]:
    return (((one.name, what), count) for one in snapshot.loaders for what, count in one.totals.items())


SERVER: Final = (
    Family(
        "respcache_info", Kind.GAUGE, "Version and ways, as labels.", ("version", "path", "python"), _version
    ),
    gauge(
        "respcache_loop_lag_seconds",
        "How late the last tick was.",
        lambda s: s.node.host.loop_lag_ms()[0] / 1e3,
    ),
    gauge(
        "respcache_loop_lag_worst_seconds",
        "The latest tick of the last minute.",
        lambda s: s.node.host.loop_lag_ms()[1] / 1e3,
    ),
    Family(
        "respcache_command_duration_seconds",
        Kind.HISTOGRAM,
        "How long commands ran, by family.",
        ("family",),
        _latencies,
    ),
    gauge("respcache_memory_data_bytes", "What maxmemory limits.", lambda s: s.memory.data_bytes),
    gauge("respcache_expiry_lag_seconds", "How long the oldest dead key is overdue.", _expiry_lag_s),
    counter(
        "respcache_evicted_clients_total",
        "Clients let go for maxmemory-clients.",
        lambda s: s.statistics.evicted_clients,
    ),
)

OWNERS: Final = (
    gauge("respcache_owners_awake", "Keys whose commands wait in line.", _owner("owners_awake")),
    gauge(
        "respcache_owners_working", "Of these, those that something is done for.", _owner("owners_working")
    ),
    gauge(
        "respcache_owners_longest_mailbox",
        "Most commands that wait for one key.",
        _owner("owners_longest_mailbox"),
    ),
    gauge(
        "respcache_owners_longest_wait_seconds",
        "For how long the first of them has waited.",
        lambda s: s.owners["owners_longest_wait_ms"] / 1e3,
    ),
    counter("respcache_owners_woken_total", "How often a key became busy.", _owner("owners_woken_total")),
    counter("respcache_owners_queued_total", "Commands that had to wait.", _owner("owners_queued_total")),
    counter(
        "respcache_owners_refused_total",
        "Commands for which no room was left.",
        _owner("owners_refused_total"),
    ),
    counter(
        "respcache_owners_crashed_total",
        "Work that ended by an error of ours.",
        _owner("owners_crashed_total"),
    ),
)

EVENTS: Final = (
    by_label(Kind.COUNTER, "respcache_events_delivered_total", "Told, by sink.", "sink", _sink("delivered")),
    by_label(Kind.COUNTER, "respcache_events_dropped_total", "Not told, by sink.", "sink", _sink("dropped")),
    by_label(
        Kind.COUNTER, "respcache_events_failed_total", "Told in vain, by sink.", "sink", _sink("failed")
    ),
    by_label(Kind.GAUGE, "respcache_events_queued", "Waiting, by sink.", "sink", _sink("queued")),
)

HTTP: Final = (
    gauge("respcache_http_connections", "Connections to the HTTP port.", lambda s: s.http.connections),
    counter("respcache_http_refused_total", "Connections that were too many.", lambda s: s.http.refused),
    by_label(
        Kind.COUNTER,
        "respcache_http_responses_total",
        "Answers, by status.",
        "status",
        lambda s: {str(status): count for status, count in sorted(s.http.responses.items())},
    ),
    by_label(
        Kind.GAUGE,
        "respcache_http_readers",
        "Streams of events, and WebSockets.",
        "way",
        lambda s: s.http.readers,
    ),
    by_label(
        Kind.COUNTER,
        "respcache_http_readers_dropped_total",
        "Readers that were too slow.",
        "reason",
        lambda s: s.http.dropped_readers,
    ),
    counter("respcache_http_events_total", "Events told to readers.", lambda s: s.http.sent_events),
    counter("respcache_http_events_lost_total", "Events too many at once.", lambda s: s.http.lost_events),
)

CLUSTER: Final = (
    by_label(Kind.GAUGE, "respcache_cluster_members", "Members, as this node sees them.", "state", _members),
    by_label(
        Kind.GAUGE,
        "respcache_cluster_partitions",
        "Partitions that this node serves, by state; and those that it has kept aside.",
        "state",
        _partitions,
    ),
    gauge(
        "respcache_cluster_partitions_served", "All that it serves.", _safety(lambda safety: safety.served)
    ),
    gauge("respcache_cluster_ok", "Whether every partition has an owner and this node may serve.", _is_ok),
    gauge("respcache_cluster_copies_held", "Whole copies of others' partitions.", _cluster("copies_held")),
    gauge("respcache_cluster_copies_bytes", "Memory of these.", _cluster("copies_bytes")),
    gauge("respcache_cluster_replication_bytes", "Sent and not confirmed.", _cluster("replication_bytes")),
    gauge(
        "respcache_cluster_replication_lag_seconds",
        "Age of the oldest of it.",
        _cluster("replication_lag_ms", 1e-3),
    ),
    gauge("respcache_cluster_replies_held", "Replies that wait for it.", _cluster("replies_held")),
    gauge("respcache_cluster_commands_waiting", "Forwarded and not answered.", _cluster("commands_waiting")),
    counter(
        "respcache_cluster_commands_forwarded_total", "Sent to other nodes.", _cluster("commands_forwarded")
    ),
    counter(
        "respcache_cluster_promotions_total", "Partitions taken over from the dead.", _cluster("promotions")
    ),
    counter("respcache_cluster_handovers_total", "Partitions handed over.", _cluster("handovers")),
    counter("respcache_cluster_lost_total", "Partitions begun empty.", _cluster("lost")),
    counter("respcache_cluster_merged_total", "Entries merged after a split.", _cluster("merged")),
    counter(
        "respcache_cluster_conflicts_total", "Of these, in place of another value.", _cluster("conflicts")
    ),
)

LOADERS: Final = (
    Family(
        "respcache_loader_state",
        Kind.GAUGE,
        "How it stands, as a label.",
        ("loader", "state"),
        _loader_states,
    ),
    Family(
        "respcache_loader_now", Kind.GAUGE, "Keys and calls at this moment.", ("loader", "what"), _loader_now
    ),
    by_label(
        Kind.GAUGE,
        "respcache_loader_oldest_write_seconds",
        "How long the oldest change has waited to be written.",
        "loader",
        _loader_oldest_writes,
    ),
    Family(
        "respcache_loader_done_total", Kind.COUNTER, "What it has done.", ("loader", "what"), _loader_totals
    ),
)

FAMILIES: Final[tuple[Family, ...]] = (*SERVER, *OWNERS, *EVENTS, *HTTP, *CLUSTER, *LOADERS)
