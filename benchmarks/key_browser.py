"""See whether looking for keys among a million is quick, and whether anybody else notices.

First with a real server: pages of several searches are asked for over HTTP while a client of the Redis port asks GET all the time, beside the
same GETs with nobody browsing. Every page must come within 200 ms, whatever is searched for.

Then within this process, on the same million keys: how much processor time each turn of the event loop takes while a page is made. That is for how
long nobody else is served, whatever else this machine does; no turn may take 10 ms.
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from report import Report
from servers import REPOSITORY, RESPCACHE, Server, free_port, option_parser
from wire import encoded

PAGE_MS: Final = 200
TURN_MS: Final = 10

SEARCHES: Final = {
    "all keys": "",
    "nearly all": "match=user:*",
    "one in a thousand": "match=*:rare",
    "none": "match=nothing*",
    "a type that none has": "type=hash",
    "a name in full": "match=user:500000",
}


def commands(keys: int) -> Iterator[bytes]:
    for number in range(keys):
        yield encoded("SET", f"user:{number}:rare" if number % 1000 == 0 else f"user:{number}", "x" * 20)


@dataclass
class Asker(threading.Thread):
    """Asks GET all the time, and notes how long each took."""

    server: Server
    took_ms: list[float] = field(default_factory=list)
    is_over: bool = False

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        with self.server.connect() as connection:
            while not self.is_over:
                begun = time.perf_counter()
                connection.call("GET", "user:77")
                self.took_ms.append((time.perf_counter() - begun) * 1000)
                time.sleep(0.001)

    def warm_up(self) -> None:
        self.start()
        while len(self.took_ms) < 50:
            time.sleep(0.01)

    def stop(self) -> list[float]:
        self.is_over = True
        self.join()
        return sorted(self.took_ms)


def at(share: float, figures: list[float]) -> float:
    return figures[min(int(share * len(figures)), len(figures) - 1)]


def pages_of(port: int, query: str, most: int) -> list[float]:
    """Walk through the pages of a search; return how many milliseconds each took."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    cursor = "0"
    took_ms: list[float] = []
    while len(took_ms) < most:
        begun = time.perf_counter()
        connection.request("GET", f"/v1/browse?{query}&count=50&cursor={cursor}")
        page = json.load(connection.getresponse())
        took_ms.append((time.perf_counter() - begun) * 1000)
        cursor = page["cursor"]
        if cursor == "0":
            break
    return sorted(took_ms)


@contextmanager
def serving(options: argparse.Namespace) -> Iterator[tuple[Server, int]]:
    http_port = free_port()
    program = ["env", "RESPCACHE_PURE=1", options.python] if options.pure else [options.python]
    command = [*program, "-m", "respcache", "serve", "--http", str(http_port)]
    with Server(RESPCACHE, command, {}) as server:
        with server.connect() as connection:
            connection.load(commands(options.keys))
        yield server, http_port


def with_a_server(options: argparse.Namespace, report: Report) -> float:
    """Return the longest that any page took."""
    longest = 0.0
    with serving(options) as (server, port):
        asker = Asker(server)
        asker.warm_up()
        time.sleep(options.seconds)
        quiet = asker.stop()
        report.add(
            {"search": "(nobody browses)", "GET p50 ms": at(0.5, quiet), "GET p99 ms": at(0.99, quiet)}
        )
        for name, query in SEARCHES.items():
            asker = Asker(server)
            asker.warm_up()
            took = pages_of(port, query, options.pages)
            others = asker.stop()
            longest = max(longest, took[-1])
            report.add(
                {
                    "search": name,
                    "GET p50 ms": at(0.5, others),
                    "GET p99 ms": at(0.99, others),
                    "pages": len(took),
                    "page p50 ms": at(0.5, took),
                    "page max ms": took[-1],
                }
            )
    return longest


def turns_of(gateway: Any, query: str, most: int) -> list[float]:  # Any: the server's own objects
    """Walk through the pages of a search in this process; return the processor time of each turn, in milliseconds."""
    from respcache.gateway.session import HttpSession

    session = HttpSession(gateway, lambda: None, "127.0.0.1:1", is_local=True)
    gateway.sessions[session] = None
    cursor = "0"
    turns: list[float] = []
    for _ in range(most):
        request = f"GET /v1/browse?{query}&count=50&cursor={cursor} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        gateway.begin_turn()
        begun = time.thread_time()
        session.receive(request.encode())
        turns.append((time.thread_time() - begun) * 1000)
        while session.is_hungry:
            gateway.begin_turn()
            begun = time.thread_time()
            session.resume()
            turns.append((time.thread_time() - begun) * 1000)
        cursor = json.loads(b"".join(session.take_output()).partition(b"\r\n\r\n")[2])["cursor"]
        if cursor == "0":
            break
    return sorted(turns)


def within_this_process(options: argparse.Namespace, report: Report) -> float:
    """Return the longest turn."""
    sys.path.insert(0, str(REPOSITORY))
    from respcache.app.compose import compose
    from respcache.app.gateway import make_gateway
    from respcache.app.serve import calm_garbage_collector
    from respcache.keyspace.clock import BatchClock
    from respcache.server.session import Session
    from respcache.settings.settings import Settings

    settings = Settings()
    parts = compose(
        settings,
        clock=BatchClock(1_700_000_000_000),
        chance=random.Random(7),
        host=None,  # type: ignore[arg-type]  # what is asked here needs no machine
        spawn=lambda task: None,
        rest=lambda: None,  # type: ignore[arg-type, return-value]  # nothing rests
        report_sink=lambda sink, error, failures: None,
    )
    filler = Session(parts.dispatcher, lambda: None, "127.0.0.1:2", "127.0.0.1:6379", is_local=True)
    for command in commands(options.keys):
        filler.receive(command)
        filler.take_output()
    gateway = make_gateway(settings, parts)
    calm_garbage_collector()
    longest = 0.0
    for name, query in SEARCHES.items():
        turns = turns_of(gateway, query, options.pages)
        longest = max(longest, turns[-1])
        figures = {"turn p50 ms": at(0.5, turns), "turn max ms": turns[-1]}
        report.add({"search": f"turns: {name}", "turns": len(turns), **figures})
    return longest


def main() -> int:
    parser = option_parser(__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=40, help="most pages of a search")
    parser.add_argument("--seconds", type=float, default=2.0, help="of GETs with nobody browsing")
    options = parser.parse_args()
    report = Report("Looking for keys among many", options)
    page_ms = with_a_server(options, report)
    turn_ms = within_this_process(options, report)
    report.expect_at_most("the longest page in ms", page_ms, PAGE_MS)
    report.expect_at_most("processor time of the longest turn in ms", turn_ms, TURN_MS)
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())
