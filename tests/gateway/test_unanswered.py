"""Requests that are refused before anything is asked, and what those hold that have no answer yet."""

import pytest
import trio
from trio.testing import MockClock

from respcache.server.client_eviction import clients_to_evict
from tests.gateway.visitor import HttpHarness, request

ORIGIN = {"Origin": "https://shop.example"}


@pytest.mark.parametrize(
    ("wire", "status"),
    [
        (request("PUT", "/v1/keys/a", b"x" * 3_000_000, ORIGIN), 413),
        (request("PUT", "/v1/keys/a", b"", {**ORIGIN, "Expect": "tea"}), 417),
        (request("PUT", "/v1/nothing", b"", {**ORIGIN, "Expect": "100-continue"}), 404),
        (request("GET", "/v1/keys/a", b"", {**ORIGIN, "X": "x" * 40_000}), 431),
        (request("GET", "/v1/keys/a", b"", {**ORIGIN, "Transfer-Encoding": "gzip"}), 501),
        (
            request("GET", "/v1/keys/a", b"", {**ORIGIN, "Range": "bytes=0-1"})[:-4]
            + b"\r\nrange: 1\r\n\r\n",
            400,
        ),
    ],
)
def test_pages_of_allowed_sites_may_read_why_nothing_was_asked(wire: bytes, status: int) -> None:
    visitor = HttpHarness(http_cors_origins="https://shop.example", http_max_body="2mb").visitor()
    [answer] = visitor.send(wire)
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["vary"] == "Origin"
    [other] = HttpHarness(http_max_body="2mb").visitor().send(wire)
    assert other.status == status
    assert not {"vary", "access-control-allow-origin"} & other.headers.keys()


def test_a_request_that_takes_too_long_says_so_to_the_page_that_sent_it() -> None:
    http = HttpHarness(http_cors_origins="https://shop.example")
    visitor = http.visitor()
    visitor.send(request("GET", "/v1/keys/a", b"", {**ORIGIN, "X": "not whole"})[:-2])
    http.clock.now_ms += 60_000
    http.gateway.look_after(http.clock.now_ms)
    [answer] = visitor.answers()
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (408, ORIGIN["Origin"])


def test_what_a_request_holds_counts_from_its_first_byte_to_its_answer() -> None:
    http = HttpHarness(http_max_body="1mb")
    visitor = http.visitor()
    session = visitor.session
    put = request("PUT", "/v1/keys/a", b"x" * 50_000)
    session.receive(put[:-10_000])
    assert 40_000 <= session.query_bytes < 41_000
    assert list(http.gateway.clients) == [session.client]
    assert clients_to_evict(http.gateway.clients, 30_000) == [session.client]
    assert clients_to_evict(http.gateway.clients, 42_000) == []
    session.jam()  # so it waits
    session.receive(put[-10_000:])
    assert session.query_bytes == 50_000
    session.clear_jam()
    assert [one.status for one in visitor.answers()] == [201]
    assert session.query_bytes == 0


async def test_what_waits_for_a_busy_key_counts(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    http = HttpHarness(nursery.start_soon, enable_debug_command="yes")
    http.host.sleep = trio.sleep  # type: ignore[method-assign]
    assert http.client().send("DEBUG OWNER-SLEEP a 1") == []
    visitor = http.visitor()
    assert visitor.send(request("PUT", "/v1/keys/a", b"x" * 50_000)) == []
    assert visitor.session.query_bytes == 50_000
    await trio.sleep(2)
    assert [one.status for one in visitor.answers()] == [201]
    assert visitor.session.query_bytes == 0
