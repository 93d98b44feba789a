"""Measure what ten thousand idle connections cost the fifty that work.

Rounds of redis-benchmark with 50 clients run with and without idle connections, in turn. An idle connection
has said PING once, as pools do, so the server has met it.

- the busy ones keep at least 85 % of their throughput;
- the busy ones cost the server at most 1.15 times the CPU per request.

Memory is what the process grows by in RAM per idle connection; the kernel's socket buffers are not in it.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from redis_benchmark import Figures, Load, fill, medians, run
from report import Report
from servers import Server, allow_many_files, both, option_parser
from wire import Connection

THROUGHPUT_KEPT: Final = 0.85
CPU_LIMIT: Final = 1.15
SPARE_FILES: Final = 200
"""Files that either side needs beside the idle connections: the busy ones, logs, libraries."""

SETTLE_S: Final = 3
"""redis-server gives an idle client's first buffers back after two seconds."""

FAREWELL_S: Final = 0.5
"""For the server to notice that all have gone, so that the next round does not pay for it."""


@contextmanager
def idle_connections(server: Server, number: int) -> Iterator[None]:
    """Keep connections open that do nothing."""
    with ExitStack() as stack:
        for _ in range(number):
            connection: Connection = stack.enter_context(server.connect())
            connection.call("PING")
        yield
    time.sleep(FAREWELL_S)


def memory_per_connection(server: Server, number: int) -> float:
    before = server.rss_bytes()
    with idle_connections(server, number):
        time.sleep(SETTLE_S)
        return (server.rss_bytes() - before) / number


def measured_rounds(server: Server, load: Load, options: argparse.Namespace) -> tuple[Figures, Figures]:
    """Return what the busy clients saw alone, and among the idle."""
    alone, among_idle = [], []
    for _ in range(options.rounds):
        alone.append(run(server, load))
        with idle_connections(server, options.connections):
            among_idle.append(run(server, load))
    return medians(alone), medians(among_idle)


def report_server(report: Report, server: Server, options: argparse.Namespace) -> tuple[float, float]:
    """Add the rows of a server; return its throughput and its CPU per request as ratios to those without idlers."""
    memory = memory_per_connection(server, options.connections)
    fill(server)
    alone, among_idle = measured_rounds(server, Load("get", options.requests), options)
    for idle, figures in ((0, alone), (options.connections, among_idle)):
        report.add(
            {
                "server": server.label,
                "idle": idle,
                "requests/s": figures.requests_per_second,
                "p50 ms": figures.p50_ms,
                "p99 ms": figures.p99_ms,
                "CPU us": figures.cpu_us_per_request,
                "bytes/idle": memory if idle else None,
            }
        )
    return (
        among_idle.requests_per_second / alone.requests_per_second,
        among_idle.cpu_us_per_request / alone.cpu_us_per_request,
    )


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=150_000)
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    allowed = allow_many_files()
    if options.connections + SPARE_FILES > allowed:
        print(f"only {allowed} files may be open: using fewer connections", file=sys.stderr)
        options.connections = allowed - SPARE_FILES
    report = Report(f"{options.connections:,} idle connections beside 50 busy ones", options)
    config = {"maxclients": str(options.connections + 100)}
    with both(options, config) as servers:
        for server in servers:
            throughput, cpu = report_server(report, server, options)
    report.expect_at_least("throughput kept by the busy", throughput, THROUGHPUT_KEPT)
    report.expect_at_most("CPU ratio of the busy", cpu, CPU_LIMIT)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
