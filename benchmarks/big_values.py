"""Measure what big values and deep pipelines cost, and that the longest value is taken and a longer one is not.

Values of 1 MiB are set and read by ten clients, and short ones in pipelines of 10,000 commands, beside redis-server, the two in turn.

- throughput of 1 MiB values, set and read: at least redis-server's;
- CPU that they cost the server: at most redis-server's, and so in pipelines of 10,000;
- a value of 512 MiB is stored once and read whole, for at most 1.5 GiB more of RAM at the highest; one byte more is refused with
  redis-server's words.

With 1 MiB values the kernel copies for most of the time, twice for every value, and the client as much as the server: on two cores
throughput says as much of the client. CPU is the server's alone.
"""

import argparse
import hashlib
import sys
import threading
import time
from statistics import median
from typing import Final

from redis_benchmark import Figures, Load, medians, run
from report import Report
from servers import Server, both, option_parser
from wire import Connection, encoded

MIB: Final = 1 << 20
LONGEST_BYTES: Final = 512 * MIB
REFUSAL: Final = "Protocol error: invalid bulk length"
RAM_LIMIT_BYTES: Final = 1536 * MIB
"""The value, a second copy while it is put together, and half as much again for buffers."""
BIG_KEYS: Final = 16
"""So that they, and not the memory to hold them, are measured."""
SAMPLE_S: Final = 0.01


def loads(options: argparse.Namespace) -> list[Load]:
    tests = ("set", "get")
    big = [Load(test, options.big_requests, clients=10, value_bytes=MIB, keys=BIG_KEYS) for test in tests]
    deep = [Load(test, options.deep_requests, clients=5, depth=options.depth) for test in tests]
    return big + deep


def name_of(load: Load) -> str:
    return (
        f"{load.test.upper()} 1 MiB"
        if load.value_bytes == MIB
        else f"{load.test.upper()}, {load.depth:,} deep"
    )


def report_load(report: Report, servers: list[Server], load: Load, rounds: int) -> None:
    found: list[list[Figures]] = [[] for _ in servers]
    for _ in range(rounds):
        for server, figures in zip(servers, found, strict=True):
            figures.append(run(server, load))
    middle = [medians(figures) for figures in found]
    for server, typical in zip(servers, middle, strict=True):
        report.add(
            {
                "load": name_of(load),
                "server": server.label,
                "requests/s": typical.requests_per_second,
                "MiB/s": typical.requests_per_second * load.value_bytes / MIB,
                "CPU us/request": typical.cpu_us_per_request,
                "p99 ms": typical.p99_ms,
            }
        )
    redis, ours = middle
    if load.value_bytes == MIB:
        # Rounds are compared pair by pair: a noisy neighbour slows both of a pair.
        shares = [
            mine.requests_per_second / theirs.requests_per_second for theirs, mine in zip(*found, strict=True)
        ]
        report.expect_at_least(f"throughput of redis-server's, {name_of(load)}", median(shares), 1.0)
    share = ours.cpu_us_per_request / redis.cpu_us_per_request
    report.expect_at_most(f"CPU of redis-server's, {name_of(load)}", share, 1.0)


# -- the longest value -------------------------------------------------------------


class HighestMemory:
    """Looks at a server's memory again and again, beside whatever else is done, and keeps the highest figure."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.before_bytes = self.highest_bytes = server.rss_bytes()

    def __enter__(self) -> "HighestMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(SAMPLE_S):
            self.highest_bytes = max(self.highest_bytes, self._server.rss_bytes())


def send_value(connection: Connection, size: int) -> str:
    """Send SET with a value of so many bytes, MiB by MiB; return the SHA-256 of it."""
    digest = hashlib.sha256()
    connection.socket.sendall(b"*3\r\n$3\r\nSET\r\n$7\r\nlongest\r\n$%d\r\n" % size)
    for number in range(size // MIB):
        part = number.to_bytes(8) * (MIB // 8)  # no two alike, so that none can be lost or doubled unseen
        digest.update(part)
        connection.socket.sendall(part)
    connection.socket.sendall(b"\r\n")
    return digest.hexdigest()


def receive_value(connection: Connection, size: int) -> str:
    """Read the value back without keeping it; return its SHA-256."""
    connection.socket.sendall(encoded("GET", "longest"))
    stream = connection.socket.makefile("rb", buffering=MIB)
    header = stream.readline()
    if header != b"$%d\r\n" % size:
        raise RuntimeError(f"GET was answered {header!r}")
    digest = hashlib.sha256()
    left = size
    while left:
        part = stream.read(min(left, MIB))
        if not part:
            raise RuntimeError(f"{left} bytes of the value are missing")
        digest.update(part)
        left -= len(part)
    if stream.read(2) != b"\r\n":
        raise RuntimeError("the value does not end where it should")
    return digest.hexdigest()


def is_refused(server: Server, size: int) -> bool:
    with server.connect() as connection:
        connection.socket.sendall(b"*3\r\n$3\r\nSET\r\n$7\r\nlongest\r\n$%d\r\n" % size)
        try:
            connection.read()
        except Exception as error:  # hiredis has a type of its own for replies that are errors
            return REFUSAL in str(error)
    return False


def report_longest(report: Report, server: Server, *, is_judged: bool) -> None:
    with HighestMemory(server) as memory, server.connect(timeout_s=120) as connection:
        begin_s, cpu_before_s = time.perf_counter(), server.cpu_seconds()
        sent = send_value(connection, LONGEST_BYTES)
        is_stored = connection.read() == b"OK"
        is_whole = receive_value(connection, LONGEST_BYTES) == sent
        seconds, cpu_s = time.perf_counter() - begin_s, server.cpu_seconds() - cpu_before_s
        with server.connect() as another:
            another.call("DEL", "longest")
    grown_bytes = memory.highest_bytes - memory.before_bytes
    report.add(
        {
            "load": "SET and GET 512 MiB, once",
            "server": server.label,
            "MiB/s": 2 * LONGEST_BYTES / MIB / seconds,
            "CPU us/request": cpu_s * 1e6 / 2,
            "highest RAM MiB": grown_bytes / MIB,
        }
    )
    if is_judged:
        report.expect_at_least("512 MiB stored and read whole", int(is_stored and is_whole), 1)
        report.expect_at_most("bytes of RAM for 512 MiB", grown_bytes, RAM_LIMIT_BYTES)
        report.expect_at_least("512 MiB and a byte refused", int(is_refused(server, LONGEST_BYTES + 1)), 1)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--big-requests", type=int, default=3000, help="of 1 MiB, in a round")
    parser.add_argument("--deep-requests", type=int, default=1_000_000, help="in deep pipelines, in a round")
    parser.add_argument("--depth", type=int, default=10_000, help="of the deep pipelines")
    parser.add_argument(
        "--without-longest", action="store_true", help="leave out the 512 MiB: they need 3 GiB"
    )
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("Big values and deep pipelines", options)
    with both(options, {"maxmemory-policy": "noeviction"}) as servers:
        for load in loads(options):
            report_load(report, servers, load, options.rounds)
        for server in [] if options.without_longest else servers:
            report_longest(report, server, is_judged=server is servers[1])
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
