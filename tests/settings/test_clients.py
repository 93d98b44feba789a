from respcache.settings.clients import Clients


def test_the_password_is_the_one_secret_here() -> None:
    assert [parameter for parameter in Clients.parameters if parameter.secret] == [Clients.requirepass]


def test_debug_is_off_and_cannot_be_switched_on_from_afar() -> None:
    assert Clients.enable_debug_command.default == "no"
    assert not Clients.enable_debug_command.mutable
