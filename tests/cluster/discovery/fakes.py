"""Sources that say what they are told to, and what the settings may hold."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import trio

from respcache.cluster.discovery.endpoints import Address, numeric_host
from respcache.cluster.discovery.protocol import Announcement, SourceError

ME = Announcement(id="ab" * 20, bus="127.0.0.1:17001", name="127.0.0.1:7001", cluster="test")


def announcement(number: int, *, bus: str = "", cluster: str = "test") -> Announcement:
    port = 17000 + number
    return Announcement(f"{number:040x}", bus or f"127.0.0.1:{port}", f"127.0.0.1:{port - 10000}", cluster)


async def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what real sockets and other tasks are about to bring about."""
    with trio.fail_after(3):
        while not is_so():  # noqa: ASYNC110 - nobody there would set an event for us
            await trio.sleep(0.005)


class Scripted:
    """A source that gives the next answer of a list, and the last one for ever."""

    name = "scripted"

    def __init__(self, *answers: Sequence[str] | Exception, takes_s: float = 0) -> None:
        self.answers = list(answers)
        self.takes_s = takes_s
        self.asked_at: list[float] = []
        self.told: list[tuple[str, str]] = []

    async def peers(self) -> Sequence[str]:
        self.asked_at.append(trio.current_time())
        await trio.sleep(self.takes_s)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def register(self, me: Announcement) -> None:
        self.told.append(("register", me.name))

    async def deregister(self, me: Announcement) -> None:
        self.told.append(("deregister", me.name))

    async def run(self) -> None:
        self.told.append(("run", ""))


class Names:
    """A resolver that knows some names, and forgets or hangs on command."""

    def __init__(self, **hosts: list[str]) -> None:
        self.hosts = hosts
        self.hanging: set[str] = set()

    async def __call__(self, host: str, port: int) -> list[Address]:
        if host in self.hanging:
            await trio.sleep_forever()
        if numeric_host(host):
            return [(host, port)]
        if host not in self.hosts:
            raise SourceError(f"cannot resolve {host}")
        return [(one, port) for one in self.hosts[host]]


class Evenly(random.Random):
    """Chance that always draws the middle."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@dataclass(frozen=True)
class Choices:
    """Settings with the defaults of somebody who has set nothing."""

    cluster_name: str = "test"
    cluster_secrets: tuple[str, ...] = field(default=())
    cluster_discovery: tuple[str, ...] = ("static",)
    cluster_discovery_period_seconds: int = 5
    cluster_seeds: tuple[str, ...] = ()
    cluster_dns_name: str = ""
    cluster_dns_port: int = 0
    cluster_srv_name: str = ""
    cluster_kubernetes_service: str = ""
    cluster_kubernetes_namespace: str = ""
    cluster_kubernetes_port: str = ""
    cluster_kubernetes_api: str = ""
    cluster_multicast_group: str = "239.192.7.1"
    cluster_multicast_port: int = 45892
    cluster_multicast_interface: str = ""
    cluster_multicast_ttl: int = 1
    cluster_multicast_broadcast: bool = False
    cluster_file: str = ""
    cluster_uplink_url: str = ""
