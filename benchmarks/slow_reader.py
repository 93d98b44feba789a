"""See whether one subscriber that stops reading hurts anybody else.

A publisher sends messages of 4 KB at a steady pace to subscribers that read, and, in the second round, to one
more that does not. Between the messages a GET is timed. A server must drop the slow one at its limit
(client-output-buffer-limit pubsub) rather than keep the messages for it:

- it is cut off after at most its hard limit plus what the sockets between hold (8 MB);
- no other subscriber misses a byte;
- the process grows by at most three times the limit while it waits;
- the GET's 99th percentile is at most doubled, or below 2 ms: a drop must not stop the world.

PUBLISH answers how many got the message, so the cut is seen to the message.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from report import Report
from servers import Server, both, option_parser
from wire import Connection, encoded

CHANNEL: Final = "news"
PAYLOAD: Final = b"x" * 4096
SOCKETS_BYTES: Final = 8 * 2**20
"""What Linux may hold in the two buffers of a loopback connection, by its defaults (4 MB to send, 6 MB to receive)."""

LIMIT_BYTES: Final = 8 * 2**20
MEMORY_FACTOR: Final = 3
DISTURBANCE_FACTOR: Final = 2
HARMLESS_MS: Final = 2.0
PAUSE_S: Final = 0.0002
"""Between messages: a few thousand a second, which readers in Python can follow."""

PATIENCE_S: Final = 10


class Reader(threading.Thread):
    """A subscriber that reads whatever comes and counts the bytes."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(daemon=True)
        self.received_bytes = 0
        self._socket = connection.socket

    def run(self) -> None:
        buffer = bytearray(1 << 18)
        try:
            while count := self._socket.recv_into(buffer):
                self.received_bytes += count
        except OSError:
            return  # closed at the end of the round, by us; a loss before that shows in the count


@dataclass(frozen=True, slots=True)
class Round:
    """What happened in one round of publishing."""

    cut_after_bytes: int | None
    grown_bytes: int
    missed_bytes: int
    p50_ms: float
    p99_ms: float


def subscribed(server: Server) -> Connection:
    connection = server.connect()
    connection.call("SUBSCRIBE", CHANNEL)
    return connection


@contextmanager
def readers(server: Server, number: int) -> Iterator[list[Reader]]:
    with ExitStack() as stack:
        started = [Reader(stack.enter_context(subscribed(server))) for _ in range(number)]
        for reader in started:
            reader.start()
        yield started


def publish(server: Server, messages: int, subscribers: int) -> tuple[int | None, int, list[float]]:
    """Publish at a steady pace; return when a subscriber was lost, the most memory seen, and the GETs' times."""
    cut_after, most_rss, latencies_ms = None, 0, []
    message, question = encoded("PUBLISH", CHANNEL, PAYLOAD), encoded("GET", "key")
    with server.connect() as publisher, server.connect() as other:
        for number in range(messages):
            (receivers,) = publisher.pipeline([message])
            if cut_after is None and receivers < subscribers:
                cut_after = number
            begun = time.perf_counter()
            other.pipeline([question])
            latencies_ms.append((time.perf_counter() - begun) * 1000)
            if number % 100 == 0:
                most_rss = max(most_rss, server.rss_bytes())
            time.sleep(PAUSE_S)
    return cut_after, most_rss, sorted(latencies_ms)


def run_round(server: Server, options: argparse.Namespace, with_slow_one: bool) -> Round:
    frame_bytes = len(encoded("message", CHANNEL, PAYLOAD))
    with ExitStack() as stack:
        others = stack.enter_context(readers(server, options.readers))
        if with_slow_one:
            stack.enter_context(subscribed(server))
        before = server.rss_bytes()
        cut_after, most_rss, latencies_ms = publish(server, options.messages, options.readers + with_slow_one)
        expected = options.messages * frame_bytes
        deadline = time.monotonic() + PATIENCE_S
        while any(reader.received_bytes < expected for reader in others) and time.monotonic() < deadline:
            time.sleep(0.01)
        missed = sum(expected - reader.received_bytes for reader in others)
    return Round(
        None if cut_after is None else cut_after * frame_bytes,
        most_rss - before,
        missed,
        latencies_ms[len(latencies_ms) // 2],
        latencies_ms[len(latencies_ms) * 99 // 100],
    )


def add_row(report: Report, server: Server, name: str, result: Round) -> None:
    megabyte = 2**20
    report.add(
        {
            "server": server.label,
            "round": name,
            "cut off after MB": None if result.cut_after_bytes is None else result.cut_after_bytes / megabyte,
            "grown MB": result.grown_bytes / megabyte,
            "missed by others": result.missed_bytes,
            "GET p50 ms": result.p50_ms,
            "GET p99 ms": result.p99_ms,
        }
    )


def judge(report: Report, calm: Round, rough: Round) -> None:
    """Hold the round with the slow reader against the expectations."""
    cut_after = float("inf") if rough.cut_after_bytes is None else rough.cut_after_bytes
    report.expect_at_most("bytes sent before the cut", cut_after, LIMIT_BYTES + SOCKETS_BYTES)
    report.expect_at_most("bytes that others missed", rough.missed_bytes, 0)
    report.expect_at_most("bytes that the process grew", rough.grown_bytes, MEMORY_FACTOR * LIMIT_BYTES)
    limit_ms = max(HARMLESS_MS, DISTURBANCE_FACTOR * calm.p99_ms)
    report.expect_at_most("GET p99 ms beside a slow reader", rough.p99_ms, limit_ms)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--messages", type=int, default=8000)
    parser.add_argument("--readers", type=int, default=3)
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report(f"A slow reader with a limit of {LIMIT_BYTES / 2**20:.0f} MB", options)
    config = {"client-output-buffer-limit": f"pubsub {LIMIT_BYTES} 0 0"}
    with both(options, config) as servers:
        for server in servers:
            calm = run_round(server, options, with_slow_one=False)
            add_row(report, server, "all read", calm)
            rough = run_round(server, options, with_slow_one=True)
            add_row(report, server, "one does not", rough)
    judge(report, calm, rough)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
