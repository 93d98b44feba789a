import pytest

from respcache import __version__
from respcache._speedups import DESCRIPTION
from tests.commands.harness import Harness, HarnessClient
from tests.commands.loaders import FakeControls
from tests.wire import RawClient, parse


def titles(text: bytes) -> list[str]:
    return [line[2:].decode() for line in text.split(b"\r\n") if line.startswith(b"# ")]


def fields(text: bytes) -> dict[str, str]:
    lines = [line.decode() for line in text.split(b"\r\n") if b":" in line]
    return dict(line.split(":", 1) for line in lines)


def theirs(real: RawClient, *sections: str) -> bytes:
    return parse(real.call("INFO", *sections)).text.removeprefix(b"txt:")


SELECTIONS = [
    "",
    "default",
    "all",
    "everything",
    "CPU keyspace",
    "nosuch",
    "nosuch server",
    "default commandstats",
]


@pytest.mark.redis
@pytest.mark.parametrize("line", SELECTIONS)
def test_the_sections_are_those_of_redis_and_three_of_ours(
    line: str, client: HarnessClient, real: RawClient
) -> None:
    ours = [title for title in titles(client(f"INFO {line}")) if title not in ("Owners", "Events", "Loading")]
    assert ours == titles(theirs(real, *line.split()))


@pytest.mark.redis
@pytest.mark.parametrize(
    "section",
    ["server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules", "cluster"],
)
def test_every_field_of_redis_is_there_in_its_order(
    section: str, client: HarnessClient, real: RawClient
) -> None:
    expected = list(fields(theirs(real, section)))
    ours = list(fields(client(f"INFO {section}")))
    assert [name for name in ours if name in expected] == expected


@pytest.mark.redis
def test_the_lines_have_the_shape_of_redis(client: HarnessClient, real: RawClient) -> None:
    assert client("INFO cluster") == theirs(real, "cluster")
    assert client("INFO nosuch") == theirs(real, "nosuch")
    assert client("INFO replication modules cluster").count(b"\r\n\r\n# ") == 2


def test_resp3_gets_a_text_and_resp2_a_string(harness: Harness, client: HarnessClient) -> None:
    assert client.raw("INFO cluster").startswith(b"=34\r\ntxt:# Cluster\r\n")
    assert harness.client(protocol=2).raw("INFO cluster").startswith(b"$30\r\n# Cluster\r\n")


def test_clients_learn_what_they_look_for_first(client: HarnessClient) -> None:
    told = fields(client("INFO"))
    expected = {
        "redis_version": "7.4.0",
        "respcache_version": __version__,
        "respcache_path": DESCRIPTION,
        "redis_mode": "standalone",
        "loading": "0",
        "role": "master",
        "cluster_enabled": "0",
        "maxmemory_policy": "allkeys-s3fifo",
    }
    assert {name: told[name] for name in expected} == expected


def test_keys_deadlines_and_their_mean_are_told_per_database(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1 PX 1000")
    client("SET b 1 PX 3000")
    client("SET c 1")
    client("SELECT 3")
    client("SET d 1")
    expected = {"db0": "keys=3,expires=2,avg_ttl=2000", "db3": "keys=1,expires=0,avg_ttl=0"}
    assert fields(client("INFO keyspace")) == expected


def test_hits_misses_and_commands_are_counted(client: HarnessClient) -> None:
    client("SET a 1")
    client("GET a")
    client("GET b")
    told = fields(client("INFO stats"))
    assert (told["keyspace_hits"], told["keyspace_misses"]) == ("1", "1")
    assert int(told["total_commands_processed"]) >= 3


def test_memory_grows_and_shrinks_with_the_data_and_remembers_its_peak(client: HarnessClient) -> None:
    empty = fields(client("INFO memory"))
    client("SET", "big", "v" * 200_000)
    full = fields(client("INFO memory"))
    client("SET big small")
    again = fields(client("INFO memory"))
    assert int(full["used_memory"]) - int(empty["used_memory"]) > 200_000
    assert int(full["used_memory_dataset"]) == 200_003
    assert int(again["used_memory"]) < 110_000 < int(again["used_memory_peak"])


def test_commands_errors_and_latencies_are_told_by_name(client: HarnessClient) -> None:
    client("SET a 1")
    client("HGET a f")
    told = fields(client("INFO everything"))
    assert told["cmdstat_set"].startswith("calls=1,usec=")
    assert told["cmdstat_hget"].endswith("failed_calls=1")
    assert told["errorstat_WRONGTYPE"] == "count=1"
    assert told["latency_percentiles_usec_set"].startswith("p50=")


def test_latencies_are_left_out_when_they_are_not_tracked() -> None:
    client = Harness(latency_tracking="no").client()
    client("PING")
    assert client("INFO latencystats") == b"# Latencystats\r\n"


def test_subscribers_and_watchers_are_counted(harness: Harness, client: HarnessClient) -> None:
    listener, watcher = harness.client(), harness.client()
    listener.send("SUBSCRIBE news")
    watcher("WATCH a b")
    told = fields(client("INFO clients"))
    assert [told[name] for name in ("connected_clients", "pubsub_clients", "watching_clients")] == [
        "3",
        "1",
        "1",
    ]
    assert told["total_watched_keys"] == "2"
    assert fields(client("INFO stats"))["pubsub_channels"] == "1"


def test_owners_and_event_sinks_have_sections_of_their_own(client: HarnessClient) -> None:
    assert fields(client("INFO owners"))["owners_awake"] == "0"
    assert fields(client("INFO events"))["events_sink_errors"] == "0"


@pytest.mark.parametrize("line", ["", "default", "all", "everything", "loading", "cpu"])
def test_loaders_are_told_of_where_there_are_some(line: str, harness: Harness, client: HarnessClient) -> None:
    always = line in ("everything", "loading")
    assert ("Loading" in titles(client(f"INFO {line}"))) is always
    harness.node.loads = FakeControls()
    assert ("Loading" in titles(client(f"INFO {line}"))) is (line != "cpu")
