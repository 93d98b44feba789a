import pytest

from respcache.commands.accounting import client_bytes, entry_bytes, human_size, memory_figures
from tests.commands.harness import Harness


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1.00K"),
        (1212384, "1.16M"),
        (25276518400, "23.54G"),
        (1 << 41, "2.00T"),
        (1 << 62, "4096.00P"),
    ],
)
def test_sizes_are_written_as_redis_writes_them(count: int, text: str) -> None:
    assert human_size(count) == text


def test_all_keys_together_are_what_each_takes() -> None:
    harness = Harness()
    client = harness.client()
    client("SET a 12345")
    client("SET b 1 EX 100")
    client("HSET c field value")
    db = harness.node.keyspace.databases[0]
    assert memory_figures(harness.node).data_bytes == sum(
        entry_bytes(db, entry) for entry in db.entries.values()
    )


def test_payload_overhead_and_clients_add_up() -> None:
    harness = Harness()
    client = harness.client()
    client("SET key value")
    figures = memory_figures(harness.node)
    assert figures.payload_bytes == 8
    assert figures.clients_bytes == client_bytes(client.record)
    assert figures.used_bytes == figures.payload_bytes + figures.overhead_bytes
    assert figures.resident_bytes == figures.used_bytes + figures.fragmentation_bytes
