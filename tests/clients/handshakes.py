"""What client libraries say first, as recorded from them or read in their sources, and what they need to hear.

redis-py 8.1.0, ioredis 6.0.0, node-redis 6.3.1, redis-cli and redis-benchmark 7.0.15 were recorded on the wire. Jedis,
Lettuce, go-redis and RedisInsight were read in their sources.
"""

from dataclasses import dataclass

from tests.servers import TARGET
from tests.wire import words

OK = rb"\+OK\r\n"
PONG = rb"\+PONG\r\n"
ANYTHING = rb"[-+*%$:_=].*"
MAP = rb"[*%]\d+\r\n.*"
ARRAY = rb"\*\d+\r\n.*"
NUMBER = rb":\d+\r\n"
TEXT = rb"[$=]\d+\r\n.*"
NOTHING = rb"(\$-1|_)\r\n"
# Greetings must name the protocol that was asked for, or the client gives up.
GREETING_2 = rb"\*\d+\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n\$7\r\nversion\r\n.*\$5\r\nproto\r\n:2\r\n.*"
GREETING_3 = rb"%\d+\r\n\$6\r\nserver\r\n\$5\r\nredis\r\n\$7\r\nversion\r\n.*\$5\r\nproto\r\n:3\r\n.*"
READY = rb"[$=]\d+\r\n.*\r\nredis_version:\d.*\r\nloading:0\r\n.*"
# CLIENT SETINFO came with Redis 7.2. Clients live without it, but we have it.
SINCE_7_2 = OK if TARGET == "respcache" else rb"-ERR .*"


@dataclass(frozen=True, slots=True)
class Handshake:
    """A connection's first commands, each with a pattern for its whole reply."""

    client: str
    exchange: list[tuple[str, bytes]]

    def commands(self) -> list[list[bytes]]:
        return [words(line) for line, _ in self.exchange]


HANDSHAKES = [
    Handshake("redis-cli", [("COMMAND DOCS", MAP), ("PING", PONG)]),
    Handshake("redis-cli -3 -n 2", [("SELECT 2", OK), ("HELLO 3", GREETING_3), ("ping", PONG)]),
    Handshake("redis-cli --bigkeys", [("DBSIZE", NUMBER), ("SCAN 0", ARRAY), ("TYPE k", rb"\+none\r\n")]),
    Handshake(
        "redis-benchmark",
        [("CONFIG GET save", ARRAY), ("CONFIG GET appendonly", ARRAY)],
    ),
    Handshake("redis-benchmark -3 --dbnum 1", [("SELECT 1", OK), ("HELLO 3", GREETING_3), ("SET k VXK", OK)]),
    Handshake(
        "redis-py 8",
        [
            ("HELLO 3", GREETING_3),
            ("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-fqdn", ANYTHING),
            ("CLIENT SETNAME me", OK),
            ("CLIENT SETINFO LIB-NAME redis-py", SINCE_7_2),
            ("CLIENT SETINFO LIB-VER 8.1.0", SINCE_7_2),
            ("SELECT 1", OK),
            ("PING", PONG),
        ],
    ),
    Handshake(
        "redis-py 8, RESP2",
        [
            ("CLIENT SETINFO LIB-NAME redis-py", SINCE_7_2),
            ("CLIENT SETINFO LIB-VER 8.1.0", SINCE_7_2),
            ("PING", PONG),
        ],
    ),
    Handshake(
        "ioredis 6",
        [
            ("hello 3", GREETING_3),
            ("select 1", OK),
            ("client setname me", OK),
            ("client SETINFO LIB-VER 6.0.0", SINCE_7_2),
            ("client SETINFO LIB-NAME ioredis", SINCE_7_2),
            ("info", READY),
            ("ping", PONG),
        ],
    ),
    Handshake(
        "node-redis 6",
        [
            ("HELLO 3 SETNAME me", GREETING_3),
            ("SELECT 1", OK),
            ("CLIENT SETINFO LIB-VER 6.3.1", SINCE_7_2),
            ("CLIENT SETINFO LIB-NAME node-redis", SINCE_7_2),
            ("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type external-ip", ANYTHING),
            ("PING", PONG),
        ],
    ),
    Handshake(
        "Jedis 8",
        [
            ("HELLO 3", GREETING_3),
            ("CLIENT SETNAME me", OK),
            ("CLIENT SETINFO LIB-NAME jedis", SINCE_7_2),
            ("CLIENT SETINFO LIB-VER 8.0.0", SINCE_7_2),
            ("SELECT 3", OK),
        ],
    ),
    Handshake(
        "Lettuce 7",
        [
            ("HELLO 3 SETNAME me", GREETING_3),
            ("SELECT 1", OK),
            ("CLIENT SETINFO LIB-NAME Lettuce", SINCE_7_2),
            ("CLIENT SETINFO LIB-VER 7.8.0", SINCE_7_2),
            ("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type none", ANYTHING),
            ("PING", PONG),
        ],
    ),
    Handshake("Lettuce 7, RESP2", [("HELLO 2", GREETING_2), ("PING", PONG), ("SELECT 1", OK)]),
    Handshake(
        "go-redis 9",
        [
            ("hello 3 setname me", GREETING_3),
            ("select 1", OK),
            ("client setname me", OK),
            ("client maint_notifications on moving-endpoint-type internal-ip", ANYTHING),
            ("client setinfo LIB-NAME go-redis(,go1.25)", SINCE_7_2),
            ("client setinfo LIB-VER 9.22.0", SINCE_7_2),
        ],
    ),
    Handshake("celery", [("PING", PONG), ("HELLO 3", GREETING_3), ("SELECT 1", OK)]),
    Handshake("rq", [("INFO", READY), ("CLIENT LIST", TEXT), ("CLIENT SETNAME worker", OK)]),
    Handshake("BullMQ", [("INFO", READY), ("INFO", rb".*\r\nmaxmemory_policy:noeviction\r\n.*")]),
    Handshake(
        "RedisInsight",
        [
            ("INFO", READY),
            ("MODULE LIST", ANYTHING),
            ("COMMAND INFO get", ARRAY),
            ("CONFIG GET databases", rb"\*2\r\n\$9\r\ndatabases\r\n\$2\r\n16\r\n"),
            ("CLIENT LIST", TEXT),
            ("DBSIZE", NUMBER),
            ("SCAN 0 MATCH * COUNT 500 TYPE string", ARRAY),
            ("TYPE k", rb"\+none\r\n"),
            ("TTL k", rb":-2\r\n"),
            ("MEMORY USAGE k", NOTHING),
            ("SLOWLOG GET 50", ARRAY),
            ("CONFIG GET slowlog-*", ARRAY),
            ("PSUBSCRIBE *", rb"\*3\r\n\$10\r\npsubscribe\r\n\$1\r\n\*\r\n:1\r\n"),
        ],
    ),
]

