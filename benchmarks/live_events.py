"""See a thousand readers of live events keep up with 5,000 writes a second, and those that do not read let go.

A writer on the Redis port sets keys at a steady pace. Readers on the HTTP port follow all events; some more stop reading after
their first bytes. All is done by one process with one poller. It reads numbers of events and times only for a sample of the
readers; of the others it throws the bytes away unread, and counts them: who has lost nothing has as many as the sample.

- every reader that reads has every event;
- every reader that does not is let go, and counted in /metrics;
- the server grows by at most 100 MB meanwhile;
- 99 of 100 events are at the sampled readers 250 ms after they were written.

The pace is held against the clock: a run that fell behind says so.
"""

import argparse
import re
import select
import socket
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final

from report import Report
from servers import Server, allow_many_files, free_port, option_parser
from wire import Connection, encoded

BATCH_S: Final = 0.01
SAMPLE: Final = 5
SETTLE_S: Final = 5.0
"""After the last write: for what is on its way."""

MOST_GROWTH_MB: Final = 100
MOST_LATENCY_MS: Final = 250
DISCARD: Final = socket.MSG_TRUNC | socket.MSG_DONTWAIT
"""Linux throws away what TCP has received, without copying it."""

PIECE: Final = 1 << 20
KEY: Final = re.compile(rb'^id: \w+-(\d+)\ndata: .*"key":"key:(\d+)"', re.MULTILINE)


@dataclass
class Figures:
    """What one run has shown."""

    written: int = 0
    written_at: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    behind_s: float = 0.0
    most_rss: int = 0


class Reader:
    """One stream of events."""

    def __init__(self, port: int, *, is_sampled: bool = False) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.socket.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = b""
        while not head.endswith(b"retry: 1000\n\n"):
            head += self.socket.recv(1)
        self.socket.setblocking(False)
        self.is_sampled = is_sampled
        self.received = 0
        self.numbers: list[int] = []
        self._rest = b""

    def read(self, figures: Figures, scratch: bytearray) -> bool:
        """Take what is there; say whether the stream goes on."""
        try:
            if not self.is_sampled:
                count = self.socket.recv_into(scratch, PIECE, DISCARD)
                self.received += count
                return count > 0
            data = self.socket.recv(PIECE)
        except BlockingIOError:
            return True
        self.received += len(data)
        now = time.perf_counter()
        whole, _, self._rest = (self._rest + data).rpartition(b"\n\n")
        for number, key in KEY.findall(whole):
            self.numbers.append(int(number))
            figures.latencies_ms.append((now - figures.written_at[int(key)]) * 1e3)
        return bool(data)


class Run:
    """One server, its readers, and who writes."""

    def __init__(self, server: Server, http: int, options: argparse.Namespace) -> None:
        self.figures = Figures()
        self._server = server
        self._http = http
        self._options = options
        self._poller = select.epoll()
        self._by_fd: dict[int, Reader] = {}
        self._scratch = bytearray(PIECE)
        self.readers = [Reader(http, is_sampled=number < SAMPLE) for number in range(options.readers)]
        self.deaf = [Reader(http) for _ in range(options.deaf)]
        for reader in self.readers:
            self._poller.register(reader.socket.fileno(), select.EPOLLIN)
            self._by_fd[reader.socket.fileno()] = reader

    def write(self, connection: Connection) -> None:
        """Write at the pace that is asked for, and read whatever comes meanwhile."""
        figures, options = self.figures, self._options
        batch = max(1, round(options.rate * BATCH_S))
        begun = time.perf_counter()
        for number in range(round(options.seconds / BATCH_S)):
            due = begun + number * BATCH_S
            while (left := due - time.perf_counter()) > 0:
                self._read(left)
            figures.behind_s = max(figures.behind_s, -left)
            now = time.perf_counter()
            keys = range(figures.written, figures.written + batch)
            figures.written_at += [now] * batch
            figures.written += batch
            connection.socket.sendall(b"".join(encoded("SET", f"key:{key}", "x") for key in keys))
            self._read(0)
            for _ in keys:
                connection.read()
            if number % 100 == 0:
                figures.most_rss = max(figures.most_rss, self._server.rss_bytes())

    def settle(self) -> None:
        """Read until nothing comes any more."""
        deadline = time.perf_counter() + SETTLE_S
        while time.perf_counter() < deadline and self._read(1.0):
            pass

    def _read(self, timeout_s: float) -> int:
        ready = self._poller.poll(timeout_s, len(self.readers))
        for fd, _ in ready:
            if not self._by_fd[fd].read(self.figures, self._scratch):
                self._poller.unregister(fd)
        return len(ready)

    def losses(self) -> int:
        """Return how many readers lack something that the sample has, or all of them if the sample lacks something."""
        sampled = self.readers[:SAMPLE]
        everything = list(range(1, self.figures.written + 1))
        if any(reader.numbers != everything for reader in sampled):
            return len(self.readers)
        return sum(reader.received != sampled[0].received for reader in self.readers)

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def close(self) -> None:
        for reader in (*self.readers, *self.deaf):
            reader.socket.close()
        self._poller.close()


def measure(options: argparse.Namespace, report: Report) -> None:
    http = free_port()
    command = [options.python, "-m", "respcache", "serve", "--http", str(http)]
    with Server("respcache", command, {}) as server, server.connect() as connection:
        run = Run(server, http, options)
        run.metric("redis_up")  # what the first scrape imports is none of the readers' memory
        idle_rss, cpu_s = server.rss_bytes(), server.cpu_seconds()
        own_cpu_s = time.process_time()
        run.write(connection)
        cpu_s, own_cpu_s = server.cpu_seconds() - cpu_s, time.process_time() - own_cpu_s
        run.settle()
        figures = run.figures
        percentiles = quantiles(figures.latencies_ms, n=100)
        growth_mb = (figures.most_rss - idle_rss) / 1e6
        dropped = run.metric("respcache_http_readers_dropped_total")
        losses = run.losses()
        report.add(
            {
                "readers": options.readers,
                "deaf": options.deaf,
                "events/s": options.rate,
                "events": figures.written,
                "lost by readers": losses,
                "let go": dropped,
                "p50 ms": percentiles[49],
                "p99 ms": percentiles[98],
                "CPU %": 100 * cpu_s / options.seconds,
                "CPU % here": 100 * own_cpu_s / options.seconds,
                "MB more": growth_mb,
                "behind ms": figures.behind_s * 1e3,
            }
        )
        report.expect_at_most("readers that have lost something", losses, 0)
        report.expect_at_least("readers that were let go, of those that did not read", dropped, options.deaf)
        report.expect_at_most("and no others", dropped, options.deaf)
        report.expect_at_most("MB that the server grew by", growth_mb, MOST_GROWTH_MB)
        report.expect_at_most("p99 ms from write to reader", percentiles[98], MOST_LATENCY_MS)
        run.close()


def main() -> int:
    parser = option_parser(__doc__)
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--deaf", type=int, default=20, help="readers that read nothing")
    parser.add_argument("--rate", type=int, default=5000, help="writes a second")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    allow_many_files()
    report = Report("Live events", options)
    measure(options, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
