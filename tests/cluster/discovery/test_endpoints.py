import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.discovery.endpoints import (
    Endpoint,
    EndpointError,
    is_anywhere,
    numeric_host,
    parse_endpoint,
)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("10.0.0.1:17001", Endpoint("10.0.0.1", 17001)),
        (" cache-0.cache:1\n", Endpoint("cache-0.cache", 1)),
        ("cache.example.", Endpoint("cache.example.", 0)),
        ("my_service:65535", Endpoint("my_service", 65535)),
        ("[::1]:7", Endpoint("::1", 7)),
        ("[fe80::1%eth0]:7", Endpoint("fe80::1%eth0", 7)),
        ("[::1]", Endpoint("::1", 0)),
    ],
)
def test_what_people_write_is_understood(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    ["", ":", ":1", "a:", "a:0", "a:65536", "a:123456", "a:b", "a:1:2", "a b:1", "http://a:1", "u@a:1", "[a]:1", "[1.2.3.4]:1", "[::1", "::1]:1", "[]:1", "a:\u0661", "::1", "fd00::1:7001", "a,b:1", "x" * 256],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(EndpointError):
        parse_endpoint(text)


@given(st.text())
def test_any_text_is_either_an_endpoint_or_refused(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except EndpointError:
        return
    assert parse_endpoint(str(endpoint)) == endpoint


@given(st.ip_addresses(), st.integers(1, 65535))
def test_an_endpoint_is_read_as_it_was_written(host: object, port: int) -> None:
    assert parse_endpoint(str(Endpoint(str(host), port))) == Endpoint(str(host), port)


@pytest.mark.parametrize(
    ("host", "numeric"),
    [("127.0.0.1", "127.0.0.1"), ("0:0::1", "::1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("localhost", None)],
)
def test_an_address_has_one_spelling(host: str, numeric: str | None) -> None:
    assert numeric_host(host) == numeric


def test_some_hosts_are_none_in_particular() -> None:
    assert all(map(is_anywhere, ["", "*", "0.0.0.0", "::", "0:0::0"]))
    assert not any(map(is_anywhere, ["127.0.0.1", "::1", "cache"]))
