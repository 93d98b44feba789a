import pytest

from respcache.app.client import ClientError
from respcache.app.client_tls import ClientTls
from respcache.app.connecting import LOCAL, PASSWORD_VARIABLE, Server, explained

MEANINGS = {"is alone": "has nobody", "unknown": "is a stranger"}


def test_a_password_of_the_command_line_comes_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "sesame")
    assert Server(host="h", port=1).address.password == "sesame"
    assert Server(host="h", port=1, password="other").address.password == "other"


def test_without_options_the_server_is_redis_port_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    assert (str(LOCAL.address), LOCAL.address.password) == ("127.0.0.1:6379", "")
    assert str(Server(socket="/run/it", port=1).address) == "/run/it"


@pytest.mark.parametrize(
    ("error", "shown"),
    [("ERR This is alone", "h:1 has nobody"), ("ERR unknown", "h:1 is a stranger"), ("ERR x", "ERR x")],
)
def test_an_error_is_explained_if_its_meaning_is_known(error: str, shown: str) -> None:
    with pytest.raises(ClientError) as raised, explained(Server("h", 1).address, MEANINGS):
        raise ClientError(error)
    assert str(raised.value) == shown


def test_the_password_is_not_part_of_what_is_shown() -> None:
    assert "sesame" not in repr(Server(password="sesame"))


def test_without_tls_nothing_is_said_of_it() -> None:
    assert Server().address.tls is None


def test_the_certificate_must_be_for_the_host_or_for_the_name_that_is_given() -> None:
    assert Server("cache.test", tls=True).address.tls == ClientTls(name="cache.test")
    assert Server("10.0.0.1", tls=True, sni="cache.test").address.tls == ClientTls(name="cache.test")


@pytest.mark.parametrize("option", ["cacert", "cacertdir", "cert", "key", "sni"])
def test_whoever_gives_certificates_means_tls(option: str) -> None:
    with pytest.raises(ClientError, match="say --tls"):
        _ = Server(**{option: "x"}).address  # type: ignore[arg-type]  # all of these are texts


def test_a_unix_socket_speaks_no_tls() -> None:
    with pytest.raises(ClientError, match="Unix socket needs none"):
        _ = Server(socket="/run/x.sock", tls=True).address
