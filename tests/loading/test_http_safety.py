"""Where an HTTP loader goes, whom it trusts, and what it tells nobody."""

import dataclasses
import logging
import ssl
import sys
from pathlib import Path

import httpx2
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from respcache.loading.http import MOST_REDIRECTS, http_loader
from respcache.loading.http_requests import SingleRequests
from respcache.loading.key_pattern import KeyPattern
from respcache.loading.options import LoaderSettingsError
from tests.http_server import Asked, HttpServer, Reply, always, by_name

from .http_loaders import load, loader_to, loading

pytestmark = pytest.mark.usefixtures("no_proxy")


# -- redirections ----------------------------------------


async def test_redirections_are_followed_if_it_is_wished() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/p/a":
            return Reply(301, headers={"Location": "../q/a?x=1"})
        return Reply(body=b'"found"')

    async with loading(answer, follow_redirects=True, headers={"X-Key": "s3cret"}) as (source, loader):
        assert await load(loader, "a") == ["found"]
    assert [asked.target for asked in source.asked] == ["/p/a", "/q/a?x=1"]
    assert source.asked[1].headers["x-key"] == "s3cret"


async def test_a_circle_of_redirections_ends() -> None:
    async with loading(by_name(bad=Reply(307, headers={"Location": "/p/bad"})), follow_redirects=True) as (
        source,
        loader,
    ):
        assert await load(loader, "a", "bad") == ["a", "the source redirects more than 5 times"]
    assert len(source.asked) == 1 + 1 + MOST_REDIRECTS


async def test_nobody_else_is_sent_the_operators_headers() -> None:
    async with HttpServer(always(body=b'"other"')).running() as other:
        reply = Reply(302, headers={"Location": other.url + "/x"})
        headers = {"X-Key": "s3cret", "Authorization": "Bearer s3cret"}
        async with loading(always(302, headers=reply.headers), follow_redirects=True, headers=headers) as (
            source,
            loader,
        ):
            assert await load(loader, "a") == ["other"]
    assert "s3cret" in str(source.asked[0].headers)
    assert "s3cret" not in str(other.asked[0].headers)
    assert other.asked[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("file:///etc/passwd", "redirects to another protocol"),
        ("ftp://127.0.0.1/x", "redirects to another protocol"),
        ("gopher:x", "redirects to another protocol"),
        ("https:///x", "redirects to another protocol"),
        ("http://[::1", "redirects to what is no address"),
        ("http://h:x/", "redirects to what is no address"),
        ("http://h/" + "x" * 70_000, "redirects to what is no address"),
    ],
)
async def test_a_redirection_to_nowhere_fails_its_key_alone(location: str, text: str) -> None:
    async with loading(by_name(bad=Reply(302, headers={"Location": location})), follow_redirects=True) as (
        _,
        loader,
    ):
        good, bad = await load(loader, "a", "bad")
    assert good == "a"
    assert text in bad


# -- TLS ----------------------------------------


async def test_certificates_are_verified(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    async with HttpServer(by_name()).running(tls) as source:
        async with loader_to(source, verify=str(tmp_path / "ca.pem")) as loader:
            assert await load(loader, "a") == ["a"]
        async with loader_to(source, verify=False) as loader:
            assert await load(loader, "a") == ["a"]
        async with loader_to(source) as loader:
            (text,) = await load(loader, "a")
    assert text.startswith("all: the source cannot be reached: ConnectError: ")
    assert "certificate verify failed" in text


# -- secrets and settings ----------------------------------------


async def test_no_secret_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kinds = [Reply(500), Reply(manner="garbage"), Reply(manner="half"), Reply(body=b"x"), Reply(302)]
    async with loading(
        by_name(**{f"s3cret{at}": kind for at, kind in enumerate(kinds)}),
        headers={"Authorization": "Bearer s3cret"},
    ) as (source, loader):
        found = await load(loader, "a", *[f"s3cret{at}" for at in range(len(kinds))])
        assert "s3cret" not in repr(loader)
    assert source.asked[0].headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(found)
    assert "s3cret" not in caplog.text


async def test_what_cannot_be_sent_is_not_quoted() -> None:
    async with HttpServer(by_name()).running() as source:
        loader, _ = http_loader({"pattern": "p:{id}", "url": source.url + "/{id}"})
        loader._settings = dataclasses.replace(loader._settings, secrets={"x": "s3cret\r\nY: z"})
        await loader.start()
        assert await load(loader, "a") == ["all: the source has not answered: LocalProtocolError"]
        await loader.close()


def test_the_environment_is_the_processs_own_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"pattern": "p:{id}", "url": "http://h/{id}", "headers": {"X": "${SHOP_TOKEN}"}}
    monkeypatch.setenv("SHOP_TOKEN", "x")
    loader, general = http_loader(table)
    assert (loader.pattern, loader.name, general) == ("p:*", "http-p", {})
    with pytest.raises(LoaderSettingsError, match="SHOP_TOKEN"):
        http_loader(table, {})


@pytest.mark.parametrize("url", ["http://h:port/{id}", "http://[::1/{id}", "http://h:1:2/{id}"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(LoaderSettingsError, match="loader http-p: its address is wrong: "):
        http_loader({"pattern": "p:{id}", "url": url})


def test_without_the_library_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(
        LoaderSettingsError, match=r"loader http-p: it needs httpx2.*pip install 'respcache\[http\]'"
    ):
        http_loader({"pattern": "p:{id}", "url": "http://h/{id}"})


@given(
    st.text(alphabet="./\\?#%&=;:@+ \r\n\0é2eE\u2028", min_size=1, max_size=8),
    st.text(min_size=1, max_size=8),
)
def test_the_library_sends_addresses_as_they_were_made(first: str, second: str) -> None:
    key = f"{first}\x01{second}".encode("utf-8", "replace")
    template = "https://shop.example/p/{a}/q?x={b}"
    for asking in SingleRequests(template, KeyPattern("{a}\x01{b}")).askings([key]):
        url = httpx2.URL(asking.url)
        assert (url.host, url.raw_path.decode()) == (
            "shop.example",
            asking.url.removeprefix("https://shop.example"),
        )
