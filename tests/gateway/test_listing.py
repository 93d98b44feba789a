import pytest

from tests.gateway.visitor import HttpHarness


@pytest.fixture
def http() -> HttpHarness:
    http = HttpHarness()
    client, visitor = http.client(), http.visitor()
    for number in range(300):
        client("SET", f"user:{number}", "x")
    client("SET", b"\xff\xfe", "x")
    visitor("PUT", "/v1/keys/typed", b"1", content_type="text/plain", cache_tags="x")
    return http


def walk(http: HttpHarness, query: str) -> list[object]:
    visitor, cursor, found = http.visitor(), "0", []
    while True:
        page = visitor("GET", f"/v1/keys?cursor={cursor}{query}").json
        found += page["keys"]
        cursor = page["cursor"]
        if cursor == "0":
            return found


def test_a_walk_meets_every_key_and_none_of_ours(http: HttpHarness) -> None:
    found = walk(http, "&count=50")
    assert len(found) == 302
    assert {"base64": "//4="} in found
    assert "typed" in found
    assert sorted(map(str, walk(http, "&match=user:1?"))) == [f"user:{number}" for number in range(10, 20)]


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=-1", "cursor=²", "cursor=" + "9" * 21, "count=0", "count=1001", "count=x"]
)
def test_other_questions_are_refused(http: HttpHarness, query: str) -> None:
    target = "/v1/keys?" + "".join(f"%{byte:02x}" if byte > 127 else chr(byte) for byte in query.encode())
    assert http.visitor()("GET", target).status == 400


def test_a_cursor_that_no_walk_has_given_is_the_clients_fault(http: HttpHarness) -> None:
    assert http.visitor()("GET", "/v1/keys?cursor=99999999999999999999").status == 400


def test_keys_are_deleted_by_pattern_with_what_belongs_to_them(http: HttpHarness) -> None:
    assert http.visitor()("DELETE", "/v1/keys?match=user:1*").json == {"deleted": 111}
    assert http.visitor()("DELETE", "/v1/keys?match=nothing").json == {"deleted": 0}
    assert http.visitor()("DELETE", "/v1/keys?match=*").json == {"deleted": 191}
    assert http.client()("KEYS *") == [b"respcache:tag:x"]


def test_others_get_their_turn_meanwhile(http: HttpHarness) -> None:
    session = http.visitor().session
    session.receive(b"DELETE /v1/keys?match=* HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert session.is_hungry
    assert 0 < http.client()("DBSIZE") < 304


@pytest.mark.parametrize("query", ["", "?match=", "?tag=", "?match=a&tag=b"])
def test_nothing_is_deleted_by_mistake(http: HttpHarness, query: str) -> None:
    assert http.visitor()("DELETE", f"/v1/keys{query}").status == 400
    assert http.client()("DBSIZE") == 304
