"""Measure what one request costs the server, beside redis-server.

Rounds of redis-benchmark go to both servers in turn, so that both meet the same
weather on the machine; the medians of the rounds are shown. Server CPU per
request bends least when others use the machine, so it is what we promise:

|                                      | compiled | plain Python (``--pure``) |
| ------------------------------------ | -------- | ------------------------- |
| CPU of a request, unpipelined        | 1.0      | 1.6                       |
| the same, 16 and 64 deep             | 1.0      | 2.5                       |
| CPU of a message to 100 subscribers  | 1.0      |                           |
| p99 of 50 clients, GET and SET       | 1.0      |                           |
| median of one client alone           | 1.05     | 1.2                       |

times redis-server's, at most. In plain Python that is promised of GET and SET only.

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

from fan_out import SUBSCRIBERS, cpu_of_messages_us
from redis_benchmark import Figures, Load, fill, fill_hash, medians, run
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

MESSAGES: Final = 2000
"""In a round: each is sent a hundred times."""

WORDS: Final = {"hget": ("HGET", "myhash", "element:__rand_int__")}
"""Tests that redis-benchmark does not have."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is promised, as multiples of redis-server's figures; 0 for no promise."""

    tests: frozenset[str]
    unpipelined: float
    pipelined: float
    message: float
    p99: float
    alone: float


COMPILED: Final = Limits(frozenset({"get", "set", "incr", "hget", "hset", "mset"}), 1.0, 1.0, 1.0, 1.0, 1.05)
PURE: Final = Limits(frozenset({"get", "set"}), 1.6, 2.5, 0, 0, 1.2)


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
    return Load(test, max(int(requests), 50 * depth), depth=depth, words=WORDS.get(test, ()))


def compare(servers: list[Server], load: Load, rounds: int) -> list[Figures]:
    """Measure both servers in turn and return the medians of each."""
    measured: list[list[Figures]] = [[] for _ in servers]
    for _ in range(rounds):
        for server, figures in zip(servers, measured, strict=True):
            figures.append(run(server, load))
    return [medians(figures) for figures in measured]


def report_load(report: Report, servers: list[Server], load: Load, rounds: int, limits: Limits) -> None:
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
    name = f"{load.test.upper()}, {load.depth} deep"
    if load.test in limits.tests:
        limit = limits.unpipelined if load.depth == 1 else limits.pipelined
        report.expect_at_most(f"CPU ratio of {name}", ratio, limit)
    if load.test in {"get", "set"} and load.depth == 1 and limits.p99:
        report.expect_at_most(f"p99 ratio of {name}", ours.p99_ms / redis.p99_ms, limits.p99)


def report_messages(report: Report, servers: list[Server], rounds: int, scale: float, limits: Limits) -> None:
    measured = cpu_of_messages_us(servers, int(MESSAGES * scale), rounds)
    for server, cpu_us in zip(servers, measured, strict=True):
        report.add(
            {
                "request": f"PUBLISH to {SUBSCRIBERS}",
                "clients": 1,
                "depth": 1,
                "server": server.label,
                "requests/s": None,
                "p50 ms": None,
                "p99 ms": None,
                "CPU us": cpu_us,
                "CPU ratio": cpu_us / measured[0],
                "speed ratio": None,
            }
        )
    if limits.message:
        claim = f"CPU ratio of a message to {SUBSCRIBERS} subscribers"
        report.expect_at_most(claim, measured[1] / measured[0], limits.message)


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


def report_lone_client(
    report: Report, servers: list[Server], test: str, places: Places, *, rounds: int, limits: Limits
) -> None:
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
        report.expect_at_most(f"latency ratio of {test.upper()}, one client alone", ratio, limits.alone)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument(
        "--tests", nargs="+", default=["set", "get", "incr", "hset", "hget", "mset", "publish"]
    )
    parser.add_argument("--depths", nargs="+", type=int, default=[1, 16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the requests of a round")
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("Cost per request", options)
    with both(options) as servers:
        limits = PURE if options.pure else COMPILED
        for server in servers:
            fill(server)
            fill_hash(server)
        for test in options.tests:
            for depth in options.depths if test != "publish" else []:
                report_load(report, servers, load_of(test, depth, options.scale), options.rounds, limits)
        for test in sorted({"get", "set"} & set(options.tests)):
            for places in all_places():
                report_lone_client(report, servers, test, places, rounds=options.rounds, limits=limits)
        if "publish" in options.tests:
            report_messages(report, servers, options.rounds, options.scale, limits)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
