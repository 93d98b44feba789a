import pytest

from tests.gateway.visitor import HttpHarness


@pytest.fixture
def http() -> HttpHarness:
    http = HttpHarness(http_read_only="yes")
    http.client()("SET a 1")
    return http


@pytest.mark.parametrize(
    "command",
    [
        *(["SET", "a", "2"], ["DEL", "a"], ["EXPIRE", "a", 1], ["FLUSHALL"], ["SHUTDOWN"]),
        *(["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "http-read-only", "no"]),
        ["DEBUG", "SLEEP", "0"],
    ],
)
def test_nothing_can_be_changed(http: HttpHarness, command: list[object]) -> None:
    answer = http.visitor()("POST", "/v1/commands", command)
    assert answer.status == 403
    assert b"READONLY" in answer.body
    assert http.client()("GET a") == b"1"


def test_no_address_is_a_way_round(http: HttpHarness) -> None:
    visitor = http.visitor()
    assert visitor("PUT", "/v1/keys/a", b"2").status == 403
    assert visitor("PUT", "/v1/keys/a", b"2", if_match="*").status == 403
    assert visitor("DELETE", "/v1/keys/a").status == 403
    assert visitor("DELETE", "/v1/keys?match=*").status == 403
    assert visitor("PATCH", "/v1/keys/a/ttl", {"ttl": 1}).status == 403
    assert visitor("POST", "/api", {"key": "a", "data": 2}).status == 403
    [refused] = visitor("POST", "/v1/batch", [["SET", "a", "2"]]).json
    assert refused["error"].startswith("READONLY")
    assert http.client()("GET a") == b"1"
    assert http.client()("TTL a") == -1


def test_everything_can_be_read(http: HttpHarness) -> None:
    visitor = http.visitor()
    assert visitor("GET", "/v1/keys/a").body == b"1"
    assert visitor("POST", "/v1/commands", ["GET", "a"]).json == {"result": "1"}
    assert visitor("GET", "/v1/browse").json["total"] == 1
    assert visitor("POST", "/v1/commands", ["NOSUCH"]).status == 400


def test_it_can_be_switched_while_the_server_runs(http: HttpHarness) -> None:
    http.client()("CONFIG SET http-read-only no")
    assert http.visitor()("PUT", "/v1/keys/a", b"2").status == 204
    assert not http.visitor()("GET", "/v1/status").json["node"]["read_only"]
    http.client()("CONFIG SET http-read-only yes")
    assert http.visitor()("PUT", "/v1/keys/a", b"3").status == 403
