"""What each worker of ``--workers N`` is told beside the settings that all of them share.

Workers are nodes of one cluster on one machine. They share the client port and have ports of their own for peers and for
cluster clients, counted up from the first worker's. Each is seeded with all the others, so that any that
lives is enough to come back to.
"""

from collections.abc import Iterator
from typing import Final

from ..settings.cluster_rules import bus_hosts, bus_port
from ..settings.settings import Settings
from ..settings.word_lists import join_address

ANYWHERE: Final = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "::*": "::1"}
"""Where a bus that listens everywhere is reached from the same machine."""

STATIC: Final = "static"
"""The way of discovery that reads the seeds."""


def worker_flags(settings: Settings, worker: int) -> list[str]:
    """Return flags to put behind the user's own, which they overrule. Workers count from 0."""
    return [
        # What the file says may have changed when a worker is started again; the port it shares has not.
        f"--port={settings.port}",
        f"--tls-port={settings.tls_port}",
        "--workers=1",
        "--reuse-port=yes",
        "--cluster-enabled=yes",
        f"--cluster-bus-port={bus_port(settings) + worker}",
        f"--cluster-seeds={','.join(_seeds(settings, worker))}",
        f"--cluster-discovery={','.join(dict.fromkeys((STATIC, *settings.cluster_discovery)))}",
        *_own_ports(settings, worker),
    ]


def _seeds(settings: Settings, worker: int) -> list[str]:
    host = bus_hosts(settings)[0].removeprefix("-") if bus_hosts(settings) else "127.0.0.1"
    host = ANYWHERE.get(host, host)
    siblings = [other for other in range(settings.workers) if other != worker]
    addresses = [join_address(host, bus_port(settings) + other) for other in siblings]
    return list(dict.fromkeys((*settings.cluster_seeds, *addresses)))


def _own_ports(settings: Settings, worker: int) -> Iterator[str]:
    for parameter in (
        Settings.cluster_port,
        Settings.cluster_announce_cluster_port,
        Settings.cluster_announce_bus_port,
    ):
        first = settings.value(parameter)
        if first:
            yield f"--{parameter.name}={first + worker}"
    if settings.unixsocket and worker:
        yield f"--{Settings.unixsocket.name}="  # a path belongs to one process: the first
