import pytest

from respcache.cluster.discovery.custom import custom_discovery
from respcache.cluster.discovery.protocol import DiscoverySettingsError, ReadOnly


class Ours(ReadOnly):
    async def peers(self) -> list[str]:
        return ["10.0.0.1:1"]


class Halved:
    async def peers(self) -> list[str]:
        return []


METHODS = ("peers",)


class Outer:
    Inner = Ours


class Unmakeable(Ours):
    def __init__(self) -> None:
        raise KeyError("PEERS")


@pytest.mark.parametrize("name", ["Ours", "Outer.Inner"])
async def test_any_class_can_be_a_source(name: str) -> None:
    assert list(await custom_discovery(f"{__name__}:{name}").peers()) == ["10.0.0.1:1"]


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("ours:", "'ours:' should look like package.module:Class"),
        ("no.such.module:Ours", "cannot import no.such.module: ModuleNotFoundError: No module named 'no'"),
        (f"{__name__}:Theirs", f"{__name__} has no Theirs"),
        (f"{__name__}:Halved", "it has no method register"),
        (f"{__name__}:Unmakeable", "cannot make it: KeyError: 'PEERS'"),
        (f"{__name__}:METHODS", f"{__name__}:METHODS cannot be called"),
    ],
)
def test_a_class_that_will_not_do_is_refused_with_its_reason(target: str, sentence: str) -> None:
    with pytest.raises(DiscoverySettingsError) as caught:
        custom_discovery(target)
    assert str(caught.value) == sentence
