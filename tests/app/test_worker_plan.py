from respcache.app.worker_plan import worker_flags
from respcache.settings.flags import parse_flags
from respcache.settings.settings import Settings
from respcache.settings.sources import load


def planned(worker: int, **texts: str) -> Settings:
    """Return what a worker makes of the user's settings and its own flags."""
    settings = Settings(**{"port": "7001", "workers": "3", **texts})
    users = [(name.replace("_", "-"), text) for name, text in texts.items()]
    return load(flags=[*users, *parse_flags(worker_flags(settings, worker)).settings])


def test_all_share_the_client_port_and_are_single_nodes_of_a_cluster() -> None:
    for worker in range(3):
        settings = planned(worker)
        assert (settings.port, settings.reuse_port) == (7001, True)
        assert (settings.workers, settings.cluster_enabled) == (1, True)


def test_all_share_the_port_for_tls_which_may_be_the_only_one() -> None:
    plans = [planned(worker, port="0", tls_port="7002") for worker in range(3)]
    assert [(plan.port, plan.tls_port, plan.cluster_bus_port) for plan in plans] == [
        (0, 7002, 17002),
        (0, 7002, 17003),
        (0, 7002, 17004),
    ]


def test_each_has_its_own_port_for_peers_and_is_seeded_with_the_others() -> None:
    assert [planned(worker).cluster_bus_port for worker in range(3)] == [17001, 17002, 17003]
    assert planned(1).cluster_seeds == ("127.0.0.1:17001", "127.0.0.1:17003")


def test_a_bus_port_of_the_users_is_the_first_of_as_many() -> None:
    assert [planned(worker, cluster_bus_port="9000").cluster_bus_port for worker in range(3)] == [
        9000,
        9001,
        9002,
    ]


def test_each_has_its_own_port_for_cluster_clients_if_there_is_one() -> None:
    assert [planned(worker, cluster_port="8001").cluster_port for worker in range(3)] == [8001, 8002, 8003]
    assert planned(1).cluster_port == 0


def test_ports_as_seen_from_outside_are_counted_up_too() -> None:
    settings = planned(2, cluster_announce_cluster_port="30001", cluster_announce_bus_port="31001")
    assert settings.cluster_announce_cluster_port == 30003
    assert settings.cluster_announce_bus_port == 31003


def test_the_users_seeds_come_first_and_each_once() -> None:
    settings = planned(0, cluster_seeds="10.0.0.9:17001,127.0.0.1:17003")
    assert settings.cluster_seeds == ("10.0.0.9:17001", "127.0.0.1:17003", "127.0.0.1:17002")


def test_seeds_are_read_whatever_way_of_discovery_the_user_has_chosen() -> None:
    assert planned(0, cluster_discovery="dns").cluster_discovery == ("static", "dns")
    assert planned(0, cluster_discovery="dns,static").cluster_discovery == ("static", "dns")


def test_peers_are_looked_for_where_they_listen() -> None:
    secret = {"cluster_secret": "s"}
    assert planned(0, bind="-10.0.0.1 127.0.0.1", **secret).cluster_seeds[0] == "10.0.0.1:17002"
    assert planned(0, bind="*", **secret).cluster_seeds[0] == "127.0.0.1:17002"
    assert planned(0, bind="*", cluster_bus_bind="::", **secret).cluster_seeds[0] == "[::1]:17002"


def test_a_unix_socket_belongs_to_the_first() -> None:
    assert [planned(worker, unixsocket="/run/x").unixsocket for worker in range(3)] == ["/run/x", "", ""]
