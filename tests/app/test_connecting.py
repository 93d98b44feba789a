import pytest

from respcache.app.client import ClientError
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
