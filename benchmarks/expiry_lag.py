"""Measure how late a subscriber hears that a key has expired.

A million keys with far deadlines lie in the server, and a few thousand come due while a subscriber listens to
``__keyevent@0__:expired``: once spread over ten seconds, once all in the same millisecond. Nobody touches
them, so only the server's own sweep finds them. The lag is counted from the deadline to the message's arrival.

- nothing is later than 100 ms when deadlines are spread, and nothing is forgotten.

redis-server samples keys at random to find the expired ones, so few due keys among many can stay for minutes;
what has not come after the patience is shown as missing, and counts as that late.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from typing import Final

from report import Report
from servers import Server, both, option_parser
from wire import Connection, encoded

LIMIT_MS: Final = 100
CHANNEL: Final = "__keyevent@0__:expired"
HOUR_MS: Final = 3_600_000
SPREAD_MS: Final = 10_000
HEAD_START_MS: Final = 2500
"""From the first SET to the first deadline: all keys must be stored by then."""


def waiting_keys(keys: int) -> Iterator[bytes]:
    chance = random.Random(keys)
    for number in range(keys):
        ttl = b"%d" % chance.randint(HOUR_MS, 24 * HOUR_MS)
        yield b"*5\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$1\r\nv\r\n$2\r\nPX\r\n$%d\r\n%b\r\n" % (
            number,
            len(ttl),
            ttl,
        )


def due_keys(deadlines_ms: list[int]) -> Iterator[bytes]:
    """Store keys that carry their deadline in their name."""
    for number, deadline_ms in enumerate(deadlines_ms):
        yield encoded("SET", f"due:{deadline_ms}:{number}", "v", "PXAT", deadline_ms)


def lags_ms(listener: Connection, expected: int, until_s: float) -> list[float]:
    """Listen until everything has expired or patience ends; return the lags of what came."""
    lags: list[float] = []
    while len(lags) < expected and (left_s := until_s - time.time()) > 0:
        listener.socket.settimeout(left_s)
        try:
            _, _, key = listener.read()
        except TimeoutError:
            break
        lags.append(time.time() * 1000 - int(key.split(b":")[1]))
    return lags


def measure(server: Server, spread_ms: int, options: argparse.Namespace) -> tuple[list[float], int]:
    """Let keys come due; return the lags, the missing ones counted as late as patience lasts, and how many are missing."""
    first_ms = int(time.time() * 1000) + HEAD_START_MS
    deadlines_ms = [first_ms + spread_ms * number // options.due for number in range(options.due)]
    random.Random(1).shuffle(deadlines_ms)
    with server.connect() as listener, server.connect() as writer:
        listener.call("SUBSCRIBE", CHANNEL)
        writer.load(due_keys(deadlines_ms))
        if time.time() * 1000 > first_ms:
            raise RuntimeError(f"{server.label} took too long to store the keys: raise HEAD_START_MS")
        until_s = max(deadlines_ms) / 1000 + options.patience
        lags = sorted(lags_ms(listener, options.due, until_s))
    missing = options.due - len(lags)
    return lags + [options.patience * 1000.0] * missing, missing


def report_case(
    report: Report, servers: list[Server], case: str, spread_ms: int, options: argparse.Namespace
) -> None:
    for server in servers:
        cpu_before_s = server.cpu_seconds()
        lags, missing = measure(server, spread_ms, options)
        report.add(
            {
                "deadlines": case,
                "server": server.label,
                "p50 ms": lags[len(lags) // 2],
                "p99 ms": lags[len(lags) * 99 // 100],
                "max ms": lags[-1],
                "missing": missing,
                "CPU s": server.cpu_seconds() - cpu_before_s,
            }
        )
    if spread_ms:
        report.expect_at_most(f"latest message in ms, deadlines {case}", lags[-1], LIMIT_MS)
    report.expect_at_most(f"messages missing, deadlines {case}", missing, 0)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys that wait")
    parser.add_argument("--due", type=int, default=10_000, help="keys that come due")
    parser.add_argument("--patience", type=float, default=20, help="seconds to wait for the last")
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report(f"Lag of {options.due:,} expiries among {options.keys:,} waiting keys", options)
    with both(options, {"notify-keyspace-events": "Ex"}) as servers:
        for server in servers:
            with server.connect() as connection:
                connection.load(waiting_keys(options.keys))
        report_case(report, servers, "spread over 10 s", SPREAD_MS, options)
        report_case(report, servers, "all at once", 0, options)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
