import io

import pytest
from rich.console import Console

from respcache.app.bench import Load, Result, run_bench, table
from respcache.app.client import Address, ClientError
from tests.app.fakes import scripted_server
from tests.servers import Server, free_port


def test_percentiles_are_taken_from_the_sorted_latencies() -> None:
    result = Result("GET", 100, 2.0, [number / 1000 for number in range(1, 101)])
    assert result.per_second == 50
    assert [result.percentile_ms(percent) for percent in (0, 50, 99, 100)] == [1, 51, 100, 100]


def test_the_table_shows_a_line_for_each_command() -> None:
    console = Console(file=io.StringIO(), width=120)
    console.print(table([Result("SET", 10_000, 0.5, [0.001])]))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert all(text in shown for text in ("SET", "10,000", "20,000", "1.00"))


def test_nobody_there_is_told() -> None:
    with pytest.raises(ClientError, match="cannot reach"):
        run_bench(Address(port=free_port()), Load(10, 2, 1, 3))


def test_an_error_reply_ends_the_load() -> None:
    refusal = b"-NOAUTH Authentication required.\r\n"
    with scripted_server([refusal], [refusal]) as address, pytest.raises(ClientError, match="NOAUTH"):
        run_bench(address, Load(10, 1, 1, 3))


@pytest.mark.redis
def test_all_requests_are_made_and_the_keys_are_removed(redis_server: Server) -> None:
    with redis_server.client() as client:
        before = client.call("DBSIZE")
        results = run_bench(Address(port=redis_server.port), Load(1003, 5, 4, 10))
        assert [(result.name, result.requests) for result in results] == [("SET", 1003), ("GET", 1003)]
        assert all(len(result.latencies_s) >= 1003 / 4 for result in results)
        assert client.call("DBSIZE") == before


def test_respcache_itself_can_be_loaded(respcache_server: Server) -> None:
    with respcache_server.client() as client:
        before = client.call("DBSIZE")
        results = run_bench(Address(port=respcache_server.port), Load(200, 3, 1, 10))
        assert all(result.per_second > 0 for result in results)
        assert client.call("DBSIZE") == before
