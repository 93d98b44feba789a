"""Measure what one request costs the server, beside redis-server.

Rounds of redis-benchmark go to both servers in turn, so that both meet the same
weather on the machine; the medians of the rounds are shown. Server CPU per
request bends least when others use the machine, so it is what we promise:

- unpipelined GET and SET: at most 1.6 times redis-server's CPU;
- 16 and 64 deep: at most 2.5 times;
- one client alone: at most 1.2 times its median latency.

redis-benchmark's latencies come in steps of 8 us; the lone client is therefore
ours, and counts nanoseconds. It is measured on the server's core and on
another one: left alone, the kernel picks one of the two for minutes, and their
latencies differ threefold. The promise is about two cores, as clients on other
machines find it; one core shows more of the server and less of the wake-up.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

from redis_benchmark import Figures, Load, fill, medians, run
from report import Report
from servers import Server, both, option_parser
from wire import encoded

REQUESTS: Final = {1: 100_000, 16: 1_000_000, 64: 1_600_000}
"""Requests per round by depth: one to three seconds of redis-server."""

MSET_SHARE: Final = 4
"""An MSET sets ten keys and costs about as much as four SETs."""

LONE_BLOCK: Final = 1000
"""Requests of the lone client before it turns to the other server: a twentieth of a second."""

LONE_BLOCKS_PER_ROUND: Final = 5

CPU_LIMIT_UNPIPELINED: Final = 1.6
CPU_LIMIT_PIPELINED: Final = 2.5
LATENCY_LIMIT: Final = 1.2


@dataclass(frozen=True, slots=True)
class Places:
    """The cores of the lone client and its server."""

    name: str
    client: int
    server: int


def all_places() -> list[Places]:
    """Return both ways to place two processes, or the only one that a single core allows."""
    cores = sorted(os.sched_getaffinity(0))
    shared = Places("one core", cores[0], cores[0])
    return [shared, Places("two cores", cores[0], cores[1])] if len(cores) > 1 else [shared]


def load_of(test: str, depth: int, scale: float) -> Load:
    requests = REQUESTS.get(depth, 50_000 * depth) * scale
    if test == "mset":
        requests /= MSET_SHARE
    return Load(test, max(int(requests), 50 * depth), depth=depth)


def compare(servers: list[Server], load: Load, rounds: int) -> list[Figures]:
    """Measure both servers in turn and return the medians of each."""
    measured: list[list[Figures]] = [[] for _ in servers]
    for _ in range(rounds):
        for server, figures in zip(servers, measured, strict=True):
            figures.append(run(server, load))
    return [medians(figures) for figures in measured]


def report_load(report: Report, servers: list[Server], load: Load, rounds: int) -> None:
    redis, ours = compare(servers, load, rounds)
    ratio = ours.cpu_us_per_request / redis.cpu_us_per_request
    for server, figures in zip(servers, (redis, ours), strict=True):
        report.add(
            {
                "request": load.test.upper(),
                "clients": load.clients,
                "depth": load.depth,
                "server": server.label,
                "requests/s": figures.requests_per_second,
                "p50 ms": figures.p50_ms,
                "p99 ms": figures.p99_ms,
                "CPU us": figures.cpu_us_per_request,
                "CPU ratio": figures.cpu_us_per_request / redis.cpu_us_per_request,
                "speed ratio": figures.requests_per_second / redis.requests_per_second,
            }
        )
    if load.test in {"get", "set"}:
        limit = CPU_LIMIT_UNPIPELINED if load.depth == 1 else CPU_LIMIT_PIPELINED
        report.expect_at_most(f"CPU ratio of {load.test.upper()}, {load.depth} deep", ratio, limit)


@contextmanager
def pinned(server: Server, places: Places) -> Iterator[None]:
    """Keep this process and the server on one core each, for a while."""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {places.client})
    os.sched_setaffinity(server.pid, {places.server})
    try:
        yield
    finally:
        os.sched_setaffinity(0, everywhere)
        os.sched_setaffinity(server.pid, everywhere)


def lone_latencies_us(server: Server, command: bytes, places: Places) -> list[float]:
    """Ask one thing at a time and return how long each answer took."""
    latencies = []
    with server.connect() as connection, pinned(server, places):
        send, receive = connection.socket.sendall, connection.socket.recv
        for _ in range(LONE_BLOCK):
            begun = time.perf_counter_ns()
            send(command)
            receive(4096)
            latencies.append((time.perf_counter_ns() - begun) / 1000)
    return latencies


def report_lone_client(report: Report, servers: list[Server], test: str, places: Places, rounds: int) -> None:
    key = "key:000000000007"
    command = encoded("GET", key) if test == "get" else encoded("SET", key, "xxx")
    latencies: list[list[float]] = [[] for _ in servers]
    for _ in range(rounds * LONE_BLOCKS_PER_ROUND):
        for server, collected in zip(servers, latencies, strict=True):
            collected.extend(lone_latencies_us(server, command, places))
    yardstick_us = median(latencies[0])
    for server, collected in zip(servers, latencies, strict=True):
        p50_us, p99_us = median(collected), sorted(collected)[len(collected) * 99 // 100]
        report.add(
            {
                "request": f"{test.upper()}, {places.name}",
                "clients": 1,
                "depth": 1,
                "server": server.label,
                "requests/s": 1e6 / p50_us,
                "p50 ms": p50_us / 1000,
                "p99 ms": p99_us / 1000,
                "CPU us": None,
                "CPU ratio": None,
                "speed ratio": yardstick_us / p50_us,
            }
        )
    if places.client != places.server:
        ratio = median(latencies[1]) / yardstick_us
        report.expect_at_most(f"latency ratio of {test.upper()}, one client alone", ratio, LATENCY_LIMIT)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--tests", nargs="+", default=["set", "get", "incr", "hset", "mset"])
    parser.add_argument("--depths", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the requests of a round")
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("Cost per request", options)
    with both(options) as servers:
        if "get" in options.tests:
            for server in servers:
                fill(server)
        for test in options.tests:
            for depth in options.depths:
                report_load(report, servers, load_of(test, depth, options.scale), options.rounds)
        for test in sorted({"get", "set"} & set(options.tests)):
            for places in all_places():
                report_lone_client(report, servers, test, places, options.rounds)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
