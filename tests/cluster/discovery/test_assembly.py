import pytest

from respcache.cluster.discovery.assembly import discoveries
from respcache.cluster.discovery.protocol import DiscoverySettingsError
from respcache.cluster.discovery.static import StaticSeeds

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
        (Choices(cluster_seeds=("a:b",)), "discovery static: the seed 'a:b' should look like host:port"),
        (Choices(cluster_discovery=("no.such:Class",)), "discovery no.such:Class: cannot import no.such"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(choices: Choices, sentence: str) -> None:
    with pytest.raises(DiscoverySettingsError) as caught:
        discoveries(choices)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
