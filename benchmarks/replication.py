"""Measure what copies cost a write, and whether an acknowledged one comes as fast as redis-server's.

Two nodes with one copy of each key, with two that are acknowledged at once (async) or when both have it (sync), and three
nodes with three; beside them redis-server with one replica, whose clients send WAIT 1 behind each pipeline: then at least one
replica has the writes, which is what sync promises without being asked. (WAIT behind each SET is shown, too: only then does each
answer say that its write is safe, as each of a pipeline does with sync.) 50 clients SET keys of 12 digits and values of 32 bytes. They ask each
key's owner, as clients that know the cluster's protocol do; with redis-server that is the master. CPU is that of all servers together, per
SET. We promise:

- sync with two copies has at least the throughput of redis-server with WAIT 1, at depths 1 and 16.

All servers and this process share the machine's cores; a round of each follows a round of the others.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final

from clusters import cluster, option_parser, owners, tags_of
from hiredis import ReplyError
from pipelines import Rate, Target, run_sets
from report import Report
from servers import Server, start_redis
from wire import Connection, encoded

CLIENTS: Final = 50
REQUESTS: Final = {1: 30_000, 16: 200_000}
"""SETs of a round by depth: one to three seconds."""

WAIT_ONE: Final = encoded("WAIT", "1", "0")
ONE: Final = b":1\r\n"
TAGS: Final = 200
"""Hash tags of each node: its keys lie in many of its partitions, as anybody's do."""

LINKED_S: Final = 15.0
YARDSTICK: Final = "redis-server, WAIT 1"
PROMISED: Final = "2 copies, sync"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Servers that keep each other's copies, and how they are asked."""

    name: str
    servers: Sequence[Server]
    targets: Sequence[Target]

    def cpu_seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self.servers)


@contextmanager
def all_arrangements(python: str) -> Iterator[list[Arrangement]]:
    """Start everything that is compared; what is not measured stands idle."""
    with ExitStack() as running:
        master = running.enter_context(start_redis())
        replica = running.enter_context(start_redis())
        follow(replica, master)
        pair = [master, replica]
        found = [
            Arrangement("redis-server, no WAIT", pair, [Target(master)]),
            Arrangement(YARDSTICK, pair, [Target(master, after=WAIT_ONE, answer=ONE)]),
            Arrangement(
                "redis-server, WAIT 1 each",
                pair,
                [Target(master, after=WAIT_ONE, answer=ONE, is_after_each=True)],
            ),
        ]
        for copies, ack in ((1, "sync"), (2, "async"), (2, "sync"), (3, "sync")):
            name = f"{copies} copies, {ack}" if copies > 1 else "1 copy"
            flags = ["--copies", str(copies), "--cluster-replication-ack", ack]
            nodes = running.enter_context(cluster(max(2, copies), flags, python))
            wait_until_safe(nodes)
            found.append(Arrangement(name, nodes, targets_of(nodes)))
        yield found


def follow(replica: Server, master: Server) -> None:
    """Make one redis-server the replica of another, and wait until it has caught up."""
    with master.connect() as asked, replica.connect() as told:
        asked.call("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        told.call("REPLICAOF", "127.0.0.1", master.port)
        wait_until(lambda: told.info("replication")["master_link_status"] == "up", "the replica follows")


def wait_until_safe(nodes: Sequence[Server]) -> None:
    """Wait until every node has its copies: a write is not answered later than it will be."""
    for node in nodes:
        with node.connect() as connection:
            wait_until(partial(is_safe, connection), f"{node.label} has its copies")


def is_safe(connection: Connection) -> bool:
    try:
        return bool(connection.call("CLUSTER", "SAFE") == b"OK")
    except ReplyError:
        return False


def wait_until(question: Callable[[], bool], claim: str) -> None:
    deadline = time.monotonic() + LINKED_S
    while not question():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not so after {LINKED_S:g} s: {claim}")
        time.sleep(0.05)


def targets_of(nodes: Sequence[Server]) -> list[Target]:
    """Return each node with tags of keys that it owns."""
    ports = owners(nodes[0])
    return [Target(node, tags_of(node, ports, TAGS)) for node in nodes]


def measure(arrangement: Arrangement, depth: int, requests: int) -> tuple[Rate, float]:
    """Run one round; return it with the CPU time of all servers, in us per SET."""
    before_s = arrangement.cpu_seconds()
    rate = run_sets(arrangement.targets, clients=CLIENTS, depth=depth, requests=requests)
    return rate, (arrangement.cpu_seconds() - before_s) * 1e6 / requests


def report_depth(
    report: Report, arrangements: Sequence[Arrangement], depth: int, options: argparse.Namespace
) -> None:
    requests = max(int(REQUESTS.get(depth, 12_000 * depth) * options.scale), CLIENTS * depth)
    rounds: list[list[tuple[Rate, float]]] = [[] for _ in arrangements]
    for _ in range(options.rounds):
        for arrangement, measured in zip(arrangements, rounds, strict=True):
            measured.append(measure(arrangement, depth, requests))
    speeds = {}
    for arrangement, measured in zip(arrangements, rounds, strict=True):
        rates = [rate for rate, _ in measured]
        speeds[arrangement.name] = median(rate.requests_per_second for rate in rates)
        report.add(
            {
                "depth": depth,
                "servers": arrangement.name,
                "processes": len(arrangement.servers),
                "SET/s": speeds[arrangement.name],
                "p50 ms": median(rate.p50_ms for rate in rates),
                "p99 ms": median(rate.p99_ms for rate in rates),
                "CPU us": median(cpu_us for _, cpu_us in measured),
            }
        )
    if {PROMISED, YARDSTICK} <= speeds.keys():
        report.expect_at_least(
            f"SETs of {PROMISED}, beside {YARDSTICK}, {depth} deep", speeds[PROMISED] / speeds[YARDSTICK], 1.0
        )


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--depths", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the requests of a round")
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("Writes and their copies", options)
    with all_arrangements(options.python) as arrangements:
        for depth in options.depths:
            report_depth(report, arrangements, depth, options)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
