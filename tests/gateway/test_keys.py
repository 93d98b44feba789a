import sys
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache.commands.resources import MOST_TAGGED, kind_key, version_of
from respcache.gateway.keys import LONGEST_KIND, etag
from tests.commands.harness import START_MS
from tests.gateway.visitor import HttpHarness, Visitor, request
from tests.thoroughness import examples

HELLO = etag(version_of(b"hello"))


def encoded(key: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in key)


def test_a_value_comes_back_as_it_was(visitor: Visitor) -> None:
    stored = visitor("PUT", "/v1/keys/a", b"hello", content_type="text/html; charset=utf-8")
    assert (stored.status, stored.headers["etag"], stored.body) == (201, HELLO, b"")
    assert visitor("PUT", "/v1/keys/a", b"hello", content_type="text/html; charset=utf-8").status == 204
    got = visitor("GET", "/v1/keys/a")
    assert (got.status, got.body) == (200, b"hello")
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert got.headers["etag"] == HELLO
    assert got.headers["cache-control"] == "no-cache"
    assert abs(parsedate_to_datetime(got.headers["date"]).timestamp() - START_MS / 1000) < 1


def test_a_page_that_somebody_stored_can_do_nothing_in_a_browser(visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a", b"<script>alert(1)</script>", content_type="text/html")
    headers = visitor("GET", "/v1/keys/a").headers
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"


@settings(max_examples=examples(50, 200))
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_key_can_hold_any_value(key: bytes, value: bytes) -> None:
    http = HttpHarness()
    visitor = http.visitor()
    assert visitor("PUT", f"/v1/keys/{encoded(key)}", value).status == 201
    assert http.client()("GET", key) == value
    assert visitor("GET", f"/v1/keys/{encoded(key)}").body == value
    assert visitor("DELETE", f"/v1/keys/{encoded(key)}").status == 204
    assert http.client()("DBSIZE") == 0


def test_a_chunked_body_is_a_value(http: HttpHarness, visitor: Visitor) -> None:
    head = request("PUT", "/v1/keys/a", headers={"Transfer-Encoding": "chunked"})
    assert visitor.send(head + b"3\r\nhel\r\n") == []
    assert [one.status for one in visitor.send(b"2\r\nlo\r\n0\r\n\r\n")] == [201]
    assert http.client()("GET a") == b"hello"


def test_a_miss_is_404_and_head_has_no_body(visitor: Visitor) -> None:
    assert visitor("GET", "/v1/keys/a").status == 404
    head = visitor("HEAD", "/v1/keys/a")
    assert (head.status, head.body) == (404, b"")
    visitor("PUT", "/v1/keys/a", b"hello")
    head = visitor("HEAD", "/v1/keys/a")
    assert (head.status, head.body, head.headers["content-length"], head.headers["etag"]) == (
        200,
        b"",
        "5",
        HELLO,
    )


def test_a_get_is_one_hit_and_asks_for_nothing_else(http: HttpHarness, visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a", b"hello", content_type="text/plain")
    visitor("GET", "/v1/keys/a")
    visitor("GET", "/v1/keys/b")
    statistics = http.node.statistics
    assert (statistics.keyspace_hits, statistics.keyspace_misses) == (1, 1)


def test_the_life_of_a_key_is_its_time_in_caches(http: HttpHarness, visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a?ttl=90.5", b"hello", content_type="text/plain")
    assert http.client()("PTTL a") == 90_500
    assert visitor("GET", "/v1/keys/a").headers["cache-control"] == "max-age=90"
    http.clock.now_ms += 90_500
    assert visitor("GET", "/v1/keys/a").status == 404
    http.sweep()
    assert http.client()("DBSIZE") == 0


@pytest.mark.parametrize("ttl", ["0", "-1", "x", "nan", "inf", "1e12", "0.0001"])
def test_a_life_is_a_number_of_seconds(http: HttpHarness, visitor: Visitor, ttl: str) -> None:
    assert visitor("PUT", f"/v1/keys/a?ttl={ttl}", b"1").status == 400
    assert http.client()("DBSIZE") == 0


def test_a_life_can_be_changed(http: HttpHarness, visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a", b"hello", content_type="text/plain")
    answer = visitor("PATCH", "/v1/keys/a/ttl", {"ttl": 60})
    assert (answer.status, answer.json) == (200, {"ttl": 60})
    http.clock.now_ms += 59_000
    got = visitor("GET", "/v1/keys/a")
    assert (got.headers["cache-control"], got.headers["content-type"]) == ("max-age=1", "text/plain")
    assert visitor("PATCH", "/v1/keys/a/ttl", {"ttl": None}).json == {"ttl": None}
    http.clock.now_ms += 10**9
    assert visitor("GET", "/v1/keys/a").headers["content-type"] == "text/plain"
    assert visitor("PATCH", "/v1/keys/b/ttl", {"ttl": 60}).status == 404


@pytest.mark.parametrize(
    "body", [{}, {"ttl": "1"}, {"ttl": True}, {"ttl": 0}, {"ttl": -1}, {"ttl": 1e300}, [], 1]
)
def test_other_lives_are_refused(visitor: Visitor, body: object) -> None:
    visitor("PUT", "/v1/keys/a", b"1")
    assert visitor("PATCH", "/v1/keys/a/ttl", body).status == 400


def test_a_value_of_somebody_else_has_no_type_rather_than_a_wrong_one(
    http: HttpHarness, visitor: Visitor
) -> None:
    visitor("PUT", "/v1/keys/a", b"{}", content_type="application/json")
    http.client()("SET a other")
    assert visitor("GET", "/v1/keys/a").headers["content-type"] == "application/octet-stream"


def test_a_type_cannot_smuggle_headers(http: HttpHarness, visitor: Visitor) -> None:
    name = kind_key(b"a")
    assert name is not None
    http.client()("SET a hello")
    http.client()("SET", name, version_of(b"hello") + b" text/html\r\nSet-Cookie: x")
    headers = visitor("GET", "/v1/keys/a").headers
    assert headers["content-type"] == "application/octet-stream"
    assert "set-cookie" not in headers


def test_a_type_has_a_bound(visitor: Visitor) -> None:
    assert visitor("PUT", "/v1/keys/a", b"1", content_type="x" * LONGEST_KIND).status == 201
    assert visitor("PUT", "/v1/keys/a", b"1", content_type="x" * (LONGEST_KIND + 1)).status == 400


def test_a_hash_is_a_json_object(http: HttpHarness, visitor: Visitor) -> None:
    http.client()("HSET a name Ada born 1815")
    got = visitor("GET", "/v1/keys/a")
    assert got.json == {"name": "Ada", "born": "1815"}
    assert got.headers["content-type"] == "application/json"
    assert visitor("GET", "/v1/keys/a", if_none_match=got.headers["etag"]).status == 304
    assert visitor("PUT", "/v1/keys/a", b"new", if_match=HELLO).status == 412
    assert visitor("PUT", "/v1/keys/a", b"new", if_match=got.headers["etag"]).status == 204


@pytest.mark.parametrize(
    ("text", "status", "body", "content_range"),
    [
        ("bytes=1-2", 206, b"el", "bytes 1-2/5"),
        ("bytes=-2", 206, b"lo", "bytes 3-4/5"),
        ("bytes=3-", 206, b"lo", "bytes 3-4/5"),
        ("bytes=3-1", 200, b"hello", None),
        ("bytes=0-1,3-4", 200, b"hello", None),
    ],
)
def test_a_part_of_a_value(
    visitor: Visitor, text: str, status: int, body: bytes, content_range: str | None
) -> None:
    visitor("PUT", "/v1/keys/a", b"hello")
    got = visitor("GET", "/v1/keys/a", range=text)
    assert (got.status, got.body, got.headers.get("content-range")) == (status, body, content_range)


def test_a_part_that_there_is_none_of(visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a", b"hello")
    got = visitor("GET", "/v1/keys/a", range="bytes=5-")
    assert (got.status, got.headers["content-range"]) == (416, "bytes */5")
    assert visitor("GET", "/v1/keys/a", range="bytes=5-", if_range='"other"').status == 200


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "status"),
    [
        (HELLO, None, 200),
        ("*", None, 200),
        ('"other"', None, 412),
        (f"W/{HELLO}", None, 412),
        (None, HELLO, 304),
        (None, f'W/{HELLO}, "x"', 304),
        (None, "*", 304),
        (None, '"other"', 200),
        ('"other"', HELLO, 412),
        (HELLO, HELLO, 304),
    ],
)
def test_conditions_of_a_get(
    visitor: Visitor, if_match: str | None, if_none_match: str | None, status: int
) -> None:
    visitor("PUT", "/v1/keys/a?ttl=60", b"hello")
    headers = {"If-Match": if_match, "If-None-Match": if_none_match, "Range": "bytes=9-"}
    if status == 200:
        del headers["Range"]
    got = visitor("GET", "/v1/keys/a", b"", {name: value for name, value in headers.items() if value})
    assert got.status == status
    assert got.headers["etag"] == HELLO
    if status == 304:
        assert got.headers["cache-control"] == "max-age=60"
        assert "content-length" not in got.headers


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "on_key", "on_nothing"),
    [
        (None, "*", 412, 201),
        ("*", None, 204, 412),
        (HELLO, None, 204, 412),
        ('"other"', None, 412, 412),
        (f"W/{HELLO}", None, 412, 412),
        (None, HELLO, 412, 201),
        (None, f"W/{HELLO}", 412, 201),
        (None, '"other"', 204, 201),
        (HELLO, HELLO, 412, 412),
    ],
)
def test_conditions_of_a_write(  # noqa: PLR0917  # a table's columns
    http: HttpHarness,
    visitor: Visitor,
    if_match: str | None,
    if_none_match: str | None,
    on_key: int,
    on_nothing: int,
) -> None:
    headers = {"If-Match": if_match, "If-None-Match": if_none_match}
    given_headers = {name: value for name, value in headers.items() if value}
    http.client()("SET a hello")
    for name, status in (("a", on_key), ("b", on_nothing)):
        assert visitor("PUT", f"/v1/keys/{name}", b"new", given_headers).status == status
    assert http.client()("GET a") == (b"new" if on_key == 204 else b"hello")
    assert http.client()("GET b") == (b"new" if on_nothing == 201 else None)


def test_a_key_is_deleted_in_one_version(http: HttpHarness, visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a", b"hello", content_type="text/plain")
    assert visitor("DELETE", "/v1/keys/a", if_match='"other"').status == 412
    assert visitor("DELETE", "/v1/keys/a", if_match=HELLO).status == 204
    assert http.client()("DBSIZE") == 0
    assert visitor("DELETE", "/v1/keys/a").status == 404


def test_of_all_who_replace_one_version_exactly_one_wins(http: HttpHarness) -> None:
    http.client()("SET a hello")
    assert http.client()("CLIENT PAUSE 100000 ALL") == b"OK"
    rivals = [http.visitor() for _ in range(20)]
    for at, one in enumerate(rivals):
        one.session.receive(request("PUT", "/v1/keys/a", b"%d" % at, {"If-Match": HELLO}))
    assert http.client()("CLIENT UNPAUSE") == b"OK"
    statuses = [answer.status for one in rivals for answer in one.answers()]
    assert sorted(statuses) == [204] + [412] * 19
    assert http.client()("GET a") == b"%d" % statuses.index(204)


def test_a_full_memory_is_told() -> None:
    http = HttpHarness(maxmemory="1kb", maxmemory_policy="noeviction")
    assert http.visitor()("PUT", "/v1/keys/a", b"x" * 2000).status == 201
    assert http.visitor()("PUT", "/v1/keys/b", b"x").status == 507


def test_tags_delete_what_carries_them(http: HttpHarness, visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a", b"1", cache_tags="x, y")
    visitor("PUT", "/v1/keys/b?tags=x,z", b"2")
    visitor("PUT", "/v1/keys/c", b"3", cache_tags="y")
    visitor("PUT", "/v1/keys/d", b"4")
    assert visitor("DELETE", "/v1/keys?tag=x").json == {"deleted": 2}
    assert visitor("DELETE", "/v1/keys?tag=x").json == {"deleted": 0}
    assert [http.client()("GET", key) for key in "abcd"] == [None, None, b"3", b"4"]


def test_who_overwrites_a_key_takes_it_out_of_its_tags(http: HttpHarness, visitor: Visitor) -> None:
    visitor("PUT", "/v1/keys/a", b"1", cache_tags="x")
    http.client()("SET a other")
    assert visitor("DELETE", "/v1/keys?tag=x").json == {"deleted": 0}
    assert http.client()("GET a") == b"other"


def test_a_tag_lives_as_long_as_the_longest_of_its_keys(http: HttpHarness, visitor: Visitor) -> None:
    for ttl in ("10", "60", "30"):
        visitor("PUT", f"/v1/keys/k{ttl}?ttl={ttl}", b"1", cache_tags="x")
    assert http.client()("TTL respcache:tag:x") == 60
    visitor("PUT", "/v1/keys/k", b"1", cache_tags="x")
    assert http.client()("TTL respcache:tag:x") == -1
    visitor("PUT", "/v1/keys/l?ttl=5", b"1", cache_tags="x")
    assert http.client()("TTL respcache:tag:x") == -1


def test_what_cannot_have_its_tags_is_not_kept(
    http: HttpHarness, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_TAGGED == 100_000
    monkeypatch.setattr(sys.modules["respcache.commands.resources"], "MOST_TAGGED", 1)
    visitor("PUT", "/v1/keys/a", b"1", cache_tags="x")
    assert visitor("PUT", "/v1/keys/b", b"1", cache_tags="x").status == 409
    assert http.client()("GET b") is None
    assert visitor("PUT", "/v1/keys/a", b"2", cache_tags="x").status == 204


@pytest.mark.parametrize("tags", [",".join(map(str, range(33))), "x" * 257])
def test_tags_are_bounded(http: HttpHarness, visitor: Visitor, tags: str) -> None:
    assert visitor("PUT", "/v1/keys/a", b"1", cache_tags=tags).status == 400
    assert http.client()("DBSIZE") == 0
