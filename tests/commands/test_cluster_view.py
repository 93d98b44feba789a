import pytest

from tests.commands.cluster import peer


@pytest.mark.parametrize(
    ("host", "bus_host", "told"),
    [
        ("cache.example", "10.0.0.1", "cache.example"),
        ("0.0.0.0", "10.0.0.1", "10.0.0.1"),
        ("::", "10.0.0.1", "10.0.0.1"),
        ("", "10.0.0.1", "10.0.0.1"),
        ("*", "0.0.0.0", ""),
    ],
)
def test_nobody_is_told_a_host_that_cannot_be_reached(host: str, bus_host: str, told: str) -> None:
    assert peer(1, host=host, bus_host=bus_host).advertised_host == told


def test_the_cluster_port_is_told_where_there_is_one() -> None:
    assert peer(1, port=7001, cluster_port=8001).advertised_port == 8001
    assert peer(1, port=7001).advertised_port == 7001
