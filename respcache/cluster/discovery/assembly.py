"""The sources that the settings ask for.

Whatever is wrong with the settings is told here, in one sentence and before anything is started; what is wrong with
the world is told by ``polling``, and tried again. What only one source needs, such as a library, is imported with it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from .choices import DiscoverySettings
from .custom import custom_discovery
from .endpoints import EndpointError, parse_endpoint
from .protocol import Discovery, DiscoverySettingsError
from .static import StaticSeeds


def discoveries(settings: DiscoverySettings) -> list[Discovery]:
    """Make all sources, in the order of the settings, each once. DiscoverySettingsError says what is wrong with one."""
    return [_made(name, settings) for name in dict.fromkeys(settings.cluster_discovery)]


def _made(name: str, settings: DiscoverySettings) -> Discovery:
    make = MAKERS.get(name) if ":" not in name else lambda _: custom_discovery(name)
    if make is None:
        raise DiscoverySettingsError(
            f"unknown discovery {name!r}: it is one of {', '.join(MAKERS)}, or package.module:Class"
        )
    try:
        return make(settings)
    except DiscoverySettingsError as error:
        raise DiscoverySettingsError(f"discovery {name}: {error}") from error.__cause__


def _static(settings: DiscoverySettings) -> Discovery:
    for seed in settings.cluster_seeds:
        try:
            parse_endpoint(seed)
        except EndpointError as error:
            raise DiscoverySettingsError(f"the seed {error}") from error
    return StaticSeeds(settings.cluster_seeds)  # without seeds we are the first, and others come to us


MAKERS: Final[Mapping[str, Callable[[DiscoverySettings], Discovery]]] = {
    "static": _static,
}
