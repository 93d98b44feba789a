"""What a Redis has, under redis_exporter's names: each figure is that of INFO."""

import pytest

from tests.gateway.live import Live
from tests.gateway.scraping import scrape, value

OF_INFO = {
    "redis_uptime_in_seconds": "uptime_in_seconds",
    "redis_connected_clients": "connected_clients",
    "redis_blocked_clients": "blocked_clients",
    "redis_tracking_clients": "tracking_clients",
    "redis_connections_received_total": "total_connections_received",
    "redis_rejected_connections_total": "rejected_connections",
    "redis_memory_used_dataset_bytes": "used_memory_dataset",
    "redis_memory_used_rss_bytes": "used_memory_rss",
    "redis_memory_max_bytes": "maxmemory",
    "redis_net_input_bytes_total": "total_net_input_bytes",
    "redis_net_output_bytes_total": "total_net_output_bytes",
    "redis_pubsub_channels": "pubsub_channels",
    "redis_pubsub_patterns": "pubsub_patterns",
    "redis_keyspace_hits_total": "keyspace_hits",
    "redis_keyspace_misses_total": "keyspace_misses",
    "redis_expired_keys_total": "expired_keys",
    "redis_evicted_keys_total": "evicted_keys",
}


@pytest.fixture
def live() -> Live:
    """Return a server with something of everything."""
    live = Live(maxmemory="100mb", slowlog_log_slower_than="0")
    live.harness.client().send("SUBSCRIBE news")
    live.harness.client().send("PSUBSCRIBE n*")
    for line in (
        "SET a 1",
        "SET b 1 PX 5",
        "SET c 1 EX 100",
        "HSET h f v",
        "GET a",
        "GET none",
        "INCR h",
        "GET a b",
    ):
        live.client.send(line)
    live.harness.clock.advance(2500)
    live.harness.sweep()
    return live


def info(live: Live) -> dict[str, str]:
    text = live.client("INFO everything").decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def test_figures_are_those_of_info(live: Live) -> None:
    before = scrape(live)
    told = info(live)
    assert {name: before[name][()] for name in OF_INFO} == {
        name: float(told[field]) for name, field in OF_INFO.items()
    }
    assert before["redis_expired_keys_total"][()] == 1
    assert before["redis_pubsub_channels"][()] == 1
    assert before["redis_memory_max_bytes"][()] == 100 << 20


def test_commands_are_counted_one_by_one(live: Live) -> None:
    found = scrape(live)
    assert value(found, "redis_commands_total", cmd="get") == 2
    assert value(found, "redis_commands_total", cmd="set") == 3
    assert value(found, "redis_commands_failed_calls_total", cmd="incr") == 1
    assert value(found, "redis_commands_rejected_calls_total", cmd="get") == 1
    assert value(found, "redis_commands_duration_seconds_total", cmd="get") >= 0
    assert value(found, "redis_errors_total", err="WRONGTYPE") == 1
    assert (("cmd", "flushall"),) not in found["redis_commands_total"]


def test_keys_are_counted_by_database(live: Live) -> None:
    found = scrape(live)
    assert value(found, "redis_db_keys", db="db0") == 3
    assert value(found, "redis_db_keys_expiring", db="db0") == 1
    assert value(found, "redis_db_avg_ttl_seconds", db="db0") == pytest.approx(97.5)
    assert value(found, "redis_db_keys", db="db15") == 0


def test_the_instance_is_described_by_labels(live: Live) -> None:
    [labels] = scrape(live)["redis_instance_info"]
    told = dict(labels)
    assert told["role"] == "master"
    assert told["run_id"] == live.node.run_id
    assert told["maxmemory_policy"] == "allkeys-s3fifo"
    assert set(told) == {
        "role", "redis_version", "redis_build_id", "redis_mode", "os", "maxmemory_policy", "tcp_port", "run_id", "process_id",
    }  # fmt: skip


def test_the_slow_log_is_measured(live: Live) -> None:
    found = scrape(live)
    assert found["redis_slowlog_length"][()] == len(live.node.slowlog) > 0
    assert found["redis_last_slow_execution_duration_seconds"][()] >= 0


def test_who_answers_is_up(live: Live) -> None:
    assert scrape(live)["redis_up"] == {(): 1}
