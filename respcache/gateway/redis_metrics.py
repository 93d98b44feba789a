"""What every Redis has, under the names of redis_exporter, so that dashboards and alerts made for that work here.

Names and labels: https://github.com/oliver006/redis_exporter (exporter/exporter.go and exporter/info.go).
What a cache without persistence and replicas has not is left out, but for what such dashboards cannot do without.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from .. import REDIS_COMPATIBLE_VERSION
from ..commands.info_sections import average_life_ms
from ..telemetry.command_statistics import CommandStatistics
from .metric_families import Family, Kind, Labelled, Snapshot, by_label, counter, gauge

INFO_LABELS: Final = (
    "role",
    "redis_version",
    "redis_build_id",
    "redis_mode",
    "os",
    "maxmemory_policy",
    "tcp_port",
    "run_id",
    "process_id",
)


def _instance(snapshot: Snapshot) -> Labelled:
    node, facts = snapshot.node, snapshot.facts
    values = (
        "master",
        REDIS_COMPATIBLE_VERSION,
        "0",
        "standalone",
        facts.get("os", ""),
        node.settings.maxmemory_policy,
        str(node.settings.port or node.settings.tls_port),
        node.run_id,
        facts.get("process_id", "0"),
    )
    return ((values, 1),)


def _used_commands(snapshot: Snapshot) -> Iterable[tuple[str, CommandStatistics]]:
    return ((name, record) for name, record in snapshot.node.command_statistics.items() if record.is_used())


def _calls(snapshot: Snapshot) -> Mapping[str, float]:
    return {name: record.calls for name, record in _used_commands(snapshot)}


def _seconds(snapshot: Snapshot) -> Mapping[str, float]:
    return {name: record.nanoseconds / 1e9 for name, record in _used_commands(snapshot)}


def _failed(snapshot: Snapshot) -> Mapping[str, float]:
    return {name: record.failed_calls for name, record in _used_commands(snapshot)}


def _rejected(snapshot: Snapshot) -> Mapping[str, float]:
    return {name: record.rejected_calls for name, record in _used_commands(snapshot)}


def _keys(snapshot: Snapshot) -> Mapping[str, float]:
    return {f"db{db.index}": len(db) for db in snapshot.node.keyspace.databases}


def _expiring(snapshot: Snapshot) -> Mapping[str, float]:
    return {f"db{db.index}": db.deadlines for db in snapshot.node.keyspace.databases}


def _lives(snapshot: Snapshot) -> Mapping[str, float]:
    return {f"db{db.index}": average_life_ms(db) / 1000 for db in snapshot.node.keyspace.databases if len(db)}


def _uptime_s(snapshot: Snapshot) -> float:
    return max(snapshot.node.clock.now_ms - snapshot.node.started_ms, 0) // 1000


def _last_slow_s(snapshot: Snapshot) -> float:
    last = snapshot.node.slowlog.get(1)
    return last[0].duration_us / 1e6 if last else 0


SERVER: Final = (
    gauge("redis_up", "Whether the server answers: who is scraped does.", lambda s: 1),
    gauge("redis_uptime_in_seconds", "Since the start.", _uptime_s),
    gauge(
        "redis_start_time_seconds",
        "When the server started, in Unix time.",
        lambda s: s.node.started_ms / 1e3,
    ),
    Family("redis_instance_info", Kind.GAUGE, "What the server is, as labels.", INFO_LABELS, _instance),
    counter("redis_cpu_user_seconds_total", "Of the process, in user mode.", lambda s: s.cpu_s[0]),
    counter("redis_cpu_sys_seconds_total", "Of the process, in the kernel.", lambda s: s.cpu_s[1]),
    gauge("redis_connected_slaves", "Replicas by Redis' protocol: there are none.", lambda s: 0),
)

CLIENTS: Final = (
    gauge("redis_connected_clients", "Clients of the Redis protocol.", lambda s: len(s.node.clients)),
    gauge(
        "redis_blocked_clients",
        "Clients whose command waits for something.",
        lambda s: sum(client.is_blocked for client in s.node.clients),
    ),
    gauge(
        "redis_tracking_clients",
        "Clients that are told of changes to what they have cached.",
        lambda s: s.node.tracking.statistics()["tracking_clients"],
    ),
    gauge("redis_config_maxclients", "Most clients.", lambda s: s.node.settings.maxclients),
    counter(
        "redis_connections_received_total",
        "Clients that have come.",
        lambda s: s.statistics.total_connections_received,
    ),
    counter(
        "redis_rejected_connections_total",
        "Clients that were too many.",
        lambda s: s.statistics.rejected_connections,
    ),
)

MEMORY: Final = (
    gauge(
        "redis_memory_used_bytes",
        "Keys, values, clients and copies, as counted.",
        lambda s: s.memory.used_bytes,
    ),
    gauge("redis_memory_used_dataset_bytes", "Keys and values alone.", lambda s: s.memory.payload_bytes),
    gauge(
        "redis_memory_used_overhead_bytes",
        "Everything else that is counted.",
        lambda s: s.memory.overhead_bytes,
    ),
    gauge("redis_memory_used_peak_bytes", "The most there has been.", lambda s: s.memory.peak_bytes),
    gauge("redis_memory_used_rss_bytes", "What the process takes.", lambda s: s.memory.resident_bytes),
    gauge(
        "redis_memory_max_bytes",
        "The limit of maxmemory; 0 for none.",
        lambda s: s.node.settings.maxmemory_bytes,
    ),
    gauge("redis_config_maxmemory", "The same.", lambda s: s.node.settings.maxmemory_bytes),
    gauge("redis_mem_clients_normal", "What clients' connections take.", lambda s: s.memory.clients_bytes),
    gauge(
        "redis_mem_fragmentation_ratio",
        "Taken by the process, to counted.",
        lambda s: s.memory.fragmentation_ratio,
    ),
    gauge(
        "redis_mem_not_counted_for_eviction_bytes",
        "What maxmemory does not limit.",
        lambda s: s.memory.beside_bytes,
    ),
)

TRAFFIC: Final = (
    counter(
        "redis_commands_processed_total",
        "Commands that ran.",
        lambda s: s.statistics.total_commands_processed,
    ),
    by_label(Kind.COUNTER, "redis_commands_total", "Calls of each command.", "cmd", _calls),
    by_label(
        Kind.COUNTER, "redis_commands_duration_seconds_total", "Time spent in each command.", "cmd", _seconds
    ),
    by_label(
        Kind.COUNTER, "redis_commands_failed_calls_total", "Calls that ended in an error.", "cmd", _failed
    ),
    by_label(
        Kind.COUNTER, "redis_commands_rejected_calls_total", "Calls that did not run.", "cmd", _rejected
    ),
    by_label(
        Kind.COUNTER,
        "redis_errors_total",
        "Error replies, by the first word.",
        "err",
        lambda s: s.statistics.errors.by_code(),
    ),
    counter(
        "redis_net_input_bytes_total", "Bytes from clients.", lambda s: s.statistics.total_net_input_bytes
    ),
    counter(
        "redis_net_output_bytes_total", "Bytes to clients.", lambda s: s.statistics.total_net_output_bytes
    ),
    gauge("redis_pubsub_channels", "Channels with subscribers.", lambda s: len(s.node.broker.channels)),
    gauge("redis_pubsub_patterns", "Patterns with subscribers.", lambda s: len(s.node.broker.patterns)),
    gauge("redis_slowlog_length", "Entries of the slow log.", lambda s: len(s.node.slowlog)),
    gauge("redis_last_slow_execution_duration_seconds", "Of the newest of these.", _last_slow_s),
)

KEYS: Final = (
    counter(
        "redis_keyspace_hits_total", "Looks at keys that were there.", lambda s: s.statistics.keyspace_hits
    ),
    counter(
        "redis_keyspace_misses_total", "Looks at keys that were not.", lambda s: s.statistics.keyspace_misses
    ),
    counter("redis_expired_keys_total", "Keys that were too old.", lambda s: s.statistics.expired_keys),
    counter("redis_evicted_keys_total", "Keys that made room.", lambda s: s.statistics.evicted_keys),
    by_label(Kind.GAUGE, "redis_db_keys", "Keys of each database.", "db", _keys),
    by_label(Kind.GAUGE, "redis_db_keys_expiring", "Keys with a deadline.", "db", _expiring),
    by_label(Kind.GAUGE, "redis_db_avg_ttl_seconds", "Their mean life, from a sample.", "db", _lives),
)

FAMILIES: Final[tuple[Family, ...]] = (*SERVER, *CLIENTS, *MEMORY, *TRAFFIC, *KEYS)
