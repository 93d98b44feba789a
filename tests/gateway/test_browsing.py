from typing import Any
from urllib.parse import quote

import pytest

from tests.gateway.visitor import HttpHarness


@pytest.fixture
def http() -> HttpHarness:
    http = HttpHarness()
    client = http.client()
    for number in range(250):
        client("SET", f"user:{number}", "x" * number)
    client("HSET cart:1 sku A-1 count 2")
    client("SET session:1 token PX 9000")
    return http


def page(http: HttpHarness, query: str = "") -> Any:
    answer = http.visitor()("GET", f"/v1/browse?{query}")
    assert answer.status == 200, answer.body
    return answer.json


def names(told: Any) -> list[Any]:
    return [one["key"] for one in told["keys"]]


def test_a_page_has_the_facts_of_its_keys(http: HttpHarness) -> None:
    [cart] = page(http, "match=cart:*")["keys"]
    size = http.client()("MEMORY USAGE cart:1")
    assert cart == {
        "key": "cart:1",
        "path": "cart%3A1",
        "type": "hash",
        "ttl_ms": None,
        "bytes": size,
        "encoding": "listpack",
        "length": 2,
    }
    [session] = page(http, "match=session:*")["keys"]
    assert (session["ttl_ms"], session["length"], session["encoding"]) == (9000, 5, "embstr")


def test_pages_together_have_every_key(http: HttpHarness) -> None:
    found, cursor, pages = [], "0", 0
    while True:
        told = page(http, f"cursor={cursor}&count=40")
        found += names(told)
        assert told["total"] == 252
        assert len(told["keys"]) <= 40
        pages += 1
        cursor = told["cursor"]
        if cursor == "0":
            break
    assert len(found) == len(set(found)) == 252
    assert pages >= 6


def test_a_name_in_full_is_found_without_looking_through_the_others(http: HttpHarness) -> None:
    told = page(http, "match=user:77")
    assert (names(told), told["looked_at"], told["cursor"]) == (["user:77"], 1, "0")
    assert names(page(http, "match=user:77&type=hash")) == []
    assert names(page(http, "match=nobody")) == []


def test_a_type_can_be_chosen(http: HttpHarness) -> None:
    assert names(page(http, "type=hash")) == ["cart:1"]
    assert names(page(http, "type=stream")) == []


def test_a_long_search_gives_others_their_turn_and_ends_in_time(
    http: HttpHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("respcache.gateway.browsing.STEP_PLACES", 10)
    monkeypatch.setattr("respcache.gateway.browsing.PAGE_S", 1000.0)
    session = http.visitor().session
    session.receive(b"GET /v1/browse?match=nothing* HTTP/1.1\r\nHost: localhost\r\n\r\n")
    turns = 0
    while session.is_hungry:
        turns += 1
        session.resume()
    assert turns == 25
    monkeypatch.setattr("respcache.gateway.browsing.PAGE_S", -1.0)
    told = page(http, "match=nothing*")
    assert (told["looked_at"], told["keys"]) == (10, [])
    assert told["cursor"] != "0"


def test_a_search_ends_with_its_client(http: HttpHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respcache.gateway.browsing.STEP_PLACES", 10)
    visitor = http.visitor()
    visitor.session.receive(b"GET /v1/browse?match=nothing* HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert visitor.session.is_hungry
    visitor.close()
    assert not visitor.session.is_hungry


def test_what_the_server_notes_for_itself_is_not_listed(http: HttpHarness) -> None:
    http.visitor()("PUT", "/v1/keys/typed", b"1", content_type="text/plain")
    assert len(http.client()("KEYS *typed*")) == 2
    assert names(page(http, "match=*typed*")) == ["typed"]


def test_names_may_have_any_bytes(http: HttpHarness) -> None:
    http.client()("SET", b"\xff/ \xfe", "x")
    [found] = [one for one in page(http, "count=500")["keys"] if isinstance(one["key"], dict)]
    assert found["key"] == {"base64": "/y8g/g=="}
    assert found["path"] == "%FF%2F%20%FE"
    facts = http.visitor()("GET", f"/v1/keys/{found['path']}/facts").json
    assert facts == found


def test_facts_of_one_key(http: HttpHarness) -> None:
    visitor = http.visitor()
    assert visitor("GET", "/v1/keys/user%3A9/facts").json["length"] == 9
    assert visitor("GET", "/v1/keys/nobody/facts").status == 404


def test_fields_come_by_pages(http: HttpHarness) -> None:
    client, visitor = http.client(), http.visitor()
    for number in range(700):  # more than a hash holds that always comes whole
        client("HSET", "big", f"field:{number}", str(number))
    found, cursor = [], "0"
    while True:
        told = visitor("GET", f"/v1/keys/big/fields?cursor={cursor}&count=100").json
        found += told["fields"]
        cursor = told["cursor"]
        if cursor == "0":
            break
    assert len(found) == 700
    assert {"field": "field:5", "value": "5"} in found
    told = visitor("GET", "/v1/keys/cart%3A1/fields?match=sk*").json
    assert told == {"cursor": "0", "fields": [{"field": "sku", "value": "A-1"}]}
    assert visitor("GET", "/v1/keys/user%3A1/fields").status == 409


@pytest.mark.parametrize(
    "query",
    [
        *("count=0", "count=501", "count=x", "count=²", "cursor=x", "cursor=-1", "cursor=" + "9" * 21),
        "match=" + "x" * 1025,
    ],
)
def test_other_questions_are_refused(http: HttpHarness, query: str) -> None:
    assert http.visitor()("GET", f"/v1/browse?{quote(query, safe='=')}").status == 400
