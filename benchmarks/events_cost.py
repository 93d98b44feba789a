"""What readers of events cost those who write: the server's CPU for each SET of a pipeline, with and without a reader.

One connection sets random keys in pipelines. Beside it there is nobody; then one reader of ``GET /v1/events`` who wants everything; then one
who wants only what does not happen here; then a subscriber of ``respcache:events``; and nobody again, at once after the reader has
left. Every phase is run several times in turns, and the middle one counts.

A SET in a pipeline is some 0.3 us. Building, keeping and sending its event is what is left to pay:

- with a reader of everything it takes at most fifteen times as long;
- with a reader of something else, at most three times.
"""

import argparse
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

from report import Report
from servers import Server, free_port, option_parser
from wire import Connection, encoded

KEYS: Final = 100_000
LINGER_S: Final = 12
"""Events are kept for ten seconds after the last reader has left."""

MOST_WITH_READER: Final = 15
MOST_WITH_ANOTHER: Final = 3
PIECE: Final = 1 << 20


@contextmanager
def reading(port: int, greeting: bytes) -> Iterator[None]:
    """Send a greeting, wait for its answer, and throw away whatever comes then."""
    with socket.create_connection(("127.0.0.1", port), 30) as stream:
        stream.sendall(greeting)
        stream.recv(PIECE)

        def drain() -> None:
            try:
                while stream.recv(PIECE):
                    pass
            except OSError:
                pass  # closed below

        thread = threading.Thread(target=drain, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stream.shutdown(socket.SHUT_RDWR)
            thread.join()


def request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Load:
    """Writes, and what they cost the server."""

    def __init__(self, server: Server, connection: Connection, options: argparse.Namespace) -> None:
        self._server = server
        self._connection = connection
        self._seconds: float = options.seconds
        chance = random.Random(1)
        keys = [f"key:{chance.randrange(KEYS)}" for _ in range(options.pipeline)]
        self._pipeline = [encoded("SET", key, "xyz") for key in keys]

    def microseconds(self) -> float:
        """Return the server's CPU for a SET."""
        count = 0
        cpu_s, end = self._server.cpu_seconds(), time.perf_counter() + self._seconds
        while time.perf_counter() < end:
            self._connection.pipeline(self._pipeline)
            count += len(self._pipeline)
        return (self._server.cpu_seconds() - cpu_s) / count * 1e6


def measure(options: argparse.Namespace, report: Report) -> None:
    http = free_port()
    command = [options.python, "-m", "respcache", "serve", "--http", str(http)]
    with Server("respcache", command, {}) as server, server.connect() as connection:
        load = Load(server, connection, options)
        load.microseconds()
        found: dict[str, list[float]] = {}

        def note(name: str, run: Callable[[], float] = load.microseconds) -> None:
            found.setdefault(name, []).append(run())

        for _ in range(options.rounds):
            note("nobody")
            with reading(http, request("/v1/events?kinds=cluster,expired")):
                note("a reader of others")
            with reading(http, request("/v1/events?match=no:*")):
                note("a reader with a filter")
            with reading(http, request("/v1/events")):
                note("a reader")
            note("left just now")
            with reading(server.port, encoded("SUBSCRIBE", "respcache:events")):
                note("a subscriber")
            time.sleep(LINGER_S)
        middle = {name: median(values) for name, values in found.items()}
        base = middle["nobody"]
        for name, value in middle.items():
            report.add({"beside": name, "us of CPU for a SET": value, "times": value / base})
        report.expect_at_most("times, with a reader", middle["a reader"] / base, MOST_WITH_READER)
        report.expect_at_most(
            "times, with a reader of others", middle["a reader of others"] / base, MOST_WITH_ANOTHER
        )


def main() -> int:
    parser = option_parser(__doc__)
    parser.add_argument("--pipeline", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report = Report("What readers of events cost", options)
    measure(options, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
