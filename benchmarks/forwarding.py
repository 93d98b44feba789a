"""Measure what it costs to ask a node for a key that another one owns.

Two nodes are one cluster; all clients ask the first. In turn they use keys that it owns and keys that the other owns,
chosen by hash tags. A server without a cluster shows, as the yardstick, what the cluster costs where nothing is forwarded.
CPU is that of both nodes together. We promise, of forwarded against local requests of the same cluster:

- CPU per GET and SET: at most 2.5 times, at depths 1, 16 and 64;
- the median latency of a lone client: at most 2.5 times.

The lone client and the second node share a core, and the first node has another: of the two, only one ever works.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

from clusters import cluster, option_parser, owners, tag_of
from redis_benchmark import KEYS, Figures, Load, medians, run
from report import Report
from servers import Server, start_respcache
from wire import encoded

REQUESTS: Final = {1: 50_000, 16: 400_000, 64: 800_000}
"""Requests per round by depth: one to three seconds of a forwarding cluster."""

LONE_BLOCK: Final = 1000
"""Requests of the lone client before it turns to the other keys: a tenth of a second."""

LONE_BLOCKS_PER_ROUND: Final = 5
CPU_LIMIT: Final = 2.5
LATENCY_LIMIT: Final = 2.5


@dataclass(frozen=True, slots=True)
class Way:
    """How a request goes: whom clients ask, whose CPU counts, and the tag of the keys."""

    name: str
    asked: Server
    working: Sequence[Server]
    tag: str

    def words(self, test: str, number: str = "__rand_int__") -> tuple[str, ...]:
        key = f"{{{self.tag}}}:{number}"
        return ("GET", key) if test == "get" else ("SET", key, "xxx")


def all_ways(alone: Server, nodes: Sequence[Server]) -> list[Way]:
    ports = owners(nodes[0])
    own, other = (tag_of(node, ports) for node in nodes)
    return [
        Way("single node", alone, [alone], own),
        Way("cluster, local", nodes[0], nodes, own),
        Way("cluster, forwarded", nodes[0], nodes, other),
    ]


def measure(way: Way, load: Load) -> Figures:
    """Run one round; CPU is that of every server that takes part."""
    before_s = sum(server.cpu_seconds() for server in way.working)
    figures = run(way.asked, load)
    cpu_s = sum(server.cpu_seconds() for server in way.working) - before_s
    return Figures(figures.requests_per_second, figures.p50_ms, figures.p99_ms, cpu_s * 1e6 / load.requests)


def report_load(
    report: Report, ways: Sequence[Way], test: str, depth: int, options: argparse.Namespace
) -> None:
    requests = max(int(REQUESTS.get(depth, 20_000 * depth) * options.scale), 50 * depth)
    measured: list[list[Figures]] = [[] for _ in ways]
    for _ in range(options.rounds):
        for way, collected in zip(ways, measured, strict=True):
            collected.append(measure(way, Load(test, requests, depth=depth, words=way.words(test))))
    found = [medians(figures) for figures in measured]
    local = found[1]
    for way, figures in zip(ways, found, strict=True):
        report.add(
            {
                "request": test.upper(),
                "clients": 50,
                "depth": depth,
                "way": way.name,
                "requests/s": figures.requests_per_second,
                "p50 ms": figures.p50_ms,
                "p99 ms": figures.p99_ms,
                "CPU us": figures.cpu_us_per_request,
                "CPU ratio": figures.cpu_us_per_request / local.cpu_us_per_request,
            }
        )
    ratio = found[2].cpu_us_per_request / local.cpu_us_per_request
    report.expect_at_most(f"CPU ratio of a forwarded {test.upper()}, {depth} deep", ratio, CPU_LIMIT)


@contextmanager
def pinned(ways: Sequence[Way]) -> Iterator[None]:
    """Keep the asked server on one core, and this process and the rest on another, if there are two."""
    cores = sorted(os.sched_getaffinity(0))
    places = {server.pid: cores[0] for way in ways for server in way.working}
    places |= {way.asked.pid: cores[-1] for way in ways} | {os.getpid(): cores[0]}
    for pid, core in places.items():
        os.sched_setaffinity(pid, {core})
    try:
        yield
    finally:
        for pid in places:
            os.sched_setaffinity(pid, set(cores))


def lone_latencies_us(way: Way, test: str) -> list[float]:
    """Ask one thing at a time and return how long each answer took."""
    command, latencies = encoded(*way.words(test, "7")), []
    with way.asked.connect() as connection:
        send, receive = connection.socket.sendall, connection.socket.recv
        for _ in range(LONE_BLOCK):
            begun = time.perf_counter_ns()
            send(command)
            receive(4096)
            latencies.append((time.perf_counter_ns() - begun) / 1000)
    return latencies


def report_lone_client(report: Report, ways: Sequence[Way], test: str, rounds: int) -> None:
    latencies: list[list[float]] = [[] for _ in ways]
    with pinned(ways):
        for _ in range(rounds * LONE_BLOCKS_PER_ROUND):
            for way, collected in zip(ways, latencies, strict=True):
                collected.extend(lone_latencies_us(way, test))
    for way, collected in zip(ways, latencies, strict=True):
        p50_us, p99_us = median(collected), sorted(collected)[len(collected) * 99 // 100]
        report.add(
            {
                "request": test.upper(),
                "clients": 1,
                "depth": 1,
                "way": way.name,
                "requests/s": 1e6 / p50_us,
                "p50 ms": p50_us / 1000,
                "p99 ms": p99_us / 1000,
                "CPU us": None,
                "CPU ratio": None,
            }
        )
    ratio = median(latencies[2]) / median(latencies[1])
    report.expect_at_most(
        f"latency ratio of a forwarded {test.upper()}, one client alone", ratio, LATENCY_LIMIT
    )


def fill(way: Way) -> None:
    with way.asked.connect() as connection:
        connection.load(encoded(*way.words("set", f"{number:012d}")) for number in range(KEYS))


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--tests", nargs="+", default=["get", "set"])
    parser.add_argument("--depths", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the requests of a round")
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("Local and forwarded requests", options)
    with start_respcache(python=options.python) as alone, cluster(2, python=options.python) as nodes:
        ways = all_ways(alone, nodes)
        for way in ways:
            fill(way)
        for test in options.tests:
            for depth in options.depths:
                report_load(report, ways, test, depth, options)
        for test in options.tests:
            report_lone_client(report, ways, test, options.rounds)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
