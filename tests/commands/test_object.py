import pytest

from respcache.commands.object import encoding_of
from respcache.keyspace.entry import Value
from respcache.keyspace.hashes import Hash
from respcache.protocol.replies import ErrorReply
from tests.commands.harness import Harness, HarnessClient
from tests.rows import every_row

ADJUST = "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
LFU_IS_NOT = ErrorReply(
    "ERR", f"An LFU maxmemory policy is not selected, access frequency not tracked. {ADJUST}"
)
LFU_IS = ErrorReply("ERR", f"An LFU maxmemory policy is selected, idle time not tracked. {ADJUST}")


@every_row(
    ("value", "encoding"),
    [
        (b"0", "int"),
        (b"-9223372036854775808", "int"),
        (b"9223372036854775808", "embstr"),
        (b"", "embstr"),
        (b"01", "embstr"),
        (b"+1", "embstr"),
        (b"x" * 44, "embstr"),
        (b"x" * 45, "raw"),
        (b"1" * 5000, "raw"),
        (bytearray(b"1"), "raw"),
        (Hash(), "listpack"),
    ],
)
def test_a_value_has_the_encoding_redis_would_choose(value: Value, encoding: str) -> None:
    assert encoding_of(value) == encoding


def test_encodings_follow_changes(client: HarnessClient) -> None:
    client("SET k 1")
    assert client("OBJECT ENCODING k") == b"int"
    client("APPEND k 2")
    assert client("OBJECT ENCODING k") == b"raw"
    client("INCR k")
    assert client("OBJECT ENCODING k") == b"int"


@every_row("subcommand", ["ENCODING", "FREQ", "IDLETIME", "REFCOUNT"])
@every_row("policy", ["noeviction", "allkeys-lfu"])
def test_of_a_missing_key_there_is_nothing_to_say(subcommand: str, policy: str) -> None:
    assert Harness(maxmemory_policy=policy).client()(f"OBJECT {subcommand} none") is None


def test_idle_time_counts_seconds_and_asking_is_no_use(harness: Harness, client: HarnessClient) -> None:
    client("SET k v")
    harness.clock.advance(2999)
    for command in ("OBJECT ENCODING k", "EXISTS k", "TTL k", "TYPE k"):
        client(command)
    assert client("OBJECT IDLETIME k") == 2
    client("GET k")
    assert client("OBJECT IDLETIME k") == 0


def test_a_policy_keeps_times_or_counters() -> None:
    times, counters = (
        Harness(maxmemory_policy="allkeys-lru").client(),
        Harness(maxmemory_policy="volatile-lfu").client(),
    )
    times("SET k v")
    counters("SET k v")
    assert [times("OBJECT FREQ k"), times("OBJECT IDLETIME k")] == [LFU_IS_NOT, 0]
    assert [counters("OBJECT FREQ k"), counters("OBJECT IDLETIME k")] == [5, LFU_IS]


def test_a_counter_grows_with_use_and_decays_without() -> None:
    harness = Harness(maxmemory_policy="allkeys-lfu", lfu_log_factor="0", lfu_decay_time="2")
    client = harness.client()
    client("SET k v")
    for _ in range(5):
        client("GET k")
    assert client("OBJECT FREQ k") == 10
    harness.clock.advance(7 * 60_000)
    assert client("OBJECT FREQ k") == 7


@pytest.mark.parametrize(
    ("settings", "references"),
    [
        ({}, 2**31 - 1),
        ({"maxmemory": "100mb", "maxmemory_policy": "allkeys-random"}, 2**31 - 1),
        ({"maxmemory": "100mb", "maxmemory_policy": "allkeys-lru"}, 1),
        ({"maxmemory": "0", "maxmemory_policy": "allkeys-lfu"}, 2**31 - 1),
    ],
)
def test_small_numbers_are_shared_unless_each_key_notes_its_uses(
    settings: dict[str, str], references: int
) -> None:
    client = Harness(None, **settings).client()
    client("MSET number 9999 large 10000 negative -1 word abc")
    assert client("OBJECT REFCOUNT number") == references
    assert [client(f"OBJECT REFCOUNT {key}") for key in ("large", "negative", "word")] == [1, 1, 1]


def test_help_explains_every_subcommand(client: HarnessClient) -> None:
    lines = client("OBJECT HELP")
    assert lines[0].startswith(b"OBJECT <subcommand>")
    assert [line.split()[0] for line in lines if not line.startswith((b" ", b"OBJECT"))] == [
        b"ENCODING",
        b"FREQ",
        b"IDLETIME",
        b"REFCOUNT",
        b"HELP",
    ]


def test_all_facts_of_a_key_come_at_once(client: HarnessClient) -> None:
    client("SET word hello PX 5000")
    client("HSET user name Ada born 1815")
    size = client("MEMORY USAGE word")
    assert client("OBJECT FACTS word") == [b"string", 5000, size, b"embstr", 5]
    size = client("MEMORY USAGE user")
    assert client("OBJECT FACTS user") == [b"hash", -1, size, b"listpack", 2]
    assert client("OBJECT FACTS nothing") is None


def test_a_look_at_the_facts_is_no_use_of_the_key() -> None:
    harness = Harness()
    client = harness.client()
    client("SET k v")
    harness.clock.advance(60_000)
    hits = harness.node.statistics.keyspace_hits
    client("OBJECT FACTS k")
    assert client("OBJECT IDLETIME k") == 60
    assert harness.node.statistics.keyspace_hits == hits
