import tracemalloc
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.gateway.messages import HttpError, Request
from respcache.gateway.reading import HEAD_BYTES, HEADERS, PADDED_HEAD_BYTES, UNASKED_BYTES, RequestReader
from tests.rows import every_row

MOST = 1000

PIPELINE = (
    b"GET /a%20b?x=1&y HTTP/1.1\r\nHost: a\r\nX: 1\r\nx: 2\r\n\r\n"
    b"PUT /v1/keys/k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
    b"GET http://a/d?e HTTP/1.1\r\nHost: a\r\n\r\n"
    b"HEAD / HTTP/1.0\r\n\r\n"
)


def facts(request: Request) -> tuple[object, ...]:
    return (
        request.method,
        request.path,
        request.query_bytes,
        dict(request.headers),
        request.body,
        request.is_kept_alive,
        request.wants_upgrade,
    )


def read(pieces: Sequence[bytes], most: int = MOST) -> tuple[list[tuple[object, ...]], int | None]:
    """Return what was read, and the status of what was wrong."""
    reader = RequestReader(most)
    for piece in pieces:
        reader.feed(piece)
    return [facts(one) for one in reader.ready], None if reader.error is None else reader.error.status


def cut(wire: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(wire) + 1) for place in places}), len(wire)]
    return [wire[a:b] for a, b in pairwise(edges) if a < b]


def status_of(wire: bytes) -> int | None:
    return read([wire])[1]


def test_requests_are_read_one_behind_another() -> None:
    requests, error = read([PIPELINE])
    assert error is None
    assert [one[:3] for one in requests] == [
        ("GET", b"/a%20b", b"x=1&y"),
        ("PUT", b"/v1/keys/k", b""),
        ("POST", b"/c", b""),
        ("GET", b"/d", b"e"),
        ("HEAD", b"/", b""),
    ]
    assert [one[4] for one in requests] == [b"", b"hello", b"abcde", b"", b""]
    assert requests[0][3] == {"host": "a", "x": "1, 2"}
    assert [one[5] for one in requests] == [True, True, True, True, False]


@given(st.lists(st.integers(0, 500), max_size=40))
@example(list(range(500)))
def test_any_cutting_gives_the_same_requests(places: list[int]) -> None:
    assert read(cut(PIPELINE, places)) == read([PIPELINE])


BROKEN = {
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n": 501,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n": 501,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n": 501,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n": 400,
    b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n": 413,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n": 400,
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n": 400,
    b"GET / HTTP/1.1\nHost: a\n\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\n\r\n": 400,
    b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n": 400,
    b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"GET / HTTP/3.0\r\nHost: a\r\n\r\n": 400,
    b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,
    b"*1\r\n$4\r\nPING\r\n": 400,
    b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\na": 417,
}


@every_row("wire", BROKEN)
@every_row("size", [1, 7, 10_000])
def test_what_could_hide_a_second_request_is_refused_and_nothing_behind_it_read(
    wire: bytes, size: int
) -> None:
    second = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
    whole = wire + second
    requests, status = read([whole[at : at + size] for at in range(0, len(whole), size)])
    assert status == BROKEN[wire]
    assert all(one[1] != b"/hidden" for one in requests)


def head_of(size: int) -> bytes:
    begin = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
    return begin + b"x" * size + b"\r\n\r\n"


@pytest.mark.parametrize("size", [1000, 100_000])
def test_a_head_has_a_bound(size: int) -> None:
    for length, status in ((HEAD_BYTES - 100, None), (HEAD_BYTES + 100, 431)):
        wire = head_of(length)
        assert read([wire[at : at + size] for at in range(0, len(wire), size)])[1] == status


def test_a_head_that_never_ends_is_refused_while_it_arrives() -> None:
    for piece in (b"x" * 1000, b" " * 1000, b"\r\ny: " + b" " * 1000):
        reader = RequestReader(MOST)
        reader.feed(b"GET / HTTP/1.1\r\nHost: a\r\nX:")
        fed = 0
        while reader.error is None:
            reader.feed(piece)
            fed += len(piece)
            assert fed <= PADDED_HEAD_BYTES + 2000
        assert reader.error.status == 431


def test_headers_are_counted() -> None:
    def wire(count: int) -> bytes:
        return (
            b"GET / HTTP/1.1\r\nHost: a\r\n"
            + b"".join(b"x%d: y\r\n" % at for at in range(count - 1))
            + b"\r\n"
        )

    assert status_of(wire(HEADERS)) is None
    assert status_of(wire(HEADERS + 1)) == 431


