"""Start several nodes of one cluster, ask them about it, and stop them again.

Ports of nodes that may be started again at their address lie below the range from which Linux takes the ports
of outgoing connections, or another node's connection could sit on one.
"""

import argparse
import binascii
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from hiredis import ReplyError
from servers import Server

PORTS: Final = range(12_000, 32_000)
SLOTS: Final = 16384
POLL_S: Final = 0.02
TOGETHER_S: Final = 30
"""By then any cluster is one; benchmarks with a limit of their own look at the time it took."""


@dataclass(slots=True)
class Place:
    """Where a node lives; it keeps its ports when it is started again."""

    name: str
    port: int
    bus_port: int
    flags: list[str] = field(default_factory=list)

    @property
    def bus(self) -> str:
        return f"127.0.0.1:{self.bus_port}"

    def start(self, seed: str, python: str = sys.executable) -> Server:
        command = [python, "-m", "respcache", "serve", "--cluster", "--bus-port", str(self.bus_port)]
        command += ["--seeds", seed] if seed != self.bus else []
        return Server(self.name, [*command, *self.flags], {}, self.port)


def places(count: int, flags: Sequence[str] = ()) -> list[Place]:
    """Return free places for so many nodes."""
    ports: list[int] = []
    while len(ports) < 2 * count:
        port = random.choice(PORTS)
        if port not in ports and _is_free(port):
            ports.append(port)
    return [
        Place(f"node {number + 1}", ports[2 * number], ports[2 * number + 1], list(flags))
        for number in range(count)
    ]


def _is_free(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def start_together(where: Sequence[Place], python: str = sys.executable) -> list[Server]:
    """Start all at once, with the first as the seed of all; return when each answers clients."""
    with ThreadPoolExecutor(len(where)) as pool:
        starting = [pool.submit(place.start, where[0].bus, python) for place in where]
    started = [future.result() for future in starting if not future.exception()]
    if len(started) < len(where):
        stop_all(started)
        raise next(failure for future in starting if (failure := future.exception()))
    return started


@contextmanager
def cluster(count: int, flags: Sequence[str] = (), python: str = sys.executable) -> Iterator[list[Server]]:
    """Run a cluster of so many nodes."""
    servers = start_together(places(count, flags), python)
    try:
        wait_until_together(servers)
        wait_until_safe(servers[0])
        yield servers
    finally:
        stop_all(servers)


def stop_all(servers: Sequence[Server]) -> None:
    with ThreadPoolExecutor(len(servers) or 1) as pool:  # none, where none could start
        list(pool.map(Server.stop, servers))


def kill(server: Server) -> float:
    """End a process as a crash does; return when, by the monotonic clock."""
    os.kill(server.pid, signal.SIGKILL)
    return time.monotonic()


def view(server: Server) -> tuple[int, str]:
    """Return how many members a node counts as active, and the digest of its table of owners."""
    with server.connect(timeout_s=5) as connection:
        figures = connection.info("cluster")
    return int(figures["cluster_active_members"]), figures["cluster_view_digest"]


def wait_until_together(servers: Sequence[Server], limit_s: float = TOGETHER_S) -> None:
    """Wait until each counts all as active, and all have the same table of owners."""
    deadline = time.monotonic() + limit_s
    while not is_together(servers):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(servers)} nodes are not one cluster after {limit_s:g} s")
        time.sleep(POLL_S)


def wait_until_safe(server: Server, limit_s: float = TOGETHER_S) -> None:
    """Wait until every partition is served where it shall be, with all its copies."""
    deadline = time.monotonic() + limit_s
    while True:
        with server.connect(timeout_s=5) as connection, suppress(ReplyError):
            if connection.call("CLUSTER", "SAFE") == b"OK":
                return
        if time.monotonic() > deadline:
            raise RuntimeError(f"partitions are not where they should be after {limit_s:g} s")
        time.sleep(POLL_S)


def is_together(servers: Sequence[Server]) -> bool:
    views = {view(server) for server in servers}
    return len(views) == 1 and views.pop()[0] == len(servers)


def owners(server: Server) -> list[int]:
    """Return the client port of each slot's owner, as this node tells clients."""
    with server.connect() as connection:
        ranges = connection.call("CLUSTER", "SLOTS")
    ports = [0] * SLOTS
    for first, last, owner, *_ in ranges:
        ports[first : last + 1] = [owner[1]] * (last - first + 1)
    return ports


def tag_of(server: Server, owner_ports: Sequence[int]) -> str:
    """Return a word that, as a hash tag, puts keys on this node."""
    return tags_of(server, owner_ports, 1)[0]


def tags_of(server: Server, owner_ports: Sequence[int], count: int) -> list[str]:
    """Return so many words that, as hash tags, put keys on this node."""
    words = (f"tag{number}" for number in range(10_000 * count))
    own = (word for word in words if owner_ports[binascii.crc_hqx(word.encode(), 0) % SLOTS] == server.port)
    found = list(islice(own, count))
    if len(found) < count:
        raise RuntimeError(f"{server.label} owns next to nothing")
    return found


def option_parser(documentation: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every script has that compares respcache with itself."""
    parser = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs respcache")
    return parser
