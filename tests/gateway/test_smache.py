import pytest

from respcache.gateway.smache import Homes
from respcache.keyspace.slots import key_slot
from tests.commands.cluster import cluster_of_two
from tests.gateway.visitor import HttpHarness, Visitor


@pytest.mark.parametrize("data", [None, 1, "text", [1, {"a": None}], {"b": "ü"}, True, 1.5])
def test_what_is_stored_comes_back(visitor: Visitor, data: object) -> None:
    assert visitor("POST", "/api", {"key": "k", "data": data}).json == {"data": data}
    assert visitor("GET", "/api?key=k").json == {"key": "k", "node": "test", "data": data}


def test_a_miss_is_null(visitor: Visitor) -> None:
    answer = visitor("GET", "/api?key=k")
    assert (answer.status, answer.json["data"]) == (200, None)


def test_numbers_and_strings_are_keys_without_collisions(visitor: Visitor) -> None:
    for key in (1, "01", "1.0", "one", -1):
        visitor("POST", "/api", {"key": key, "data": f"of {key}"})
    assert visitor("GET", "/api?key=1").json["data"] == "of 1"
    assert visitor("GET", "/api?key=01").json["data"] == "of 01"
    assert visitor("GET", "/api?key=-1").json["data"] == "of -1"


@pytest.mark.parametrize("key", [None, "", True, 1.5, [], {}])
def test_other_keys_are_refused(visitor: Visitor, key: object) -> None:
    assert visitor("POST", "/api", {"key": key, "data": 1}).status == 403


@pytest.mark.parametrize("target", ["/api", "/api?key=", "/api?key=null", "/api?kye=1"])
def test_questions_without_a_key_are_refused(visitor: Visitor, target: str) -> None:
    answer = visitor("GET", target)
    assert answer.status == 403
    assert answer.json["detail"]


def test_a_body_without_a_key_is_refused(visitor: Visitor) -> None:
    assert visitor("POST", "/api", {"data": 1}).status == 403
    assert visitor("POST", "/api", []).status == 400
    assert visitor("POST", "/api", b"{").status == 400


def test_what_a_redis_client_has_written_is_told_as_it_is(http: HttpHarness, visitor: Visitor) -> None:
    http.client()("SET", "k", b"plain text")
    http.client()("SET", b"\xff", b"\xff")
    assert visitor("GET", "/api?key=k").json["data"] == "plain text"
    assert visitor("GET", "/api?key=%FF").json == {
        "key": {"base64": "/w=="},
        "node": "test",
        "data": {"base64": "/w=="},
    }
    http.client()("HSET h f 1")
    assert visitor("GET", "/api?key=h").status == 409


def test_what_is_nested_too_deeply_is_refused(visitor: Visitor) -> None:
    deep = b"[" * 5000 + b"]" * 5000
    assert visitor("POST", "/api", b'{"key":"k","data":' + deep + b"}").status == 400


def test_it_is_healthy_without_a_password() -> None:
    visitor = HttpHarness(requirepass="sesame").visitor()
    assert visitor("GET", "/healthcheck").json == {}
    assert visitor("GET", "/api?key=k").status == 401
    assert visitor("GET", "/api?key=k", authorization="Bearer sesame").status == 200


@pytest.mark.parametrize(
    "data", ["1.50", "123456789012345678901234567890", "1e400", '{"b": 1,  "a": [1.0]}', '"\\u00e9"']
)
def test_data_comes_back_as_it_was_spelled(visitor: Visitor, data: str) -> None:
    stored = visitor("POST", "/api", b'{"key":"k","data": %b }' % data.encode())
    assert stored.body == b'{"data":%b}' % data.encode()
    assert visitor("GET", "/api?key=k").body.endswith(b'"data":%b}' % data.encode())


@pytest.mark.parametrize(
    "data", [b"[1,}", b"01", b'"\\x"', b'"\\ud800"', b'"\xff"', b"nul", b"[" * 5000, b"1,"]
)
def test_what_is_no_json_is_refused(visitor: Visitor, data: bytes) -> None:
    assert visitor("POST", "/api", b'{"key":"k","data":%b}' % data).status == 400
    assert visitor("GET", "/api?key=k").json["data"] is None


def test_text_that_only_looks_like_json_is_text(http: HttpHarness, visitor: Visitor) -> None:
    for value, told in ((b'"\xff"', {"base64": "Iv8i"}), (b"[1", "[1"), (b"", ""), (b"1 2", "1 2")):
        http.client()("SET", "k", value)
        assert visitor("GET", "/api?key=k").json["data"] == told


def test_alone_a_node_names_itself(http: HttpHarness) -> None:
    assert Homes(http.node, "here").name_of(b"k") == "here"


def test_in_a_cluster_an_answer_names_the_node_that_has_the_key(http: HttpHarness, visitor: Visitor) -> None:
    cluster = http.node.cluster = cluster_of_two()
    first, second = cluster.members
    low = next(key for key in "abcdefgh" if key_slot(key.encode()) < 8192)
    high = next(key for key in "abcdefgh" if key_slot(key.encode()) >= 8192)
    told = [visitor("GET", f"/api?key={key}").json["node"] for key in (low, high, low)]
    assert told == [first.address, second.address, first.address]
    cluster.spans = [(0, 16383, (second,))]
    cluster.version += 1
    assert visitor("GET", f"/api?key={low}").json["node"] == second.address
    cluster.spans = []
    cluster.version += 1
    assert visitor("GET", f"/api?key={low}").json["node"] == "test"
