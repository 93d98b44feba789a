"""Measure what it takes to load keys from behind the cache, and what that costs those who need nothing loaded.

- 200 clients ask for one key whose loader takes 300 ms: one call, and the last is answered at most 20 ms after its end.
- 50 clients ask for the same 50 missing keys: at most 2 calls.
- A missing key with a loader that needs no time: half of the GETs take less than 10 ms.
- 100,000 missing keys with a table of SQLite behind them, asked for by MGETs of 1000: at least 30,000 a second.
- GETs of keys that are there, under a loader's pattern: at most 1.05 times the CPU of a server without loaders, 1, 16 and 64 deep;
  the two servers in turn, medians of the pairs' ratios.
"""

import argparse
import os
import selectors
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import hiredis
from redis_benchmark import Load, run
from report import Report
from servers import Server, option_parser, start_respcache
from wire import Connection, encoded

LOADERS: Final = ",".join(f"benchmarks.loading_loaders:{name}" for name in ("Slow", "Instant", "Rows"))
CLIENTS: Final = 200
LAST_MS: Final = 20
MOST_CALLS: Final = 2
COLD_MS: Final = 10
ROWS: Final = 100_000
ROWS_PER_SECOND: Final = 30_000
WARM_RATIO: Final = 1.05
WARM_KEYS: Final = {1: 100_000, 16: 1_000_000, 64: 1_600_000}
"""Requests of a round, by depth."""


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="pairs of rounds for warm GETs")
    parser.add_argument("--skip-warm", action="store_true", help="do not measure warm GETs")
    return parser.parse_args()


def start(options: argparse.Namespace, *flags: str) -> Server:
    return start_respcache(python=options.python, is_pure=options.pure, flags=flags)


class Calls:
    """What the slow loader has noted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0

    def take(self) -> list[tuple[int, int]]:
        """Return when each new call ended, and for how many keys it was."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        new, self._seen = lines[self._seen :], len(lines)
        return [(int(ended), int(keys)) for ended, keys in map(str.split, new)]


def ask_together(server: Server, clients: int, command: bytes) -> tuple[int, list[Any]]:
    """Send one command over many connections; return when the last was answered, and all replies."""
    connections = [server.connect() for _ in range(clients)]
    try:
        for connection in connections:
            connection.socket.sendall(command)
        replies = []
        with selectors.DefaultSelector() as selector:
            for connection in connections:
                selector.register(connection.socket, selectors.EVENT_READ, (connection, hiredis.Reader()))
            while selector.get_map():
                for key, _ in selector.select():
                    connection, reader = key.data
                    reader.feed(connection.socket.recv(1 << 16))
                    if (reply := reader.gets()) is not False:
                        replies.append(reply)
                        selector.unregister(connection.socket)
        return time.monotonic_ns(), replies
    finally:
        for connection in connections:
            connection.close()


def report_herd(report: Report, server: Server, calls: Calls) -> None:
    ended_ns, replies = ask_together(server, CLIENTS, encoded("GET", "slow:1"))
    assert replies == [b"value of slow:1"] * CLIENTS
    [*made] = calls.take()
    late_ms = (ended_ns - made[-1][0]) / 1e6
    report.add({"what": f"{CLIENTS} clients, one key", "calls": len(made), "ms": late_ms, "a second": None})
    report.expect_at_most("calls for one key", len(made), 1)
    report.expect_at_most("ms from the call's end to the last answer", late_ms, LAST_MS)
    keys = [f"slow:many:{number}" for number in range(50)]
    ended_ns, replies = ask_together(server, 50, encoded("MGET", *keys))
    assert all(len(reply) == len(keys) and None not in reply for reply in replies)
    made = calls.take()
    late_ms = (ended_ns - made[-1][0]) / 1e6
    report.add({"what": "50 clients, 50 keys", "calls": len(made), "ms": late_ms, "a second": None})
    report.expect_at_most("calls for 50 keys", len(made), MOST_CALLS)


def report_cold(report: Report, server: Server) -> None:
    times_ms = []
    with server.connect() as connection:
        for number in range(2000):
            begun_ns = time.perf_counter_ns()
            connection.call("GET", f"instant:{number}")
            times_ms.append((time.perf_counter_ns() - begun_ns) / 1e6)
    p50_ms = median(times_ms)
    report.add({"what": "a missing key, median", "calls": None, "ms": p50_ms, "a second": 1000 / p50_ms})
    report.expect_at_most("ms for a missing key, median", p50_ms, COLD_MS)


def report_preload(report: Report, server: Server) -> None:
    with server.connect() as connection:
        commands = [
            encoded("MGET", *(f"row:{number}" for number in range(first, first + 1000)))
            for first in range(0, ROWS, 1000)
        ]
        cpu_s, begun_s = server.cpu_seconds(), time.perf_counter()
        values = connection.pipeline(commands)
        took_s = time.perf_counter() - begun_s
        cpu_us = (server.cpu_seconds() - cpu_s) / ROWS * 1e6
        assert sum(value is not None for batch in values for value in batch) == ROWS
    rate = ROWS / took_s
    report.add(
        {
            "what": f"{ROWS} rows, {cpu_us:.1f} us CPU each",
            "calls": None,
            "ms": took_s * 1000,
            "a second": rate,
        }
    )
    report.expect_at_least("rows of SQLite a second", rate, ROWS_PER_SECOND)


def report_warm(report: Report, options: argparse.Namespace) -> None:
    # redis-benchmark's keys begin so.
    table = '[{"class": "benchmarks.loading_loaders:Instant", "pattern": "key:*"}]'
    with start(options) as bare, start(options, "--loading-loaders", table) as loading:
        for server in (bare, loading):
            with server.connect() as connection:
                fill(connection)
        for depth, requests in WARM_KEYS.items():
            load = Load("get", requests, depth=depth, keys=KEYS)
            ratios = []
            for _ in range(options.rounds):
                costs = [run(server, load).cpu_us_per_request for server in (bare, loading)]
                ratios.append(costs[1] / costs[0])
            ratio = median(ratios)
            report.add(
                {
                    "what": f"warm GETs, {depth} deep: CPU ratio {ratio:.3f}",
                    "calls": None,
                    "ms": None,
                    "a second": None,
                }
            )
            report.expect_at_most(f"CPU ratio of warm GETs, {depth} deep", ratio, WARM_RATIO)


KEYS: Final = 10_000


def fill(connection: Connection) -> None:
    connection.load(encoded("SET", f"key:{number:012d}", "xxx") for number in range(KEYS))


def make_rows(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table rows (id integer primary key, value blob)")
        connection.executemany(
            "insert into rows values (?, ?)",
            ((number, b"value of row %d" % number) for number in range(ROWS)),
        )
    connection.close()


def main(options: argparse.Namespace) -> int:
    report = Report("Loading", options)
    with tempfile.TemporaryDirectory(prefix="respcache-benchmark-") as folder:
        os.environ["BENCHMARK_CALLS"] = str(Path(folder, "calls"))
        os.environ["BENCHMARK_DATABASE"] = str(Path(folder, "rows"))
        make_rows(Path(folder, "rows"))
        with start(options, "--loader", LOADERS) as server:
            report_herd(report, server, Calls(Path(folder, "calls")))
            report_cold(report, server)
            report_preload(report, server)
        if not options.skip_warm:
            report_warm(report, options)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
