import pytest

from respcache.gateway.messages import HttpError, Request, Steps, json_response
from respcache.gateway.routing import Routes, Table
from tests.rows import every_row

routes = Routes()


@routes.add("GET", "/v1/keys")
@routes.add("GET", "/v1/keys/{key}")
@routes.add("PUT", "/v1/keys/{key}")
@routes.add("PATCH", "/v1/keys/{key}/ttl", is_open=True)
@routes.add("POST", "/v1/commands")
def handler(request: Request) -> Steps:
    return json_response({})
    yield []


TABLE = Table(routes.all)


def asked(method: str, path: bytes) -> Request:
    return Request(method, path, b"", {}, b"")


def found(method: str, path: bytes) -> tuple[str, list[bytes]]:
    request = asked(method, path)
    return TABLE.find(request).path, list(request.params)


def refused(method: str, path: bytes) -> HttpError:
    with pytest.raises(HttpError) as error:
        TABLE.find(asked(method, path))
    return error.value


def test_an_address_is_found_with_what_stands_in_its_places() -> None:
    assert found("GET", b"/v1/keys") == ("/v1/keys", [])
    assert found("PUT", b"/v1/keys/a") == ("/v1/keys/{key}", [b"a"])
    assert found("PATCH", b"/v1/keys/a/ttl") == ("/v1/keys/{key}/ttl", [b"a"])


def test_a_place_may_be_empty_or_hold_any_byte() -> None:
    assert found("GET", b"/v1/keys/") == ("/v1/keys/{key}", [b""])
    assert found("GET", b"/v1/keys/%2F%00%ff%25") == ("/v1/keys/{key}", [b"/\x00\xff%"])
    assert found("GET", b"/v1/keys/{}") == ("/v1/keys/{key}", [b"{}"])


def test_head_goes_where_get_goes() -> None:
    assert found("HEAD", b"/v1/keys/a")[0] == "/v1/keys/{key}"
    assert refused("HEAD", b"/v1/commands").status == 405


@every_row("path", [b"/", b"", b"/v1", b"/v1/keys/a/b", b"/v1/keys/a/ttl/", b"/V1/keys", b"*", b"//v1/keys"])
def test_nothing_else_is_there(path: bytes) -> None:
    assert refused("GET", path).status == 404


def test_another_method_is_told_which_there_are() -> None:
    error = refused("DELETE", b"/v1/keys/a")
    assert error.status == 405
    assert error.headers == {"Allow": "GET, HEAD, OPTIONS, PUT"}


def test_a_route_is_declared_once() -> None:
    with pytest.raises(AssertionError, match="twice"):
        Table([*routes.all, routes.all[0]])
