from base64 import b64encode

import pytest

from respcache.gateway.authority import LOCAL_HOSTS, Authority
from respcache.gateway.messages import HttpError, Request, Response, Steps
from respcache.gateway.routing import Route, Table
from tests.rows import every_row


def nothing(request: Request) -> Steps:
    return Response(204)
    yield []


CLOSED = Route("GET", "/", nothing, {}, is_open=False)
OPEN = Route("GET", "/health", nothing, {}, is_open=True)
TABLE = Table([CLOSED, OPEN])


def asked(method: str = "GET", path: bytes = b"/", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, path, b"", {"host": "localhost:8379", **named}, b"")


def status_of(authority: Authority, request: Request, route: Route = CLOSED) -> int | None:
    try:
        authority.admit(request, route)
    except HttpError as error:
        return error.status
    return None


def authority(password: str = "", origins: frozenset[str] = frozenset()) -> Authority:
    return Authority(lambda: password, LOCAL_HOSTS, origins)


def basic(user: str, word: str) -> str:
    return "Basic " + b64encode(f"{user}:{word}".encode()).decode()


@every_row(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:8379",
        "[::1]:8379",
        "[::1]",
        "10.0.0.5:80",
        "[2001:DB8::2]",
        "localhost:",
    ],
)
def test_names_of_this_machine_are_ours_and_addresses_lead_nobody_astray(host: str) -> None:
    assert status_of(authority(), asked(host=host)) is None


@every_row(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:8379",
        "",
        "[::2",
        "[evil]",
        "127.0.0.1.x",
        "localhost:1@evil.example",
        "localhost:x",
        "evil@localhost",
        "localhost/",
        " localhost",
        "1.2.3",
        "[::1]evil",
    ],
)
def test_a_name_that_leads_here_and_is_not_ours_is_refused(host: str) -> None:
    one = authority()
    for _ in range(2):
        assert status_of(one, asked(host=host)) == 421


def test_any_name_will_do_where_none_is_asked_for() -> None:
    assert status_of(Authority(lambda: "", frozenset()), asked(host="x")) is None


@every_row(
    ("header", "is_right"),
    [
        (basic("", "sesame"), True),
        (basic("default", "sesame"), True),
        (basic("other", "sesame"), False),
        (basic("", "wrong"), False),
        ("Bearer sesame", True),
        ("bearer  sesame ", True),
        ("Bearer wrong", False),
        ("Bearer é", False),
        ("Basic ?", False),
        ("Digest x", False),
        ("", False),
    ],
)
def test_a_password_is_asked_for(header: str, is_right: bool) -> None:
    assert status_of(authority("sesame"), asked(authorization=header)) == (None if is_right else 401)


def test_the_password_of_now_counts() -> None:
    words = ["old"]
    one = Authority(lambda: words[0], LOCAL_HOSTS)
    assert status_of(one, asked(authorization="Bearer old")) is None
    words[0] = "new"
    assert status_of(one, asked(authorization="Bearer old")) == 401


def test_what_is_open_needs_none() -> None:
    assert status_of(authority("sesame"), asked(), OPEN) is None
    assert status_of(authority("sesame"), asked(host="evil.example"), OPEN) == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:9999", "", "http://localhost"]
)
def test_pages_of_other_sites_may_not_even_write_blindly(origin: str) -> None:
    assert status_of(authority(), asked(origin=origin)) == 403


def test_our_own_pages_and_those_of_allowed_sites_may() -> None:
    assert status_of(authority(), asked(origin="http://localhost:8379")) is None
    shop = frozenset({"https://shop.example"})
    assert status_of(authority(origins=shop), asked(origin="https://Shop.example")) is None
    assert status_of(authority(origins=shop), asked(origin="https://shop.example.evil")) == 403
    assert status_of(authority(origins=frozenset("*")), asked(origin="https://any.example")) is None


def test_options_tells_what_may_be_asked_for() -> None:
    one = authority()
    for path in (b"/", b"*"):
        answer = one.preflight(asked("OPTIONS", path, origin="https://shop.example"), TABLE)
        assert answer.status == 204
        assert answer.headers == {"Allow": "GET, HEAD, OPTIONS"}
    with pytest.raises(HttpError):
        one.preflight(asked("OPTIONS", b"/nothing"), TABLE)


def test_allowed_sites_are_told_so() -> None:
    one = authority(origins=frozenset({"https://shop.example"}))
    asks = asked("OPTIONS", origin="https://shop.example", access_control_request_headers="If-Match")
    answer = one.preflight(asks, TABLE)
    one.mark(asks.headers, answer)
    assert answer.headers["Access-Control-Allow-Headers"] == "If-Match"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_others_are_told_nothing() -> None:
    one = authority(origins=frozenset({"https://shop.example"}))
    answer = Response(200)
    one.mark(asked(origin="https://evil.example").headers, answer)
    assert answer.headers == {"Vary": "Origin"}
    assert one.has_origins
    assert not authority().has_origins


def test_who_speaks_http_1_0_need_name_no_host() -> None:
    for headers, status in (({}, None), ({"origin": "http://localhost"}, 403)):
        request = Request("GET", b"/", b"", headers, b"")
        assert status_of(authority(), request) == status


@pytest.mark.parametrize(
    ("site", "mode", "dest", "method", "status"),
    [
        ("cross-site", "no-cors", "image", "GET", 403),
        ("same-site", "no-cors", "script", "GET", 403),
        ("cross-site", "navigate", "iframe", "GET", 403),
        ("cross-site", "navigate", "document", "POST", 403),
        ("cross-site", "navigate", "document", "GET", None),
        ("same-origin", "cors", "empty", "GET", None),
        ("none", "navigate", "document", "GET", None),
    ],
)
def test_pages_of_other_sites_may_not_ask_for_parts_of_themselves(
    site: str, mode: str, dest: str, method: str, status: int | None
) -> None:
    request = asked(method, sec_fetch_site=site, sec_fetch_mode=mode, sec_fetch_dest=dest)
    assert status_of(authority(), request) == status
    assert status_of(authority(origins=frozenset({"https://shop.example"})), request) is None
