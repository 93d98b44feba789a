import pytest

from respcache.settings.cluster_rules import bus_hosts, bus_port, check_cluster, is_clustered
from respcache.settings.errors import SettingsError
from respcache.settings.settings import Settings

FILES = ("cluster_tls_cert_file", "cluster_tls_key_file", "cluster_tls_ca_file")


def mistake(**texts: str) -> str:
    with pytest.raises(SettingsError) as caught:
        check_cluster(Settings(cluster_enabled="yes", **texts))
    return str(caught.value)


def check(**texts: str) -> None:
    check_cluster(Settings(**{"cluster_enabled": "yes", **texts}))


def test_a_node_on_its_own_machine_needs_nothing_more() -> None:
    check()
    check(workers="4", port="7001", cluster_port="8001")


def test_workers_are_a_cluster() -> None:
    assert is_clustered(Settings(workers="2"))
    assert not is_clustered(Settings())


def test_the_bus_is_ten_thousand_above_the_clients_unless_it_is_named() -> None:
    assert bus_port(Settings(port="7001")) == 17001
    assert bus_port(Settings(port="7001", cluster_bus_port="9")) == 9
    assert bus_port(Settings(port="0")) == 0
    assert bus_port(Settings(port="0", tls_port="7002")) == 17002


def test_peers_are_listened_to_where_clients_are_unless_it_is_said() -> None:
    assert bus_hosts(Settings(bind="10.0.0.1")) == ("10.0.0.1",)
    assert bus_hosts(Settings(bind="*", cluster_bus_bind="127.0.0.1")) == ("127.0.0.1",)


@pytest.mark.parametrize(
    "host", ["*", "0.0.0.0", "::", "::*", "-10.0.0.1", "cache.example.org", "127.0.0.1 10.0.0.1"]
)
def test_a_bus_that_others_reach_needs_a_secret(host: str) -> None:
    assert "beyond this machine, without a secret" in mistake(bind=host)
    assert "beyond this machine, without a secret" in mistake(cluster_bus_bind=host)
    check(bind=host, cluster_secret="sesame")
    check(bind=host, cluster_allow_insecure="yes")
    check(bind=host, cluster_bus_bind="127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "-::1", "127.0.0.2", "localhost", "127.0.0.1 ::1"])
def test_this_machine_alone_needs_none(host: str) -> None:
    check(bind=host)


def test_a_server_that_is_alone_has_no_bus_to_guard() -> None:
    check_cluster(Settings(bind="*", cluster_tls_cert_file="x", cluster_port="6379"))


@pytest.mark.parametrize("missing", FILES)
def test_of_the_files_for_tls_none_may_be_missing(missing: str) -> None:
    check(**dict.fromkeys(FILES, "x"))
    texts = {name: "x" for name in FILES if name != missing}
    assert missing.replace("_", "-") in mistake(**texts)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {"port": "60000"},
            "cluster-bus-port would be 70000, and the highest is 65535: give a lower cluster-bus-port",
        ),
        (
            {"port": "7001", "cluster_port": "7001"},
            "port and cluster-port would both be 7001: give one of them another port",
        ),
        ({"port": "7001", "cluster_port": "17001"}, "cluster-bus-port and cluster-port would both be 17001"),
        (
            {"port": "7001", "cluster_bus_port": "7000", "workers": "2"},
            "port and cluster-bus-port would both be 7001",
        ),
        ({"port": "7001", "cluster_port": "65535", "workers": "2"}, "cluster-port would be 65536"),
        ({"port": "0", "workers": "2"}, "workers share one client port: give port a number"),
        (
            {"port": "7001", "tls_port": "7001"},
            "port and tls-port would both be 7001",
        ),
    ],
)
def test_every_listener_needs_a_port_of_its_own(texts: dict[str, str], message: str) -> None:
    assert mistake(**texts).startswith(message)
