import pytest

from respcache.settings.cluster import WAYS, Cluster
from respcache.settings.copies import Copies
from respcache.settings.errors import SettingsError
from respcache.settings.flags import parse_flags
from respcache.settings.http import Http
from respcache.settings.settings import HIDDEN, PARAMETERS_BY_FLAG, PARAMETERS_BY_NAME, Settings
from respcache.settings.sources import load
from tests.rows import every_row

FILE = """
[cluster]
enabled = true
name = "shop"
seeds = ["10.0.0.1:17001", "[::1]:17002"]
bus-port = 17003
port = 8003
copies = 3
secret = ["new", "old"]
weight = 0.5
zone = "north"
discovery = ["static", "dns"]
announce.host = "cache.example.org"
dns.name = "peers"
"""


def of_flags(line: str) -> Settings:
    return load(flags=parse_flags(line.split()).settings)


def test_two_commands_of_a_few_short_flags_are_enough_for_a_cluster() -> None:
    first = of_flags("--port 7001 --cluster")
    second = of_flags("--port 7002 --cluster --seeds 127.0.0.1:17001")
    assert first.cluster_enabled
    assert second.cluster_enabled
    assert second.cluster_seeds == ("127.0.0.1:17001",)


def test_every_short_flag_is_a_setting_of_its_own() -> None:
    settings = of_flags(
        "--cluster yes --seeds a:1,b:2 --bus-port 1 --cluster-port 2 --copies 3 --secret x y --discovery dns "
        "--zone z --weight 2 --announce-host h"
    )
    assert (settings.cluster_bus_port, settings.cluster_port, settings.cluster_copies) == (1, 2, 3)
    assert settings.cluster_seeds == ("a:1", "b:2")
    assert settings.cluster_secrets == ("x", "y")
    assert settings.cluster_discovery == ("dns",)
    assert (settings.cluster_zone, settings.cluster_weight, settings.cluster_announce_host) == ("z", 2.0, "h")


def test_short_flags_take_no_other_settings_name_and_are_for_the_command_line_only() -> None:
    sections = (Cluster, Copies, Http)
    flags = [flag for one in sections for parameter in one.parameters for flag in parameter.flags]
    assert len(PARAMETERS_BY_FLAG) == len(PARAMETERS_BY_NAME) + len(flags)
    with pytest.raises(SettingsError, match='there is no setting "seeds"'):
        load('seeds = ["a:1"]')


def test_a_table_of_the_file_says_the_same() -> None:
    settings = load(FILE)
    assert settings.cluster_enabled
    assert (settings.cluster_name, settings.cluster_port, settings.cluster_copies) == ("shop", 8003, 3)
    assert settings.cluster_seeds == ("10.0.0.1:17001", "[::1]:17002")
    assert settings.cluster_secrets == ("new", "old")
    assert settings.cluster_announce_host == "cache.example.org"
    assert settings.cluster_dns_name == "peers"


def test_every_setting_has_its_place_in_the_table() -> None:
    assert Cluster.table == "cluster"
    assert all(parameter.name.startswith("cluster-") for parameter in Cluster.parameters)


def test_the_environment_says_the_same() -> None:
    settings = load(environ={"RESPCACHE_CLUSTER_ENABLED": "yes", "RESPCACHE_CLUSTER_SEEDS": "a:1,b:2"})
    assert settings.cluster_enabled
    assert settings.cluster_seeds == ("a:1", "b:2")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--seeds 127.0.0.1",
            'flag --seeds is "127.0.0.1", but must be addresses as host:port (the peer\'s bus port)',
        ),
        ("--copies 9", 'flag --copies is "9", but must be a whole number from 1 to 8'),
        ("--weight 0", 'flag --weight is "0", but must be a number from 0.01 to 100'),
        ("--sedes a:1", "flag --sedes: there is no such setting; did you mean --seeds?"),
        ("--cluster 7001", 'flag --cluster is "7001", but must be yes or no'),
    ],
)
def test_a_mistake_is_told_in_the_words_of_the_command_line(line: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        of_flags(line)
    assert str(caught.value) == message


@every_row("way", [*WAYS, "my.package:Finder"])
def test_ways_of_discovery_are_known_words_or_classes(way: str) -> None:
    assert of_flags(f"--discovery {way}").cluster_discovery == (way,)


def test_an_unknown_way_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match="static, dns, srv, kubernetes, multicast, file, uplink"):
        of_flags("--discovery zeroconf")


def test_secrets_are_hidden_in_listings_and_can_be_rotated() -> None:
    settings = of_flags("--secret sesame")
    assert settings.shown(Settings.cluster_secrets) == HIDDEN
    settings.set_many([("cluster-secret", "new sesame")])
    assert settings.cluster_secrets == ("new", "sesame")


def test_a_wrong_secret_is_not_told() -> None:
    with pytest.raises(SettingsError) as caught:
        of_flags("--secret " + "sesame " * 9)
    assert "sesame" not in str(caught.value)


def test_whoever_may_rotate_the_secret_may_change_nothing_else() -> None:
    assert [p.name for p in Cluster.parameters if p.mutable] == ["cluster-secret"]
