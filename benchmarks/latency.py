"""Measure what a request waits at 20,000 requests a second while the server has other things to do.

A million keys, one in ten with a time to live. Requests are sent at their time whatever the server does, and latencies count
from that time (see ``open_loop.py``), 80 % GET and 20 % SET, in four phases:

- steady: nothing else goes on;
- growth: every request stores a new key, from half the keys to twice as many, through every growth of the table;
- expiry storm: a tenth of the keys, besides, come due within one second;
- eviction: the data is at maxmemory, and half of the requests store a new key, for which another one has to go.

In each phase at most one request in 10,000 waits longer than 5 ms.

redis-server runs the same load in the same run: where it misses the figure as well, the machine is at fault. So is the client where
"sent late" is not far below the latency: it needs a core of its own, as the server does.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from open_loop import Latencies, at_percent, drive
from report import Report
from servers import Server, both, option_parser
from wire import encoded

LIMIT_MS: Final = 5.0
PERCENT: Final = 99.99
VALUE: Final = b"v" * 32
DAY_MS: Final = 86_400_000
WITH_TTL: Final = 10
"""One key in so many has a time to live."""
WRITES_PERCENT: Final = 20
STORM_S: Final = 1.0
STORM_IN_S: Final = 2.0
"""From the begin of the load to the first deadline."""
AFTER_STORM_S: Final = 3.0

SET: Final = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n" + VALUE + b"\r\n"
SET_WITH_TTL: Final = (
    b"*5\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n" + VALUE + b"\r\n$2\r\nPX\r\n$8\r\n%d\r\n"
)
GET: Final = b"*2\r\n$3\r\nGET\r\n$16\r\nkey:%012d\r\n"


def stored(number: int) -> bytes:
    """Return what stores a key; which have a time to live follows from the number."""
    return SET % number if number % WITH_TTL else SET_WITH_TTL % (number, DAY_MS // 2)


def mixed(keys: int, seed: int) -> Iterator[bytes]:
    """Read and write keys that are there."""
    chance = random.Random(seed)
    while True:
        number = int(chance.random() * keys)
        yield stored(number) if chance.random() * 100 < WRITES_PERCENT else GET % number


def new_keys(first: int) -> Iterator[bytes]:
    while True:
        yield stored(first)
        first += 1


def read_and_replace(keys: int) -> Iterator[bytes]:
    """Store a new key with every second request, and read any with the others."""
    reads, writes = mixed(keys, seed=3), new_keys(keys)
    while True:
        yield next(writes)
        yield next(reads)


def fill(server: Server, keys: int) -> None:
    with server.connect() as connection:
        connection.load(stored(number) for number in range(keys))


# -- phases --------------------------------------------------------------------


def steady(server: Server, options: argparse.Namespace) -> Latencies:
    return drive(server, mixed(options.keys, seed=1), options.rate, options.seconds)


def growth(server: Server, options: argparse.Namespace) -> Latencies:
    seconds = options.keys * 1.5 / options.rate
    return drive(server, new_keys(options.keys // 2), options.rate, seconds)


def expiry_storm(server: Server, options: argparse.Namespace) -> Latencies:
    """Let keys come due while the load runs; they are all stored before the first deadline."""
    due = options.keys // WITH_TTL
    with server.connect() as connection:
        # Storing takes as long as it takes: deadlines are set in a second pass, which is quick to plan.
        connection.load(encoded("SET", b"due:%012d" % number, VALUE) for number in range(due))
        planned_s = due / options.load_rate
        first_ms = int((time.time() + planned_s + STORM_IN_S) * 1000)
        step_ms = STORM_S * 1000 / due
        connection.load(
            encoded("PEXPIREAT", b"due:%012d" % number, first_ms + int(number * step_ms))
            for number in range(due)
        )
    begin_s = first_ms / 1000 - STORM_IN_S / 2
    if time.time() > begin_s:
        raise RuntimeError(f"{server.label} took too long to store the keys: lower --load-rate")
    time.sleep(begin_s - time.time())
    return drive(server, mixed(options.keys, seed=2), options.rate, STORM_IN_S / 2 + STORM_S + AFTER_STORM_S)


def eviction(server: Server, options: argparse.Namespace) -> Latencies:
    with server.connect() as connection:
        used_bytes = int(connection.info("memory")["used_memory"])
        server.configure({"maxmemory-policy": "allkeys-lru", "maxmemory": str(used_bytes)})
        before = int(connection.info("stats")["evicted_keys"])
        found = drive(server, read_and_replace(options.keys), options.rate, options.seconds)
        evicted = int(connection.info("stats")["evicted_keys"]) - before
    if not evicted:
        raise RuntimeError(f"{server.label} has evicted nothing: there was no limit to be at")
    server.configure({"maxmemory": "0"})
    return found


Phase = Callable[[Server, argparse.Namespace], Latencies]
AMONG_KEYS: Final[dict[str, Phase]] = {"steady": steady, "expiry storm": expiry_storm, "eviction": eviction}
PHASES: Final = [*AMONG_KEYS, "growth"]


# -- telling ---------------------------------------------------------------------


def report_phase(
    report: Report, servers: list[Server], name: str, phase: Phase, options: argparse.Namespace
) -> list[str]:
    """Run a phase on each server; return the lines of its histograms."""
    lines = []
    for server in servers:
        cpu_before_s = server.cpu_seconds()
        found = phase(server, options)
        cpu_s = server.cpu_seconds() - cpu_before_s
        report.add(row_of(name, server, found, cpu_s))
        counts = ", ".join(f"{bucket} {count:,}" for bucket, count in found.histogram() if count)
        lines.append(f"{name}, {server.label}: {counts}")
    report.expect_at_most(f"p99.99 in ms, {name}", found.percentile(PERCENT), LIMIT_MS)
    return lines


def row_of(name: str, server: Server, found: Latencies, cpu_s: float) -> dict[str, str | float | int]:
    return {
        "phase": name,
        "server": server.label,
        "requests/s": len(found.answers) / found.seconds,
        "p50 ms": found.percentile(50),
        "p99 ms": found.percentile(99),
        "p99.9 ms": found.percentile(99.9),
        "p99.99 ms": found.percentile(PERCENT),
        "max ms": found.answers[-1],
        "over 5 ms": found.above(LIMIT_MS),
        "sent late p99.99 ms": at_percent(found.sends, PERCENT),
        "CPU us/request": cpu_s * 1e6 / len(found.answers),
    }


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=20_000, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30, help="of the steady phase, and of evicting")
    parser.add_argument("--load-rate", type=int, default=20_000, help="deadlines set a second, at least")
    parser.add_argument("--phases", nargs="+", choices=PHASES, default=PHASES)
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report(f"Latency at {options.rate:,} requests/s, {options.keys:,} keys", options)
    histograms = []
    # The growing table begins small, so it has servers of its own.
    for names, keys in (([*AMONG_KEYS], options.keys), (["growth"], options.keys // 2)):
        chosen = [name for name in names if name in options.phases]
        if not chosen:
            continue
        with both(options, {"maxmemory-policy": "noeviction"}) as servers:
            for server in servers:
                fill(server, keys)
            for name in chosen:
                histograms += report_phase(report, servers, name, AMONG_KEYS.get(name, growth), options)
    status = report.finish()
    print("\nHow many answers came within which time:\n" + "\n".join(histograms))
    return status


if __name__ == "__main__":
    sys.exit(main(options()))
