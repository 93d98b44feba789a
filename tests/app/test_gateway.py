"""How the settings reach the gateway."""

from tests.gateway.visitor import HttpHarness, request


def test_the_settings_are_obeyed() -> None:
    http = HttpHarness(http_max_body="2kb", http_max_requests="7", http_hosts="cache.example")
    assert (http.gateway.most_body_bytes, http.gateway.most_requests) == (2048, 7)
    [named, local, strange] = http.visitor().send(
        b"".join(
            request("GET", "/healthcheck", host=host)
            for host in ("cache.example", "localhost", "evil.example")
        )
    )
    assert [named.status, local.status, strange.status] == [200, 200, 421]


def test_any_name_will_do_if_the_settings_say_so() -> None:
    wire = request("GET", "/healthcheck", host="any.example")
    assert [one.status for one in HttpHarness(http_hosts="*").visitor().send(wire)] == [200]


def test_an_origin_may_end_with_a_slash() -> None:
    visitor = HttpHarness(http_cors_origins="https://Shop.example/").visitor()
    assert visitor("GET", "/healthcheck", origin="https://shop.example").status == 200


def test_a_password_that_is_set_later_counts_at_once() -> None:
    http = HttpHarness()
    visitor = http.visitor()
    assert visitor("GET", "/v1/keys").status == 200
    http.client()("CONFIG SET requirepass sesame")
    assert visitor("GET", "/v1/keys").status == 401


def test_the_end_of_a_pause_reaches_it() -> None:
    http = HttpHarness()
    assert http.gateway.release in http.dispatcher.also_release
