from respcache.settings.settings import Settings
from respcache.settings.tls import Tls


def test_there_is_no_tls_unless_it_is_asked_for() -> None:
    assert (Settings().tls_port, Settings().http_tls_port) == (0, 0)


def test_clients_must_show_a_certificate_by_default() -> None:
    assert Settings().tls_auth_clients == "yes"


def test_only_the_password_of_the_key_is_a_secret() -> None:
    assert [one for one in Tls.parameters if one.secret] == [Tls.tls_key_file_pass]


def test_all_but_the_port_can_change_while_the_server_runs_and_is_read_again_when_set() -> None:
    others = [one for one in Tls.parameters if one is not Tls.tls_port]
    assert all(one.mutable and one.rereads for one in others)
    assert not Tls.tls_port.mutable