def test_a_body_has_a_bound_however_its_length_is_told() -> None:
    def whole(size: int) -> bytes:
        return b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size

    def chunked(size: int) -> bytes:
        return (
            b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"1\r\nx\r\n" * size
            + b"0\r\n\r\n"
        )

    for spell in (whole, chunked):
        assert status_of(spell(MOST)) is None
        assert status_of(spell(MOST + 1)) == 413


def test_who_waits_to_be_told_to_go_on_is_noticed_until_the_body_comes() -> None:
    reader = RequestReader(MOST)
    reader.feed(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n")
    assert reader.awaits_continue
    assert reader.missing_bytes == 2
    reader.feed(b"h")
    assert not reader.awaits_continue
    reader.feed(b"i")
    assert reader.is_idle
    assert reader.ready[0].body == b"hi"


def test_http_1_0_is_not_told_to_go_on() -> None:
    reader = RequestReader(MOST)
    reader.feed(b"PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert not reader.awaits_continue


def test_what_comes_behind_another_protocol_is_kept() -> None:
    reader = RequestReader(MOST)
    reader.feed(
        b"GET /v1/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x80"
    )
    assert reader.ready[0].wants_upgrade
    assert reader.upgraded_rest == b"\x81\x80"
    reader.feed(b"GET / HTTP/1.1\r\n")
    assert len(reader.ready) == 1


@given(st.lists(st.binary(max_size=60), max_size=20), st.integers(0, len(PIPELINE)))
def test_garbage_is_an_error_and_nothing_worse(pieces: list[bytes], begin: int) -> None:
    reader = RequestReader(MOST)
    for piece in (PIPELINE[:begin], *pieces):
        reader.feed(piece)
    assert reader.buffered_bytes <= HEAD_BYTES + MOST


CHUNKED = b"PUT /v1/keys/k HTTP/1.1\r\nHost: a\r\nIf-Match: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_headers_behind_a_body_change_nothing() -> None:
    trailers = b"If-Match: y\r\nHost: b\r\nAuthorization: z\r\n"
    requests, error = read([CHUNKED + b"1\r\na\r\n0\r\n" + trailers + b"\r\n"])
    assert error is None
    assert requests[0][3] == {"host": "a", "if-match": "x", "transfer-encoding": "chunked"}


@pytest.mark.parametrize(
    "piece", [b"x: y\r\n" * 100, b"x: " + b"y" * 1000, b"1;" + b"x" * 1000 + b"\r\na\r\n"]
)
def test_what_stands_round_a_body_has_a_bound(piece: bytes) -> None:
    reader = RequestReader(1 << 20)
    reader.feed(CHUNKED)
    if piece.startswith(b"x"):
        reader.feed(b"0\r\n")
    fed = 0
    while reader.error is None:
        reader.feed(piece)
        fed += len(piece)
        assert fed <= 2 * PADDED_HEAD_BYTES
    assert reader.error.status == 400


def test_small_chunks_take_no_more_memory_than_big_ones() -> None:
    reader, size = RequestReader(1 << 20), 1 << 18
    reader.feed(CHUNKED)
    tracemalloc.start()
    for _ in range(size // 2 // 1024):
        reader.feed(b"2\r\nab\r\n" * 1024)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    reader.feed(b"0\r\n\r\n")
    assert reader.ready[0].body == b"ab" * (size // 2)
    assert peak < 3 * size


def test_of_a_whole_address_the_host_counts() -> None:
    requests, error = read([b"GET HTTP://user@b:1?x HTTP/1.1\r\nHost: a\r\n\r\n"])
    assert error is None
    assert requests[0][1:4] == (b"/", b"x", {"host": "user@b:1"})


BIG = UNASKED_BYTES + 1


@pytest.mark.parametrize(
    ("wire", "is_asked"),
    [
        (b"PUT /k?x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BIG, True),
        (b"PUT /k?x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (BIG - 1), False),
        (b"PUT /k?x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", True),
        (
            b"PUT /k?x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % BIG + b"x" * BIG,
            True,
        ),
        (
            b"PUT /k?x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % BIG
            + b"x" * (BIG - 1),
            False,
        ),
    ],
)
def test_before_a_big_body_is_taken_somebody_is_asked(wire: bytes, is_asked: bool) -> None:
    seen: list[Request] = []

    def refuse(request: Request) -> None:
        seen.append(request)
        raise HttpError(401, "No.")

    reader = RequestReader(1 << 20, refuse)
    reader.feed(wire)
    assert [(one.method, one.path, one.query_bytes, one.body) for one in seen] == [
        ("PUT", b"/k", b"x", b"")
    ] * is_asked
    assert (reader.error is not None) == is_asked
    assert reader.buffered_bytes <= BIG + 200
