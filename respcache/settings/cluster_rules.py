"""What the settings of the cluster must say together, and what follows from several of them.

Mistakes are told before anything is opened, each in one sentence that says what to change. What the
ways of discovery need is theirs to ask for.
"""

from collections.abc import Iterator
from typing import Final

from .errors import SettingsError
from .settings import Settings

BUS_PORT_DISTANCE: Final = 10_000
"""From the client port to the bus port, as in Redis Cluster."""

HIGHEST_PORT: Final = 65_535


def is_clustered(settings: Settings) -> bool:
    """Say whether this is to be a node of a cluster; workers are peers of each other."""
    return settings.cluster_enabled or settings.workers > 1


def bus_port(settings: Settings) -> int:
    """Return the port for peers; 0 where the system chooses it, as it does the client port."""
    if settings.cluster_bus_port:
        return settings.cluster_bus_port
    port = settings.port or settings.tls_port
    return port + BUS_PORT_DISTANCE if port else 0


def bus_hosts(settings: Settings) -> tuple[str, ...]:
    """Return the addresses to listen on for peers, written as in ``bind``."""
    return settings.cluster_bus_bind or settings.bind


def exposed_host(settings: Settings) -> str | None:
    """Return an address on which strangers could speak to an open bus, or None if nobody can."""
    if settings.cluster_secrets or settings.cluster_allow_insecure:
        return None
    return next((host for host in map(_plain, bus_hosts(settings)) if not _is_loopback(host)), None)


def check_cluster(settings: Settings) -> None:
    """Raise SettingsError if a node could not, or should not, start with these settings."""
    if is_clustered(settings):
        _check_secret(settings)
        _check_tls(settings)
        _check_ports(settings)


def insecure(host: str) -> str:
    """Say what is wrong with listening there."""
    return (
        f"peers would be listened to on {host}, which is beyond this machine, without a secret: "
        "give cluster-secret, or say cluster-allow-insecure yes"
    )


def _check_secret(settings: Settings) -> None:
    host = exposed_host(settings)
    if host is not None:
        raise SettingsError(insecure(host))


def _check_tls(settings: Settings) -> None:
    files = (Settings.cluster_tls_cert_file, Settings.cluster_tls_key_file, Settings.cluster_tls_ca_file)
    missing = [parameter.name for parameter in files if not settings.value(parameter)]
    if missing and len(missing) < len(files):
        raise SettingsError(f"TLS between nodes needs {missing[0]} too: give all three files or none")


def _check_ports(settings: Settings) -> None:
    """Find ports that do not exist, or that two listeners would want. Each worker has its own for peers."""
    if settings.workers > 1 and not (settings.port or settings.tls_port):
        raise SettingsError("workers share one client port: give port a number")
    wanted: dict[int, str] = {}
    for port, name in _ports(settings):
        if port > HIGHEST_PORT:
            raise SettingsError(
                f"{name} would be {port}, and the highest is {HIGHEST_PORT}: give a lower {name}"
            )
        if port in wanted:
            raise SettingsError(
                f"{wanted[port]} and {name} would both be {port}: give one of them another port"
            )
        wanted[port] = name


def _ports(settings: Settings) -> Iterator[tuple[int, str]]:
    if settings.port:
        yield settings.port, "port"
    if settings.tls_port:
        yield settings.tls_port, "tls-port"
    for worker in range(settings.workers):
        if bus_port(settings):
            yield bus_port(settings) + worker, "cluster-bus-port"
        if settings.cluster_port:
            yield settings.cluster_port + worker, "cluster-port"


def _plain(host: str) -> str:
    return host.removeprefix("-")


def _is_loopback(host: str) -> bool:
    import ipaddress  # noqa: PLC0415 - a server that is alone starts a millisecond sooner without it

    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"  # other names, and *, may mean anything
    mapped = getattr(address, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return (mapped or address).is_loopback
