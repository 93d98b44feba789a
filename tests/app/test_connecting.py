import pytest

from respcache.app.connecting import PASSWORD_VARIABLE, address_of


def test_a_password_of_the_command_line_comes_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "sesame")
    assert address_of("h", 1, "", "").password == "sesame"
    assert address_of("h", 1, "", "other").password == "other"
