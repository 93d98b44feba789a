import re
from importlib.resources import files

import pytest

from respcache.gateway.pages import read_assets
from tests.gateway.visitor import HttpHarness, Visitor

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def visitor() -> Visitor:
    return HttpHarness().visitor()


def test_a_browser_gets_the_page(visitor: Visitor) -> None:
    answer = visitor("GET", "/", accept=BROWSER)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<!doctype html>")
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_whoever_else_asks_gets_what_smache_answers(visitor: Visitor, accept: str) -> None:
    answer = visitor("GET", "/", accept=accept)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"{}", "application/json")
    assert answer.headers["vary"] == "Accept"


def test_a_page_may_load_nothing_from_elsewhere(visitor: Visitor) -> None:
    headers = visitor("GET", "/", accept=BROWSER).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")


def test_the_page_keeps_to_that_policy() -> None:
    page = (files("respcache.gateway") / "static" / "index.html").read_text()
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|https?://", page)


def test_everything_that_the_page_names_is_there(visitor: Visitor) -> None:
    page = visitor("GET", "/", accept=BROWSER).body.decode()
    named = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    assert "/static/vendor/uPlot.iife.min.js" in named
    for script in (
        name for name in read_assets() if name.endswith(b".js") and not name.startswith(b"vendor")
    ):
        text = visitor("GET", f"/static/{script.decode()}").body.decode()
        named |= {f"/static/{module}" for module in re.findall(r'from "\./([\w.]+)"', text)}
    assert len(named) >= 10
    for path in named:
        answer = visitor("GET", path)
        assert answer.status == 200, path
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_is_known_is_not_sent_again(visitor: Visitor) -> None:
    first = visitor("GET", "/static/dashboard.css")
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    again = visitor("GET", "/static/dashboard.css", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert visitor("GET", "/static/dashboard.css", if_none_match='"older"').status == 200
    assert visitor("HEAD", "/static/dashboard.css").body == b""


@pytest.mark.parametrize(
    "path",
    [
        *("/static/nothing.js", "/static/", "/static/..%2Fpages.py", "/static/%2E%2E/pages.py"),
        *("/static/vendor/", "/static/vendor%2FuPlot.min.css/x"),
    ],
)
def test_nothing_else_is_served(visitor: Visitor, path: str) -> None:
    assert visitor("GET", path).status == 404


def test_vendored_files_come_with_their_licence() -> None:
    assets = read_assets()
    assert b"MIT License" in assets[b"vendor/uPlot.LICENSE.txt"].body
    assert b"uPlot (v1.6.32)" in assets[b"vendor/uPlot.iife.min.js"].body


def test_with_a_password_the_browser_is_asked_for_it() -> None:
    visitor = HttpHarness(requirepass="secret").visitor()
    answer = visitor("GET", "/", accept=BROWSER)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert visitor("GET", "/static/dashboard.js").status == 401
