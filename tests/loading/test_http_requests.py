import itertools
import json
import re
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.loading.http_requests import MOST_URL_BYTES, Asking, GetRequests, PostRequests, SingleRequests
from respcache.loading.key_pattern import KeyPattern
from tests.rows import every_row

PRODUCT = KeyPattern("product:{id}")
SHOP = "https://shop.example/products"

HOSTILE = st.text(alphabet="./\\?#%&=;:@+ \r\n\0é2eE\u2028", max_size=8)


def single(key: bytes, template: str = SHOP + "/{id}", pattern: str = "product:{id}") -> str | None:
    """Return the address that is asked for a key."""
    askings = SingleRequests(template, KeyPattern(pattern)).askings([key])
    assert all(asking.method == "GET" and asking.content is None for asking in askings)
    return askings[0].url if askings else None


@every_row(
    ("key", "url"),
    [
        (b"product:7", "/7"),
        (b"product:a b", "/a%20b"),
        (b"product:a/b", "/a%2Fb"),
        (b"product:a?x=1#f&c", "/a%3Fx%3D1%23f%26c"),
        (b"product:%2e%41", "/%252e%2541"),
        (b"product:\r\nHost: evil", "/%0D%0AHost%3A%20evil"),
        (b"product:\xc3\xbc", "/%C3%BC"),
        (b"product:@evil.example:80", "/%40evil.example%3A80"),
        (b"product:...", "/..."),
        (b"product:.a", "/.a"),
        (b"product:\0", "/%00"),
    ],
)
def test_what_stands_in_a_key_is_one_piece_of_the_path(key: bytes, url: str) -> None:
    assert single(key) == SHOP + url


@every_row(
    "value",
    [".", "..", "../x", "x/..", "a/../b", "a/./b", "..\\x", "%2e%2e", "%2E", "a%2f..%2fb", "..;/x", "..;x"],
)
def test_a_key_that_would_lead_out_of_the_path_is_asked_nobody_for(value: str) -> None:
    assert single(f"product:{value}".encode()) is None


def test_dots_next_to_the_templates_own_letters_are_harmless_and_dots_that_complete_them_are_not() -> None:
    assert single(b"product:..", SHOP + "/v{id}") == SHOP + "/v.."
    assert single(b"product:.", SHOP + "/.{id}") is None
    assert single(b"product:..", SHOP + "/{id}.json") == SHOP + "/...json"


def test_dots_in_the_query_are_what_they_are() -> None:
    assert single(b"product:..", SHOP + "?id={id}&x=/{id}") == SHOP + "?id=..&x=/.."


def test_all_placeholders_are_put_in_their_places() -> None:
    url = single(b"1:2:3", "http://h:8080/{c}/{a}?b={b}&{a}", "{a}:{b}:{c}")
    assert url == "http://h:8080/3/1?b=2&1"


@pytest.mark.parametrize("key", [b"other:1", b"product:", b"product:\xff"])
def test_other_keys_are_asked_nobody_for(key: bytes) -> None:
    assert single(key) is None


