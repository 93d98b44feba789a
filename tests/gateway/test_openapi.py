import re
from base64 import b64encode
from hashlib import sha256

import pytest

from tests.gateway.visitor import Answer, HttpHarness


@pytest.fixture(scope="module")
def http() -> HttpHarness:
    return HttpHarness()


@pytest.fixture(scope="module")
def page(http: HttpHarness) -> Answer:
    return http.visitor()("GET", "/v1/docs")


def test_every_route_is_described(http: HttpHarness) -> None:
    document = http.visitor()("GET", "/v1/openapi.json").json
    assert document["openapi"] == "3.1.0"
    for route in http.gateway.table.routes:
        operation = document["paths"][route.path][route.method.lower()]
        assert len(operation["summary"].split()) > 1, route.path
        places = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
        assert places == route.names
        assert operation["responses"]
    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(set(names)) == len(names)


def test_the_page_shows_every_route_and_needs_nothing_from_elsewhere(http: HttpHarness, page: Answer) -> None:
    text = page.body.decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert text.count("<details>") == len(http.gateway.table.routes)
    assert "<script" not in text
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["/v1/openapi.json"]


def test_the_page_may_have_its_own_style_and_nothing_else(page: Answer) -> None:
    style = re.search(r"<style>(.*?)</style>", page.body.decode(), re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
