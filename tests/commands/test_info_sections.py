from respcache.commands.cluster_view import Link
from respcache.commands.info_sections import average_life_ms, lines_of, uptime_seconds
from tests.commands.cluster import cluster_of_two
from tests.commands.harness import Harness, HarnessClient


def test_a_field_is_a_line() -> None:
    assert list(lines_of({"loading": 0, "role": "master"})) == ["loading:0", "role:master"]


def test_without_deadlines_there_is_no_mean_life(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1")
    assert average_life_ms(harness.node.keyspace.databases[0]) == 0


def test_the_mean_life_of_many_keys_is_estimated_from_some(harness: Harness, client: HarnessClient) -> None:
    for number in range(2000):
        client(f"SET {number} v EX 100")
    client("SET without-deadline v")
    assert average_life_ms(harness.node.keyspace.databases[0]) == 100_000


def test_what_is_due_and_not_yet_swept_has_no_life_left(harness: Harness, client: HarnessClient) -> None:
    client("SET a 1 PX 10")
    client("SET b 1 PX 4000")
    harness.clock.advance(2_000)
    assert average_life_ms(harness.node.keyspace.databases[0]) == 1_000


def test_the_uptime_is_counted_from_the_start(harness: Harness) -> None:
    harness.clock.advance(61_999)
    assert uptime_seconds(harness.node) == 61


def test_copies_are_memory_in_use_that_maxmemory_does_not_limit(
    harness: Harness, client: HarnessClient
) -> None:
    def fields() -> dict[bytes, int]:
        lines = (line.partition(b":") for line in client("INFO memory").splitlines())
        return {name: int(value) for name, _, value in lines if value.isdigit()}

    alone = fields()
    view = cluster_of_two()
    view.copies_bytes, view.unacknowledged_bytes = 1_000_000, 500
    view.connections = [Link("2" * 40, is_outgoing=True, opened_ms=7, queued_bytes=30)]
    harness.node.cluster = view
    found = fields()
    assert found[b"used_memory"] == alone[b"used_memory"] + 1_000_500
    assert found[b"mem_not_counted_for_evict"] == alone[b"mem_not_counted_for_evict"] + 1_000_500
    assert found[b"mem_cluster_copies"] == 1_000_000
    assert found[b"mem_total_replication_buffers"] == 500
    assert found[b"mem_cluster_links"] == 30
