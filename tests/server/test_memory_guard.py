"""maxmemory: who must make room, who is refused, who does not care."""

import pytest

from tests.commands.harness import Harness


def fill(harness: Harness, keys: int) -> None:
    client = harness.client()
    for number in range(keys):
        client("SET", f"key:{number}", "x" * 1000)


def test_under_noeviction_writes_are_refused_and_the_rest_goes_on() -> None:
    harness = Harness(maxmemory="100kb", maxmemory_policy="noeviction")
    fill(harness, 200)
    client = harness.client()
    reply = client("SET a 1")
    assert (reply.code, reply.message) == ("OOM", "command not allowed when used memory > 'maxmemory'.")
    assert client("GET key:0") == b"x" * 1000
    assert client("DEL key:0 key:1") == 2
    assert client("SET a 1") == b"OK"


def test_under_an_evicting_policy_memory_stays_at_the_limit() -> None:
    harness = Harness(maxmemory="100kb")
    fill(harness, 1000)
    assert harness.node.keyspace.used_bytes <= 102_400 + 2_000
    assert harness.node.statistics.evicted_keys > 800


def test_without_a_limit_no_command_pays() -> None:
    harness = Harness()
    assert harness.dispatcher.fast[b"SET"].run is harness.node.table["SET"].run


def test_a_limit_set_at_run_time_holds_from_then_on() -> None:
    harness = Harness()
    fill(harness, 200)
    client = harness.client()
    client("CONFIG SET maxmemory 50kb")
    for _ in range(20):
        client("SET a 1")
    assert harness.node.keyspace.used_bytes <= 51_200 + 2_000


def test_a_limit_taken_away_is_forgotten() -> None:
    harness = Harness(maxmemory="1kb", maxmemory_policy="noeviction")
    client = harness.client()
    fill(harness, 3)
    assert client("SET a 1").code == "OOM"
    client("CONFIG SET maxmemory 0")
    assert client("SET a 1") == b"OK"


def test_far_from_the_limit_not_every_write_counts() -> None:
    harness = Harness(maxmemory="100mb")
    client = harness.client()
    for number in range(300):
        assert client("SET", f"a{number}", "1") == b"OK"


def test_what_is_not_counted_never_passes_the_limit_by_more_than_a_few_commands() -> None:
    harness = Harness(maxmemory="300kb", maxmemory_policy="noeviction")
    client = harness.client()
    for number in range(2_000):
        client("SET", f"key:{number}", "x" * (number % 400))
    assert 300 * 1024 - 2_000 < harness.node.keyspace.used_bytes < 300 * 1024 + 2_000


@pytest.mark.parametrize("line", ["SETRANGE k{} 500000 x", "COPY big k{}"])
def test_what_stores_more_than_its_words_is_counted_each_time(line: str) -> None:
    harness = Harness(maxmemory="10mb")
    client = harness.client()
    for number in range(100):
        client("SET", "big", "x" * 500_000)
        client(line.format(number))
    assert harness.node.keyspace.used_bytes < (10 << 20) + 600_000
    assert harness.node.statistics.evicted_keys > 50


def test_who_makes_room_makes_enough_for_the_next_few() -> None:
    harness = Harness(maxmemory="16mb")
    fill(harness, 16_000)
    client = harness.client()
    before = harness.node.statistics.evicted_keys
    client("SET", "a", "x" * 1000)
    made = [harness.node.statistics.evicted_keys]
    for number in range(100):
        client("SET", f"b{number}", "x" * 1000)
        made.append(harness.node.statistics.evicted_keys)
    assert made[-1] - before >= 80
    assert len(set(made)) < 20, "in a few goes"


def test_queued_writes_are_refused_as_they_are_queued() -> None:
    harness = Harness(maxmemory="1kb", maxmemory_policy="noeviction")
    fill(harness, 3)
    client = harness.client()
    client("MULTI")
    assert client("SET a 1").code == "OOM"
    assert client("EXEC").code == "EXECABORT"
