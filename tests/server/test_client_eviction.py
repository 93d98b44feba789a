"""Who goes when clients' buffers together take too much."""

from respcache.server.client_eviction import buffer_bytes, clients_to_evict
from tests.commands.harness import Harness, HarnessClient


def holding(harness: Harness, size: int) -> HarnessClient:
    """Return a client that has sent this much of a value that is not complete."""
    client = harness.client()
    client.session.receive(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n" + b"x" * size)
    return client


def test_the_largest_go_until_the_others_fit() -> None:
    harness = Harness()
    small, large, larger = (holding(harness, size) for size in (1_000, 50_000, 90_000))
    assert clients_to_evict(harness.node.clients, 60_000) == [larger.record]
    assert clients_to_evict(harness.node.clients, 2_000) == [larger.record, large.record]
    assert small.record in clients_to_evict(harness.node.clients, 1)


def test_nobody_goes_without_a_limit_or_below_it() -> None:
    harness = Harness()
    holding(harness, 50_000)
    assert clients_to_evict(harness.node.clients, 0) == []
    assert clients_to_evict(harness.node.clients, 1_000_000) == []


def test_whoever_asked_to_stay_stays() -> None:
    harness = Harness()
    spared, other = harness.client(), holding(harness, 10_000)
    spared("CLIENT NO-EVICT on")
    spared.session.receive(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n" + b"x" * 90_000)
    assert clients_to_evict(harness.node.clients, 20_000) == [other.record]


def test_unsent_output_counts() -> None:
    client = Harness().client()
    client("SET", "a", "x" * 5_000)
    client.session.receive(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n")
    assert buffer_bytes(client.record) > 5_000


def test_what_waits_for_exec_counts() -> None:
    client = Harness().client()
    client("MULTI")
    client("SET", "a", "x" * 5_000)
    assert buffer_bytes(client.record) > 5_000
