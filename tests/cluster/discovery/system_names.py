"""A program for a network namespace of its own: asks the system's resolver for a name of ``dns_server``, and prints what comes.

    unshare --map-root-user --net --mount python -m tests.cluster.discovery.system_names resolv.conf

There it may use port 53 and replace /etc/resolv.conf, which is the only way to tell the C library whom to ask.
"""

import random
import subprocess
import sys

import trio

from respcache.cluster.discovery.dns_name import DnsName
from respcache.cluster.discovery.endpoints import Address
from respcache.cluster.discovery.polling import poll
from tests.cluster.discovery.dns_server import DnsServer
from tests.cluster.discovery.fakes import ME

ZONE = {
    ("cache.example.", "A"): ["10.0.0.1", "10.0.0.2"],
    ("cache.example.", "AAAA"): ["fd00::1"],
}


async def main() -> None:
    found: list[Address] = []

    def take(addresses: list[Address]) -> None:
        found[:] = addresses
        scope.cancel()

    async with DnsServer(ZONE).running(53):
        with trio.move_on_after(5) as scope:
            await poll([DnsName("cache.example", 7)], ME, take, period_s=1, chance=random.Random())
    sys.stdout.write(f"{sorted(found)}\n")


if __name__ == "__main__":
    subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    trio.run(main)
