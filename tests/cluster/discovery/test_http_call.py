import logging

import pytest

from respcache.cluster.discovery import http_call
from respcache.cluster.discovery.http_call import call, check_url
from respcache.cluster.discovery.protocol import DiscoverySettingsError, SourceError
from tests.http_server import HttpServer, always


async def test_the_body_is_returned_and_headers_are_sent() -> None:
    async with HttpServer(always(200, b"{}")).running() as server:
        assert await call("GET", server.url + "/a", headers={"X": "y"}, parameters={"b": "c d"}) == b"{}"
    (asked,) = server.asked
    assert (asked.path, asked.parameters, asked.headers["x"]) == ("/a", [("b", "c d")], "y")


async def test_nobody_unpacks_an_answer() -> None:
    async with HttpServer(always(200, b"{}")).running() as server:
        await call("GET", server.url)
    assert server.asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("status", [302, 401, 404, 500])
async def test_other_answers_are_told_with_their_words_and_without_the_url(status: int) -> None:
    async with HttpServer(always(status, b"not\n you" + b"!" * 1000)).running() as server:
        with pytest.raises(SourceError, match=rf"^127.0.0.1:\d+ answers {status}: not you!+$") as caught:
            await call("GET", server.url.replace("//", "//user:hush@") + "/secret")
    assert len(str(caught.value)) < 200
    assert "hush" not in str(caught.value)
    assert len(server.asked) == 1


async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_call, "MOST_ANSWER_BYTES", 1000)
    async with HttpServer(always(200, b" " * 1_000_000)).running() as server:
        with pytest.raises(SourceError, match="more than 1000 bytes"):
            await call("GET", server.url)


async def test_nobody_there_is_an_error_of_the_source() -> None:
    with pytest.raises(SourceError, match=r"127.0.0.1:1: ConnectError: .+"):
        await call("GET", "http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "url", ["", "cache", "http://", "http://[::1/", "http://h:port/", "ftp://a/", "10.0.0.1:1"]
)
def test_what_is_no_url_is_a_mistake_in_the_settings(url: str) -> None:
    with pytest.raises(DiscoverySettingsError, match="is no URL"):
        check_url(url)


async def test_proxies_of_the_environment_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with HttpServer(always(200, b"{}")).running() as server:
        assert await call("GET", server.url) == b"{}"


async def test_requests_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with HttpServer(always(200, b"{}")).running() as server:
        await call("GET", server.url)
    assert not [record for record in caplog.records if record.name.startswith(("httpx2", "httpcore2"))]
