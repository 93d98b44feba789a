"""The sections of INFO: names, order and spelling of the fields as in Redis 7, and true values.

Monitoring reads fields by name, so those of parts that we do not have
(persistence, replication, Lua, modules) are there as well, and say what is
true of a server without them: zero. What only we have stands at the end of a
section, or in a section of its own.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from .. import REDIS_COMPATIBLE_VERSION, __version__
from .._speedups import DESCRIPTION
from ..keyspace.database import Database
from ..telemetry.command_statistics import commandstats_lines, latencystats_lines
from .cluster_topology import section_lines
from .node import Node

DAY_SECONDS: Final = 86_400

LRU_CLOCK_BITS: Final = (1 << 24) - 1
"""Redis counts seconds in 24 bits there."""

LIVES_SAMPLED: Final = 500
"""Keys looked at to estimate avg_ttl: 50 us, however many there are."""


def lines_of(fields: dict[str, object]) -> Iterator[str]:
    return (f"{name}:{value}" for name, value in fields.items())


def server(node: Node) -> Iterable[str]:
    facts = node.host.facts()
    uptime_s = uptime_seconds(node)
    return lines_of(
        {
            "redis_version": REDIS_COMPATIBLE_VERSION,
            "redis_git_sha1": "00000000",
            "redis_git_dirty": 0,
            "redis_build_id": "0",
            # In a cluster as well: where this says "cluster", tools keep to database 0 and to keys of one slot, and
            # choose nodes by themselves; on the port that forwards all of that is needless. Clients of a cluster go
            # by cluster_enabled (redis-cli --cluster, old redis-py) or by CLUSTER SLOTS (the others).
            "redis_mode": "standalone",
            "os": facts.get("os", ""),
            "arch_bits": facts.get("arch_bits", "64"),
            "monotonic_clock": "POSIX clock_gettime",
            "multiplexing_api": facts.get("multiplexing_api", "epoll"),
            "atomicvar_api": "none",
            "gcc_version": "0.0.0",
            "process_id": facts.get("process_id", "0"),
            "process_supervised": "no",
            "run_id": node.run_id,
            "tcp_port": node.settings.port or node.settings.tls_port,
            "server_time_usec": node.clock.now_ms * 1000,
            "uptime_in_seconds": uptime_s,
            "uptime_in_days": uptime_s // DAY_SECONDS,
            "hz": node.settings.hz,
            "configured_hz": node.settings.hz,
            "lru_clock": node.clock.now_ms // 1000 & LRU_CLOCK_BITS,
            "executable": facts.get("executable", ""),
            "config_file": facts.get("config_file", ""),
            "io_threads_active": 0,
            "respcache_version": __version__,
            "respcache_path": DESCRIPTION,
            "python_version": facts.get("python_version", ""),
        }
    )


def clients(node: Node) -> Iterable[str]:
    everyone = list(node.clients)
    watched = {key for client in everyone for key in client.watched}
    return lines_of(
        {
            "connected_clients": len(everyone),
            "cluster_connections": 0,
            "maxclients": node.settings.maxclients,
            "client_recent_max_input_buffer": max((c.connection.query_bytes for c in everyone), default=0),
            "client_recent_max_output_buffer": max((c.connection.output_bytes for c in everyone), default=0),
            "blocked_clients": sum(client.is_blocked for client in everyone),
            "tracking_clients": node.tracking.statistics()["tracking_clients"],
            "pubsub_clients": sum(client.is_subscriber for client in everyone),
            "watching_clients": sum(bool(client.watched) for client in everyone),
            "clients_in_timeout_table": 0,
            "total_watched_keys": len(watched),
            "total_blocking_keys": 0,
            "total_blocking_keys_on_nokey": 0,
        }
    )


def persistence(node: Node) -> Iterable[str]:
    zero: dict[str, object] = dict.fromkeys(
        ("loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"), 0
    )
    return lines_of(
        {
            **zero,
            "current_fork_perc": "0.00",
            "current_save_keys_processed": 0,
            "current_save_keys_total": 0,
            "rdb_changes_since_last_save": node.keyspace.journal.changes,
            "rdb_bgsave_in_progress": 0,
            "rdb_last_save_time": node.started_ms // 1000,
            "rdb_last_bgsave_status": "ok",
            "rdb_last_bgsave_time_sec": -1,
            "rdb_current_bgsave_time_sec": -1,
            "rdb_saves": 0,
            "rdb_last_cow_size": 0,
            "rdb_last_load_keys_expired": 0,
            "rdb_last_load_keys_loaded": 0,
            "aof_enabled": 0,
            "aof_rewrite_in_progress": 0,
            "aof_rewrite_scheduled": 0,
            "aof_last_rewrite_time_sec": -1,
            "aof_current_rewrite_time_sec": -1,
            "aof_last_bgrewrite_status": "ok",
            "aof_rewrites": 0,
            "aof_rewrites_consecutive_failures": 0,
            "aof_last_write_status": "ok",
            "aof_last_cow_size": 0,
            "module_fork_in_progress": 0,
            "module_fork_last_cow_size": 0,
        }
    )


def stats(node: Node) -> Iterable[str]:
    return (*_traffic(node), *_fate_of_keys(node), *_tasks_and_errors(node))


def _traffic(node: Node) -> Iterable[str]:
    statistics = node.statistics
    return lines_of(
        {
            "total_connections_received": statistics.total_connections_received,
            "total_commands_processed": statistics.total_commands_processed,
            "instantaneous_ops_per_sec": round(statistics.operations_per_second.per_second()),
            "total_net_input_bytes": statistics.total_net_input_bytes,
            "total_net_output_bytes": statistics.total_net_output_bytes,
            "total_net_repl_input_bytes": 0,
            "total_net_repl_output_bytes": 0,
            "instantaneous_input_kbps": f"{statistics.input_bytes_per_second.kilobytes_per_second():.2f}",
            "instantaneous_output_kbps": f"{statistics.output_bytes_per_second.kilobytes_per_second():.2f}",
            "instantaneous_input_repl_kbps": "0.00",
            "instantaneous_output_repl_kbps": "0.00",
            "rejected_connections": statistics.rejected_connections,
        }
    )


def _fate_of_keys(node: Node) -> Iterable[str]:
    statistics = node.statistics
    none: dict[str, object] = dict.fromkeys(("sync_full", "sync_partial_ok", "sync_partial_err"), 0)
    return lines_of(
        {
            **none,
            "expired_keys": statistics.expired_keys,
            "expired_stale_perc": "0.00",
            "expired_time_cap_reached_count": 0,
            "expire_cycle_cpu_milliseconds": 0,
            "evicted_keys": statistics.evicted_keys,
            "evicted_clients": statistics.evicted_clients,
            "total_eviction_exceeded_time": 0,
            "current_eviction_exceeded_time": 0,
            "keyspace_hits": statistics.keyspace_hits,
            "keyspace_misses": statistics.keyspace_misses,
            "pubsub_channels": len(node.broker.channels),
            "pubsub_patterns": len(node.broker.patterns),
            "pubsubshard_channels": len(node.broker.shard_channels),
        }
    )


def _tasks_and_errors(node: Node) -> Iterable[str]:
    statistics = node.statistics
    tracking = node.tracking.statistics()
    last_lag_ms, worst_lag_ms = node.host.loop_lag_ms()
    return lines_of(
        {
            "latest_fork_usec": 0,
            "total_forks": 0,
            "migrate_cached_sockets": 0,
            "slave_expires_tracked_keys": 0,
            "active_defrag_hits": 0,
            "active_defrag_misses": 0,
            "active_defrag_key_hits": 0,
            "active_defrag_key_misses": 0,
            "total_active_defrag_time": 0,
            "current_active_defrag_time": 0,
            "tracking_total_keys": tracking["tracking_total_keys"],
            "tracking_total_items": tracking["tracking_total_items"],
            "tracking_total_prefixes": tracking["tracking_total_prefixes"],
            "unexpected_error_replies": statistics.unexpected_error_replies,
            "total_error_replies": statistics.errors.total,
            "dump_payload_sanitizations": 0,
            "total_reads_processed": statistics.total_reads_processed,
            "total_writes_processed": statistics.total_writes_processed,
            "io_threaded_reads_processed": 0,
            "io_threaded_writes_processed": 0,
            "reply_buffer_shrinks": 0,
            "reply_buffer_expands": 0,
            "loop_lag_ms": f"{last_lag_ms:.2f}",
            "loop_lag_worst_ms": f"{worst_lag_ms:.2f}",
            "running_tasks": node.host.running_tasks(),
        }
    )


def replication(node: Node) -> Iterable[str]:
    return lines_of(
        {
            "role": "master",
            "connected_slaves": 0,
            "master_failover_state": "no-failover",
            "master_replid": node.run_id,
            "master_replid2": "0" * 40,
            "master_repl_offset": 0,
            "second_repl_offset": -1,
            "repl_backlog_active": 0,
            "repl_backlog_size": 1048576,
            "repl_backlog_first_byte_offset": 0,
            "repl_backlog_histlen": 0,
        }
    )


def cpu(node: Node) -> Iterable[str]:
    user_s, system_s = node.host.cpu_seconds()
    return lines_of(
        {
            "used_cpu_sys": f"{system_s:.6f}",
            "used_cpu_user": f"{user_s:.6f}",
            "used_cpu_sys_children": "0.000000",
            "used_cpu_user_children": "0.000000",
            "used_cpu_sys_main_thread": f"{system_s:.6f}",
            "used_cpu_user_main_thread": f"{user_s:.6f}",
        }
    )


def modules(node: Node) -> Iterable[str]:
    return ()


def commandstats(node: Node) -> Iterable[str]:
    return commandstats_lines(node.command_statistics.items())


def errorstats(node: Node) -> Iterable[str]:
    return node.statistics.errors.lines()


def latencystats(node: Node) -> Iterable[str]:
    if not node.settings.latency_tracking:
        return ()
    percentiles = node.settings.latency_tracking_info_percentiles
    return latencystats_lines(node.command_statistics.items(), percentiles)


def cluster(node: Node) -> Iterable[str]:
    return ("cluster_enabled:0",) if node.cluster is None else section_lines(node.cluster)


def keyspace(node: Node) -> Iterable[str]:
    for db in node.keyspace.databases:
        if len(db):
            yield f"db{db.index}:keys={len(db)},expires={db.deadlines},avg_ttl={average_life_ms(db)}"


def owners(node: Node) -> Iterable[str]:
    return lines_of(dict(node.owners.statistics()))


def events(node: Node) -> Iterable[str]:
    yield f"events_wanted:{int(node.bus.listening)}"
    yield f"events_sink_errors:{node.bus.failures}"
    for name, sink in node.sink_statistics().items():
        yield (
            f"events_sink_{name}:delivered={sink.delivered},dropped={sink.dropped},"
            f"failed={sink.failed},queued={sink.queued}"
        )


def uptime_seconds(node: Node) -> int:
    return max(node.clock.now_ms - node.started_ms, 0) // 1000


def average_life_ms(db: Database) -> int:
    """Estimate the mean time to live of the keys with a deadline, from a sample; 0 when the sample has none."""
    if not db.deadlines:
        return 0
    count = len(db.roster.items)
    walk, step, now_ms = db.roster.walk, count // LIVES_SAMPLED + 1, db.clock.now_ms
    lives_ms = [
        max(entry.expires_at_ms - now_ms, 0)
        for place in range(1, count + 1, step)  # an iterator that skips would still look at every place
        for entry in walk(place, 1)[1]
        if entry.expires_at_ms is not None
    ]
    return sum(lives_ms) // len(lives_ms) if lives_ms else 0
