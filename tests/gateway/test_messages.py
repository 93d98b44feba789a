import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.gateway.messages import (
    PROBLEM,
    QUERY_FIELDS,
    SHORT_BODY_BYTES,
    HttpError,
    Request,
    Response,
    decoded,
    json_response,
)
from tests.rows import every_row

DATE = "Date: now\r\n"


def asked(query: bytes = b"", body: bytes = b"") -> Request:
    return Request("GET", b"/", query, {}, body)


def test_the_words_of_a_query_are_decoded_and_the_last_counts() -> None:
    assert asked(b"a=1&b=&c&a=%C3%A9+x").query == {"a": "é x", "b": "", "c": ""}
    assert asked(b"a=1&&b=x=y").query == {"a": "1", "b": "x=y"}
    assert asked(b"").query == {}


@given(st.lists(st.tuples(st.text("ab.-", min_size=1), st.text("cd.-=")), max_size=8))
def test_plain_queries_are_read_as_encoded_ones(pairs: list[tuple[str, str]]) -> None:
    plain = "&".join(f"{name}={value}" for name, value in pairs)
    encoded = "&".join(f"{name}={value.replace('c', '%63')}" for name, value in pairs)
    assert asked(plain.encode()).query == asked(encoded.encode()).query


def test_any_byte_survives_a_query() -> None:
    every = bytes(range(256))
    encoded = b"k=" + b"".join(b"%%%02X" % byte for byte in every)
    assert asked(encoded).query["k"].encode("utf-8", "surrogateescape") == every
    assert asked("k=é".encode()).query["k"] == "é"
    assert asked(b"k=\xff").query["k"].encode("utf-8", "surrogateescape") == b"\xff"


def test_a_query_has_a_bound() -> None:
    assert len(asked(b"&".join(b"%d=" % at for at in range(QUERY_FIELDS))).query) == QUERY_FIELDS
    with pytest.raises(HttpError) as refused:
        asked(b"&" * QUERY_FIELDS).query  # noqa: B018  # it is read when asked for
    assert refused.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"\\ud800"', b"1e999", b"[" * 100_000, b"1" * 5000])
def test_a_body_that_is_no_json_is_the_clients_fault(body: bytes) -> None:
    with pytest.raises(HttpError) as refused:
        asked(body=body).json()
    assert refused.value.status == 400


def test_what_is_too_deep_for_json_is_an_error() -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(HttpError):
        json_response(deep)


def test_a_response_tells_its_length_and_its_end() -> None:
    response = Response(200, b"hello", "text/plain", {"ETag": '"1"'})
    assert response.wire(DATE, is_kept_alive=True) == (
        b'HTTP/1.1 200 OK\r\nDate: now\r\nETag: "1"\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello'
    )
    assert response.wire(DATE, is_kept_alive=False, has_body=False).endswith(
        b"Content-Length: 5\r\nConnection: close\r\n\r\n"
    )


@every_row("status", [200, 404])
@every_row("size", [0, 1, SHORT_BODY_BYTES - 1, SHORT_BODY_BYTES])
def test_responses_look_alike_whichever_way_they_are_written(status: int, size: int) -> None:
    body = b"x" * size
    [plain, longer] = [
        Response(status, body, "text/plain", headers).wire(DATE, is_kept_alive=True)
        for headers in (None, {"X": "1"})
    ]
    assert plain == longer.replace(b"X: 1\r\n", b"")


@pytest.mark.parametrize("status", [204, 304])
def test_responses_that_can_have_no_body_tell_no_length(status: int) -> None:
    assert b"Content-Length" not in Response(status).wire(DATE, is_kept_alive=True)


def test_headers_given_are_not_changed() -> None:
    given_headers = {"A": "1"}
    Response(200, b"", "text/plain", given_headers)
    assert given_headers == {"A": "1"}


def test_an_error_is_a_problem_document() -> None:
    response = HttpError(503, "Later.", {"Retry-After": "1"}).response()
    assert response.headers == {"Retry-After": "1", "Content-Type": PROBLEM}
    assert response.body == (
        b'{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Later."}'
    )


@given(st.binary())
def test_any_byte_survives_a_path(key: bytes) -> None:
    assert decoded(b"".join(b"%%%02x" % byte for byte in key)) == key
