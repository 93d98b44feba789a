from respcache.settings.network import Network


def test_only_this_machine_is_listened_to_by_default() -> None:
    assert Network.bind.default == ("127.0.0.1", "-::1")
    assert Network.protected_mode.default is True


def test_sockets_cannot_be_changed_while_they_are_open() -> None:
    fixed = (Network.bind, Network.port, Network.unixsocket, Network.unixsocketperm, Network.tcp_backlog)
    assert not any(parameter.mutable for parameter in fixed)
