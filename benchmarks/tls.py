"""Measure what TLS costs the server for each request, and for each client that comes.

redis-benchmark's clients ask redis-server and respcache in turn, without TLS and
with it, one request at a time and 16 deep; the medians of the rounds are shown.
The certificate is of the kind that costs least to show (P-256), and clients show
none. Compiled code serves no TLS, so this is also what plain Python costs:

- over TLS a request takes at most 3 times redis-server's CPU, either way.

New clients come one after another, so what they find is a full handshake each.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from redis_benchmark import Figures, Load, fill, medians, run
from report import Report
from servers import REDIS, Server, free_port, option_parser, start_redis, start_respcache

REQUESTS: Final = {1: 60_000, 16: 400_000}
COMERS: Final = 500
LIMIT: Final = 3.0
NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def tls_flags(folder: Path, port: int) -> list[str]:
    """Make a certificate, and return what a server must be told to show it on this port."""
    certificate, key = folder / "server.crt", folder / "server.key"
    command = ["openssl", "req", "-x509", *NEW_KEY, "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return [
        *("--tls-port", str(port), "--tls-auth-clients", "no"),
        *("--tls-cert-file", str(certificate), "--tls-key-file", str(key)),
    ]


@contextmanager
def servers(options: argparse.Namespace) -> Iterator[list[tuple[Server, int]]]:
    """Run redis-server, and respcache or what stands in for it; each with its port for TLS."""
    ports = [free_port(), free_port()]
    with tempfile.TemporaryDirectory(prefix="respcache-benchmark-") as folder:
        flags = [tls_flags(Path(folder), port) for port in ports]
        with start_redis(flags=flags[0]) as redis:
            if options.self_test:
                ours = start_redis(label="redis-server too", flags=flags[1])
            else:
                ours = start_respcache(python=options.python, is_pure=options.pure, flags=flags[1])
            with ours:
                yield [(redis, ports[0]), (ours, ports[1])]


def over_tls(port: int) -> tuple[str, ...]:
    """Return what redis-benchmark is told besides; the later port counts."""
    return ("-p", str(port), "--tls", "--insecure")


def measure_requests(
    report: Report, both: list[tuple[Server, int]], depth: int, options: argparse.Namespace
) -> None:
    """Add a row for each server and way, and hold ours over TLS against the other."""
    load = Load("get", REQUESTS[depth], depth=depth)
    ways = [(server, way) for way in ("plain", "TLS") for server in both]
    rounds: dict[tuple[str, str], list[Figures]] = {(server.label, way): [] for (server, _), way in ways}
    for _ in range(options.rounds):
        for (server, port), way in ways:
            rounds[server.label, way].append(run(server, load, over_tls(port) if way == "TLS" else ()))
    cpu_us = {}
    for (label, way), figures in rounds.items():
        middle = medians(figures)
        cpu_us[label, way] = middle.cpu_us_per_request
        report.add(
            {
                "GET": f"{way}, {depth} deep",
                "server": label,
                "requests/s": middle.requests_per_second,
                "p99 ms": middle.p99_ms,
                "CPU us": middle.cpu_us_per_request,
            }
        )
    ours = next(label for label, way in cpu_us if label != REDIS)
    report.expect_at_most(
        f"CPU of a GET over TLS, {depth} deep, times redis-server's",
        cpu_us[ours, "TLS"] / cpu_us[REDIS, "TLS"],
        LIMIT,
    )


def measure_comers(report: Report, both: list[tuple[Server, int]], options: argparse.Namespace) -> None:
    """Add a row for each server: what a client costs that comes, asks once and goes."""
    for server, port in both:
        load = Load("get", COMERS, clients=1)
        rounds = [run(server, load, (*over_tls(port), "-k", "0")) for _ in range(options.rounds)]
        report.add(
            {
                "GET": "TLS, a connection each",
                "server": server.label,
                "requests/s": median(one.requests_per_second for one in rounds),
                "p99 ms": median(one.p99_ms for one in rounds),
                "CPU us": median(one.cpu_us_per_request for one in rounds),
            }
        )


def main() -> int:
    parser = option_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each load, for each server")
    options = parser.parse_args()
    report = Report("What TLS costs", options)
    with servers(options) as both:
        for server, _ in both:
            fill(server)
        for depth in REQUESTS:
            measure_requests(report, both, depth, options)
        measure_comers(report, both, options)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