def test_a_key_that_makes_the_url_too_long_is_asked_nobody_for() -> None:
    room = MOST_URL_BYTES - len(SHOP) - 1
    assert single(b"product:" + b"x" * room) is not None
    assert single(b"product:" + b"x" * (room + 1)) is None
    assert single(b"product:" + "é".encode() * (room // 6 + 1)) is None
    assert single(b"product:" + b"x" * 10_000_000) is None


@given(st.lists(HOSTILE.filter(bool), min_size=2, max_size=2))
@example(["..", "x"])
@example(["x", "%2e%2e/"])
def test_no_key_changes_host_path_or_query(values: list[str]) -> None:
    first, second = values
    pattern = KeyPattern("{a}\x01{b}")
    (asking,) = SingleRequests("https://shop.example/p/{a}/q?x={b}&y=1", pattern).askings(
        [f"{first}\x01{second}".encode()]
    ) or (None,)
    if asking is None:
        assert re.search(r"(^|[/\\])\.\.?($|[/\\;])", unquote(first)) or re.search(
            r"(^|[/\\])\.\.?($|[/\\;])", first
        )
        return
    assert asking.url.isascii()
    assert asking.url.isprintable()
    parts = urlsplit(asking.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "shop.example", "")
    segments = parts.path.split("/")
    assert [*segments[:2], *segments[3:]] == ["", "p", "q"]
    assert unquote(segments[2]) == first
    assert parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True) == [("x", second), ("y", "1")]


@every_row(
    ("template", "text"),
    [
        ("shop.example/{id}", "it does not begin with https://host or http://host"),
        ("ftp://shop.example/{id}", "it does not begin with"),
        ("https:///{id}", "it does not begin with"),
        ("https://{id}.example/", "it does not begin with"),
        ("https://shop.{id}/", "in the path and in the query only"),
        ("https://shop:{id}/", "in the path and in the query only"),
        ("https://shop.example/{id}#x", "it has a fragment"),
        ("https://shop.example/{name}", "{name} is not in the pattern 'product:{id}'"),
        ("https://shop.example/{id}/{}", "it has a brace that is no {placeholder}"),
        ("https://shop.example/{id", "it has a brace that is no {placeholder}"),
        ("https://shop.example/all", "it does not use {id}; if that is right, write {_id} in the pattern"),
        ("https://shop.example/a/../{id}", "its path has a segment . or .."),
        ("https://shop.example/%2e%2e/{id}", "its path has a segment . or .."),
        ("https://shop.example/" + "x" * 8000 + "{id}", "or it is too long"),
    ],
)
def test_what_is_no_template_is_told(template: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        SingleRequests(template, PRODUCT)


def test_a_placeholder_with_a_line_before_it_need_not_be_used() -> None:
    assert single(b"v1:product:7", SHOP + "/{id}", "{_version}:product:{id}") == SHOP + "/7"


def test_the_operators_own_part_is_made_fit_for_a_url() -> None:
    assert (
        single(b"product:7", "https://shop.example/a b/ü%20/{id}") == "https://shop.example/a%20b/%C3%BC%20/7"
    )
    assert single(b"product:7", "https://münchen.example/{id}") == "https://münchen.example/7"


def test_each_key_has_a_request_of_its_own() -> None:
    plan = SingleRequests(SHOP + "/{id}", PRODUCT)
    assert plan.askings([b"product:1", b"x", b"product:2"]) == [
        Asking("GET", SHOP + "/1", {"": b"product:1"}),
        Asking("GET", SHOP + "/2", {"": b"product:2"}),
    ]
    assert plan.example == SHOP + "/x"


def test_one_post_has_all_keys() -> None:
    (asking,) = PostRequests(SHOP, PRODUCT, "ids").askings([b"product:1", b"x", b'product:"2\n\xc3\xbc'])
    assert (asking.method, asking.url) == ("POST", SHOP)
    assert asking.keys == {"1": b"product:1", '"2\nü': b'product:"2\n\xc3\xbc'}
    assert json.loads(asking.content or b"") == {"ids": ["1", '"2\nü']}


@pytest.mark.parametrize(
    "plan", [PostRequests(SHOP, PRODUCT, "keys"), GetRequests(SHOP, PRODUCT, "id", None)]
)
def test_where_there_is_nothing_to_ask_nobody_is_asked(plan: PostRequests | GetRequests) -> None:
    assert plan.askings([b"x", b"product:\xff"]) == []
    assert plan.example == SHOP


@pytest.mark.parametrize(
    ("url", "join", "asked"),
    [
        (SHOP, None, SHOP + "?id%5B%5D=1&id%5B%5D=a%26b%2Cc"),
        (SHOP + "?v=2", None, SHOP + "?v=2&id%5B%5D=1&id%5B%5D=a%26b%2Cc"),
        (SHOP, "|", SHOP + "?id%5B%5D=1%7Ca%26b%2Cc"),
        (SHOP, ";", SHOP + "?id%5B%5D=1;a%26b%2Cc"),
    ],
)
def test_one_get_has_many_keys(url: str, join: str | None, asked: str) -> None:
    (asking,) = GetRequests(url, PRODUCT, "id[]", join).askings([b"product:1", b"x", b"product:a&b,c"])
    assert asking == Asking("GET", asked, {"1": b"product:1", "a&b,c": b"product:a&b,c"})


def test_a_key_that_would_be_taken_for_two_is_asked_nobody_for() -> None:
    (asking,) = GetRequests(SHOP, PRODUCT, "id", ",").askings([b"product:1", b"product:2,3"])
    assert list(asking.keys) == ["1"]


@given(st.lists(st.integers(1, 9000), max_size=12), st.sampled_from([None, ",", "::"]))
def test_a_get_is_cut_where_the_url_is_full(lengths: list[int], join: str | None) -> None:
    values = [f"{at}{'x' * length}" for at, length in enumerate(lengths)]
    askings = GetRequests(SHOP, PRODUCT, "id", join).askings(
        [f"product:{value}".encode() for value in values]
    )
    fitting = [value for value in values if len(value) <= MOST_URL_BYTES - len(SHOP) - len("?id=")]
    assert [value for asking in askings for value in asking.keys] == fitting
    assert all(len(asking.url) <= MOST_URL_BYTES and asking.keys for asking in askings)
    for one, next_one in itertools.pairwise(askings):
        assert len(one.url) + len(next(iter(next_one.keys))) + len("&id=") > MOST_URL_BYTES


@pytest.mark.parametrize("join", [None, ",", " and "])
def test_many_short_keys_fill_urls_and_never_more(join: str | None) -> None:
    keys = [b"product:%d" % number for number in range(10_000)]
    askings = GetRequests(SHOP, PRODUCT, "id", join).askings(keys)
    assert [key for asking in askings for key in asking.keys.values()] == keys
    assert all(MOST_URL_BYTES - 20 < len(asking.url) <= MOST_URL_BYTES for asking in askings[:-1])


@pytest.mark.parametrize(
    ("url", "pattern", "text"),
    [
        ("shop.example", "{id}", "it does not begin with"),
        (SHOP + "/{id}", "{id}", "it can have no {placeholder}"),
        (SHOP + "#x", "{id}", "it has a fragment"),
        (SHOP + "x" * 5000, "{id}", "it is too long"),
        (SHOP, "{a}:{b}", "the pattern '{a}:{b}' needs exactly one {placeholder}"),
    ],
)
def test_what_is_no_address_for_many_is_told(url: str, pattern: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        PostRequests(url, KeyPattern(pattern), "keys")
    with pytest.raises(ValueError, match=re.escape(text)):
        GetRequests(url, KeyPattern(pattern), "id", None)
