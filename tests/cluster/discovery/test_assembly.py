import inspect
import re
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from respcache.app.configuration import read_configuration
from respcache.cluster.discovery import choices
from respcache.cluster.discovery.assembly import MAKERS, discoveries
from respcache.cluster.discovery.protocol import DiscoverySettingsError
from respcache.cluster.discovery.static import StaticSeeds
from respcache.settings.cluster import WAYS
from respcache.settings.settings import Settings

from .fakes import Choices
from .test_custom import Ours


def test_seeds_are_the_default() -> None:
    (source,) = discoveries(Choices())
    assert isinstance(source, StaticSeeds)


def test_sources_come_in_their_order_each_once() -> None:
    ours = f"{Ours.__module__}:Ours"
    found = discoveries(Choices(cluster_discovery=(ours, "static", ours)))
    assert [type(source).__name__ for source in found] == ["Ours", "StaticSeeds"]


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        (Choices(cluster_discovery=("dsn",)), "unknown discovery 'dsn': it is one of static"),
        (Choices(cluster_discovery=("dns",)), "discovery dns: it needs cluster-dns-name"),
        (
            Choices(cluster_discovery=("dns",), cluster_dns_name="a b"),
            "discovery dns: cluster-dns-name 'a b'",
        ),
        (Choices(cluster_discovery=("srv",)), "discovery srv: it needs cluster-srv-name"),
        (
            Choices(cluster_discovery=("kubernetes",)),
            "discovery kubernetes: it needs cluster-kubernetes-service",
        ),
        (Choices(cluster_discovery=("file",)), "discovery file: it needs cluster-file"),
        (Choices(cluster_discovery=("uplink",)), "discovery uplink: it needs cluster-uplink-url"),
        (
            Choices(cluster_discovery=("multicast",), cluster_multicast_group="10.0.0.1"),
            "discovery multicast: '10.0.0.1' is no multicast group",
        ),
        (Choices(cluster_seeds=("a:b",)), "discovery static: the seed 'a:b' should look like host:port"),
        (Choices(cluster_discovery=("no.such:Class",)), "discovery no.such:Class: cannot import no.such"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(choices: Choices, sentence: str) -> None:
    with pytest.raises(DiscoverySettingsError) as caught:
        discoveries(choices)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_every_way_of_the_settings_can_be_made() -> None:
    settings = Choices(
        cluster_discovery=WAYS,
        cluster_dns_name="cache",
        cluster_srv_name="_respcache._udp.example",
        cluster_kubernetes_service="cache",
        cluster_kubernetes_api="http://127.0.0.1:8001",
        cluster_file="peers",
        cluster_uplink_url="http://127.0.0.1:6400",
    )
    assert [source.name for source in discoveries(settings)] == list(WAYS)  # type: ignore[attr-defined]  # ours have one
    assert set(WAYS) == MAKERS.keys()


def test_the_settings_themselves_will_do() -> None:
    (source,) = discoveries(Settings())
    assert isinstance(source, StaticSeeds)


async def test_a_name_may_bring_its_port() -> None:
    (source,) = discoveries(Choices(cluster_discovery=("dns",), cluster_dns_name="cache:7"))
    assert list(await source.peers()) == ["cache:7"]


@pytest.mark.parametrize(
    ("way", "module", "library"), [("srv", "dns", "dnspython"), ("uplink", "httpx2", "httpx2")]
)
def test_without_a_library_the_operator_is_told_what_to_install(
    way: str, module: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("respcache.cluster.discovery.", "dns."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    choices = Choices(cluster_discovery=(way,), cluster_srv_name="a", cluster_uplink_url="http://a")
    with pytest.raises(DiscoverySettingsError) as caught:
        discoveries(choices)
    expected = (
        f"discovery {way}: it needs {library}, which is not installed: pip install 'respcache[cluster]'"
    )
    assert str(caught.value) == expected


RECIPES = (Path(__file__).parents[3] / "docs" / "discovery.md").read_text()
BLOCKS = [dedent(block) for block in re.findall(r"(?:^    .*\n|^\n)+", RECIPES, flags=re.MULTILINE)]


@pytest.mark.parametrize("recipe", [block for block in BLOCKS if "[cluster]" in block])
def test_recipes_of_the_manual_can_be_followed(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    text, _, example = recipe.partition("\n# ")
    if "class " in example:
        (tmp_path / "ours" / "peers.py").write_text(example.partition("\n")[2])
    (tmp_path / "respcache.toml").write_text(text)
    settings = read_configuration([str(tmp_path / "respcache.toml")], {}).settings
    (source,) = discoveries(settings)
    assert settings.cluster_discovery != ("static",)
    assert callable(source.peers)


def test_the_manual_names_every_way_and_every_setting_of_it() -> None:
    for way in WAYS:
        assert f"| `{way}`" in RECIPES
    for name in re.findall(
        r"cluster_((?:dns|srv|kubernetes|multicast|uplink)_\w+)", inspect.getsource(choices)
    ):
        assert f"`{name.replace('_', '-')}`" in RECIPES