# The same with a password; the server's is "secret".
WITH_PASSWORD = [
    Handshake("redis-cli -a secret", [("AUTH secret", OK), ("PING", PONG)]),
    Handshake(
        "redis-cli --user default -a secret -3", [("AUTH default secret", OK), ("HELLO 3", GREETING_3)]
    ),
    Handshake("redis-py 8", [("HELLO 3 AUTH default secret", GREETING_3), ("PING", PONG)]),
    Handshake("redis-py 8, RESP2", [("AUTH secret", OK), ("PING", PONG)]),
    Handshake("ioredis 6", [("hello 3 auth default secret", GREETING_3), ("info", READY)]),
    Handshake("node-redis 6", [("HELLO 3 AUTH default secret SETNAME me", GREETING_3), ("SELECT 1", OK)]),
    Handshake("Jedis 8", [("HELLO 3 AUTH default secret", GREETING_3), ("CLIENT SETNAME me", OK)]),
    Handshake("Lettuce 7", [("HELLO 3 AUTH default secret SETNAME me", GREETING_3), ("SELECT 1", OK)]),
    Handshake("go-redis 9", [("hello 3 auth default secret setname me", GREETING_3), ("select 1", OK)]),
    Handshake(
        "celery", [("PING", rb"-NOAUTH .*"), ("HELLO 3 AUTH default secret", GREETING_3), ("PING", PONG)]
    ),
    Handshake(
        "a wrong password", [("HELLO 3 AUTH default wrong", rb"-WRONGPASS .*"), ("GET k", rb"-NOAUTH .*")]
    ),
]

# What clients, exporters and test suites read out of INFO.
INFO_FIELDS = [
    "redis_version",
    "redis_mode",
    "arch_bits",
    "os",
    "process_id",
    "uptime_in_seconds",
    "connected_clients",
    "blocked_clients",
    "used_memory",
    "maxmemory",
    "maxmemory_policy",
    "total_connections_received",
    "total_commands_processed",
    "instantaneous_ops_per_sec",
    "keyspace_hits",
    "keyspace_misses",
    "expired_keys",
    "evicted_keys",
    "total_error_replies",
    "rdb_changes_since_last_save",
    "rdb_bgsave_in_progress",
    "aof_enabled",
    "loading",
    "role",
    "connected_slaves",
    "master_repl_offset",
    "tracking_total_keys",
    "lazyfree_pending_objects",
    "cluster_enabled",
    "mem_allocator",
]
INFO_SECTIONS = [
    "server",
    "clients",
    "memory",
    "stats",
    "replication",
    "cpu",
    "commandstats",
    "latencystats",
    "errorstats",
]
