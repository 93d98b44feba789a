from respcache.commands.cluster_view import Link
from tests.commands.cluster import cluster_of_two
from tests.commands.harness import Harness, HarnessClient


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
