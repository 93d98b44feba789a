"""The sources that the settings ask for.

Whatever is wrong with the settings is told here, in one sentence and before anything is started; what is wrong with
the world is told by ``polling``, and tried again. What only one source needs, such as a library, is imported with it.
"""

import os
import random
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Final, cast

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


def _dns(settings: DiscoverySettings) -> Discovery:
    from .dns_name import DnsName  # noqa: PLC0415

    host = _needed(settings.cluster_dns_name, "cluster-dns-name")
    try:
        endpoint = parse_endpoint(host)
    except EndpointError as error:
        raise DiscoverySettingsError(f"cluster-dns-name {error}") from error
    return DnsName(endpoint.host, settings.cluster_dns_port or endpoint.port)


def _srv(settings: DiscoverySettings) -> Discovery:
    service = _needed(settings.cluster_srv_name, "cluster-srv-name")
    module = _library(".srv", "dnspython")
    return cast("Discovery", module.SrvRecords(service))


def _kubernetes(settings: DiscoverySettings) -> Discovery:
    service = _needed(settings.cluster_kubernetes_service, "cluster-kubernetes-service")
    module = _library(".kubernetes", "httpx2")
    source = module.KubernetesEndpoints(
        service,
        os.environ,
        namespace=settings.cluster_kubernetes_namespace,
        port=settings.cluster_kubernetes_port,
        api=settings.cluster_kubernetes_api,
    )
    return cast("Discovery", source)


def _multicast(settings: DiscoverySettings) -> Discovery:
    from .beacon import Beacon  # noqa: PLC0415
    from .multicast import Multicast, Network  # noqa: PLC0415

    network = Network(
        settings.cluster_multicast_group,
        settings.cluster_multicast_port,
        settings.cluster_multicast_interface,
        settings.cluster_multicast_ttl,
        settings.cluster_multicast_broadcast,
    )
    # Secrets can be changed while we run, so they are asked for each time.
    beacon = Beacon(settings.cluster_name, lambda: settings.cluster_secrets)
    return Multicast(network, beacon, random.Random())


def _file(settings: DiscoverySettings) -> Discovery:
    from .file import SeedFile  # noqa: PLC0415

    return SeedFile(_needed(settings.cluster_file, "cluster-file"))


def _uplink(settings: DiscoverySettings) -> Discovery:
    url = _needed(settings.cluster_uplink_url, "cluster-uplink-url")
    module = _library(".uplink", "httpx2")
    source = module.Uplink(url, settings.cluster_name, settings.cluster_discovery_period_seconds)
    return cast("Discovery", source)


def _needed(value: str, setting: str) -> str:
    if not value.strip():
        raise DiscoverySettingsError(f"it needs {setting}")
    return value.strip()


def _library(module: str, library: str) -> ModuleType:
    """Import what needs a library that not every installation has."""
    try:
        return import_module(module, __package__)
    except ImportError as error:
        raise DiscoverySettingsError(
            f"it needs {library}, which is not installed: pip install 'respcache[cluster]'"
        ) from error


MAKERS: Final[Mapping[str, Callable[[DiscoverySettings], Discovery]]] = {
    "static": _static,
    "dns": _dns,
    "srv": _srv,
    "kubernetes": _kubernetes,
    "multicast": _multicast,
    "file": _file,
    "uplink": _uplink,
}
