"""Each setting reaches the part that obeys it: at the start, and by CONFIG SET."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from respcache.keyspace.hashes import HashLimits
from respcache.keyspace.lives import Renewal
from respcache.server.output_limits import OutputLimit
from respcache.settings.compatibility import Compatibility
from respcache.settings.settings import PARAMETERS
from tests.commands.harness import Harness
from tests.rows import every_row


@dataclass(frozen=True, slots=True)
class Obeyed:
    """A setting, a value that is not its default, and what its part then says."""

    name: str
    text: str
    look: Callable[[Harness], Any]  # whatever the part says
    expected: object


def life_ms(harness: Harness, key: bytes) -> int | None:
    lives = harness.node.keyspace.databases[0].lives
    return None if lives is None else lives.life_ms(key)


def output_limit(harness: Harness) -> OutputLimit:
    return harness.dispatcher.output_limits["pubsub"]


def hash_limits(harness: Harness) -> HashLimits:
    return harness.node.keyspace.databases[15].hash_limits


OBEYED = [
    Obeyed("requirepass", "secret", lambda one: one.dispatcher.needs_password, True),
    Obeyed(
        "proto-max-bulk-len", "2mb", lambda one: one.client().session.parser.limits.max_bulk_bytes, 2 << 20
    ),
    Obeyed(
        "client-query-buffer-limit",
        "3mb",
        lambda one: one.client().session.parser.limits.max_query_bytes,
        3 << 20,
    ),
    Obeyed(
        "client-output-buffer-limit", "pubsub 1mb 512kb 9", output_limit, OutputLimit(1 << 20, 512 << 10, 9)
    ),
    Obeyed("expiration", "10", lambda one: life_ms(one, b"any"), 10_000),
    Obeyed("expirations", '[{"pattern": "a*", "seconds": 5}]', lambda one: life_ms(one, b"abc"), 5_000),
    Obeyed("maxmemory", "100mb", lambda one: len(one.dispatcher.fast[b"SET"].guards), 1),
    Obeyed("maxmemory-policy", "allkeys-lru", lambda one: one.composition.evictor.policy, "allkeys-lru"),
    Obeyed("maxmemory-samples", "9", lambda one: one.composition.evictor.samples, 9),
    Obeyed("lfu-log-factor", "3", lambda one: one.composition.evictor.frequency.log_factor, 3),
    Obeyed("lfu-decay-time", "4", lambda one: one.composition.evictor.frequency.decay_minutes, 4),
    Obeyed("slowlog-log-slower-than", "5", lambda one: one.dispatcher.ledger.slow_ns, 5_000),
    Obeyed("slowlog-max-len", "3", lambda one: one.node.slowlog.most_entries, 3),
    Obeyed("latency-monitor-threshold", "7", lambda one: one.node.latency.threshold_ms, 7),
    Obeyed("hash-max-listpack-entries", "11", hash_limits, HashLimits(11, 64)),
    Obeyed("hash-max-listpack-value", "12", hash_limits, HashLimits(512, 12)),
    Obeyed("tracking-table-max-keys", "13", lambda one: one.node.tracking.max_keys, 13),
    Obeyed("owner-mailbox-limit", "14", lambda one: one.composition.owners.mailbox_jobs, 14),
]

READ_WHEN_NEEDED = {
    "expiration-renew": "with the lives, see below",
    "protected-mode": "tests/server/test_admission.py",
    "tcp-keepalive": "tests/server/test_listeners.py",
    "timeout": "tests/server/test_reactor.py",
    "maxclients": "tests/app/test_open_files.py and tests/server/test_reactor.py",
    "maxmemory-clients": "tests/server/test_client_eviction.py",
    "loglevel": "tests/app/test_logs.py",
    "latency-tracking": "tests/commands/test_info.py",
    "latency-tracking-info-percentiles": "tests/commands/test_info.py",
    "shutdown-timeout": "tests/app/test_serve.py",
    "notify-keyspace-events": "tests/app/test_sinks.py",
    "events-channel": "tests/app/test_sinks.py",
    "cluster-leave-timeout": "tests/cluster/e2e: read when a node leaves",
    "cluster-replication-ack": "tests/app/test_clustering.py",
    "cluster-transfer-rate": "tests/app/test_clustering.py",
    "http-read-only": "tests/gateway/test_read_only.py",
    **dict.fromkeys(
        (
            "tls-auth-clients",
            "tls-ca-cert-dir",
            "tls-ca-cert-file",
            "tls-cert-file",
            "tls-ciphers",
            "tls-ciphersuites",
            "tls-key-file",
            "tls-key-file-pass",
            "tls-prefer-server-ciphers",
            "tls-protocols",
        ),
        "read together: tests/server/test_tls_context.py, and while a server runs tests/conformance/test_tls.py",
    ),
    "cluster-secret": "when it would be taken away, see below; its change is followed by the bus",
}
"""Changeable settings without a place among those above, and where their effect is tested."""


@every_row("one", OBEYED, called=lambda one: one.name)
def test_a_setting_is_obeyed_from_the_start(one: Obeyed) -> None:
    harness = Harness(None, **{one.name.replace("-", "_"): one.text})
    assert one.look(harness) == one.expected


@every_row("one", OBEYED, called=lambda one: one.name)
def test_a_setting_is_obeyed_once_it_is_changed(one: Obeyed) -> None:
    harness = Harness(maxmemory="1gb") if one.name.startswith(("maxmemory-", "lfu")) else Harness()
    client = harness.client()
    assert one.look(harness) != one.expected
    assert client("CONFIG", "SET", one.name, one.text) == b"OK"
    assert one.look(harness) == one.expected


def test_every_changeable_setting_has_its_test() -> None:
    changeable = {one.name for one in PARAMETERS if one.mutable and one not in Compatibility.parameters}
    assert {one.name for one in OBEYED} | READ_WHEN_NEEDED.keys() == changeable


def test_what_renews_a_life_is_obeyed() -> None:
    harness = Harness(expiration="10", expiration_renew="on-create")
    assert renewal(harness) is Renewal.ON_CREATE
    harness.client()("CONFIG SET expiration-renew on-access")
    assert renewal(harness) is Renewal.ON_ACCESS


def renewal(harness: Harness) -> Renewal | None:
    lives = harness.node.keyspace.databases[0].lives
    return None if lives is None else lives.renewal


def test_default_lives_end_when_no_setting_asks_for_any() -> None:
    harness = Harness(expiration="10")
    harness.client()("CONFIG SET expiration infinity")
    assert harness.node.keyspace.databases[0].lives is None


def test_clients_that_are_connected_are_read_under_the_new_limits() -> None:
    harness = Harness()
    client = harness.client()
    harness.client()("CONFIG SET proto-max-bulk-len 1mb")
    (reply,) = client.receive(b"*2\r\n$4\r\nECHO\r\n$1048577\r\n")
    assert reply.message == "Protocol error: invalid bulk length"


def test_clients_that_are_in_stay_in_when_a_password_is_set() -> None:
    harness = Harness()
    client = harness.client()
    client("CONFIG SET requirepass secret")
    assert client("PING") == b"PONG"
    assert harness.client()("PING").code == "NOAUTH"


def test_writes_go_the_unguarded_way_again_without_a_limit() -> None:
    harness = Harness(maxmemory="100mb")
    harness.client()("CONFIG SET maxmemory 0")
    assert harness.dispatcher.fast[b"SET"].guards == ()


def test_another_limit_is_kept_by_the_guards_that_there_are() -> None:
    harness = Harness(maxmemory="100mb", maxmemory_policy="noeviction")
    client, bound = harness.client(), harness.dispatcher.fast[b"SET"]
    assert client("SET a 1") == b"OK"
    client("CONFIG SET maxmemory 1")
    assert harness.dispatcher.fast[b"SET"] is bound
    assert client("SET a 1").code == "OOM"


def test_an_open_bus_keeps_its_secret_and_may_change_it() -> None:
    harness = Harness(cluster_enabled="yes", bind="*", cluster_secret="old")
    client = harness.client()
    assert "beyond this machine, without a secret" in client("CONFIG", "SET", "cluster-secret", "").message
    assert harness.settings.cluster_secrets == ("old",)
    assert client("CONFIG", "SET", "cluster-secret", "new old") == b"OK"
    assert " ".join(harness.settings.cluster_secrets) == "new old"
