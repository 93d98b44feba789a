"""Measure how much memory a key takes, and whether the server knows it.

A million keys of 16 bytes with values of 32 bytes go into a fresh server, without and with a time to
live (an hour to a day ahead). What the process grows by in RAM is compared with redis-server, and with
what the server itself believes (INFO memory, used_memory): maxmemory is only worth as much as that belief.

- at most 300 bytes of RAM per key without a time to live;
- the belief is within 20 % of the truth, for either kind of key.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from report import Report
from servers import Server, option_parser, starters
from wire import Connection

RAM_LIMIT_BYTES: Final = 300
BELIEF_LIMIT_PERCENT: Final = 20
VALUE: Final = b"v" * 32
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Memory:
    """What a server holds at a moment, by the kernel's account and by its own."""

    rss_bytes: int
    believed_bytes: int


def commands(keys: int, with_ttl: bool) -> Iterator[bytes]:
    chance = random.Random(keys)
    for number in range(keys):
        if with_ttl:
            ttl = b"%d" % chance.randint(HOUR_MS, 24 * HOUR_MS)
            deadline = b"$2\r\nPX\r\n$%d\r\n%b\r\n" % (len(ttl), ttl)
            yield b"*5\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n%b\r\n%b" % (number, VALUE, deadline)
        else:
            yield b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$32\r\n%b\r\n" % (number, VALUE)


def memory_of(server: Server, connection: Connection) -> Memory:
    believed_bytes = int(connection.info("memory")["used_memory"])
    return Memory(server.rss_bytes(), believed_bytes)


def growth_per_key(server: Server, keys: int, with_ttl: bool) -> tuple[float, float]:
    """Fill a fresh server and return the bytes per key in RAM and in its own books."""
    with server.connect() as connection:
        # The first megabytes of a load warm allocators and buffers up; they are not the keys' fault.
        connection.load(commands(1000, with_ttl))
        before = memory_of(server, connection)
        connection.load(commands(keys, with_ttl))
        after = memory_of(server, connection)
        stored = connection.call("DBSIZE")
    if stored != keys:
        raise RuntimeError(f"{server.label} holds {stored} of {keys} keys")
    new = keys - 1000
    return (after.rss_bytes - before.rss_bytes) / new, (after.believed_bytes - before.believed_bytes) / new


def report_kind(report: Report, options: argparse.Namespace, with_ttl: bool) -> None:
    kind = "with TTL" if with_ttl else "no TTL"
    for start in starters(options):
        with start() as server:
            ram, believed = growth_per_key(server, options.keys, with_ttl)
        off_by_percent = abs(believed / ram - 1) * 100
        report.add(
            {
                "kind": kind,
                "server": server.label,
                "RAM bytes/key": ram,
                "believed bytes/key": believed,
                "off by %": off_by_percent,
            }
        )
    if not with_ttl:
        report.expect_at_most(f"bytes of RAM per key, {kind}", ram, RAM_LIMIT_BYTES)
    report.expect_at_most(f"percent that the belief is off by, {kind}", off_by_percent, BELIEF_LIMIT_PERCENT)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report(f"Memory per key, {options.keys:,} keys of 16 bytes with values of 32", options)
    for with_ttl in (False, True):
        report_kind(report, options, with_ttl)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
