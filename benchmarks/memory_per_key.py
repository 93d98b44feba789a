"""Measure how much memory a key takes, and whether the server knows it.

A million keys of 16 bytes go into a fresh server, with values of 8, 32, 200 and 4000 bytes (fewer keys of those), without and
with a time to live (an hour to a day ahead). What the process grows by in RAM is compared with redis-server, and with
what the server itself believes (INFO memory, used_memory): maxmemory is only worth as much as that belief.

With compiled code:

- no more RAM per key than redis-server takes, for any of them;
- the belief is within 3 % of the truth.

Without it (INFO server says which path runs): at most 300 bytes of RAM per key with a value of 32 bytes and no time to live, and the belief within 20 %.
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

VALUE_SIZES: Final = (8, 32, 200, 4000)
MOST_PAYLOAD_BYTES: Final = 400_000_000
"""Long values tell as much with fewer keys."""
BELIEF_LIMIT_PERCENT: Final = 3
PURE_RAM_LIMIT_BYTES: Final = 300
PURE_BELIEF_LIMIT_PERCENT: Final = 20
HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Memory:
    """What a server holds at a moment, by the kernel's account and by its own."""

    rss_bytes: int
    believed_bytes: int


@dataclass(frozen=True, slots=True)
class Load:
    """What goes into a server."""

    keys: int
    value_bytes: int
    with_ttl: bool

    @property
    def kind(self) -> str:
        return f"value of {self.value_bytes}, {'TTL' if self.with_ttl else 'no TTL'}"

    def commands(self, keys: int) -> Iterator[bytes]:
        """Yield the first of its commands."""
        chance = random.Random(self.keys)
        value = b"$%d\r\n%b\r\n" % (self.value_bytes, b"v" * self.value_bytes)
        for number in range(keys):
            if self.with_ttl:
                ttl = b"%d" % chance.randint(HOUR_MS, 24 * HOUR_MS)
                deadline = b"$2\r\nPX\r\n$%d\r\n%b\r\n" % (len(ttl), ttl)
                yield b"*5\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n%b%b" % (number, value, deadline)
            else:
                yield b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n%b" % (number, value)


WARM_UP_KEYS: Final = 1000
"""The first megabytes of a load warm allocators and buffers up; they are not the keys' fault."""


def memory_of(server: Server, connection: Connection) -> Memory:
    believed_bytes = int(connection.info("memory")["used_memory"])
    return Memory(server.rss_bytes(), believed_bytes)


def growth_per_key(server: Server, load: Load) -> tuple[float, float]:
    """Fill a fresh server and return the bytes per key in RAM and in its own books."""
    with server.connect() as connection:
        connection.load(load.commands(WARM_UP_KEYS))
        before = memory_of(server, connection)
        connection.load(load.commands(load.keys))
        after = memory_of(server, connection)
        stored = connection.call("DBSIZE")
    if stored != load.keys:
        raise RuntimeError(f"{server.label} holds {stored} of {load.keys} keys")
    new = load.keys - WARM_UP_KEYS
    return (after.rss_bytes - before.rss_bytes) / new, (after.believed_bytes - before.believed_bytes) / new


def is_pure_python(server: Server) -> bool:
    with server.connect() as connection:
        return connection.info("server").get("respcache_path", "").startswith("pure")


def report_load(report: Report, options: argparse.Namespace, load: Load) -> None:
    rams = []
    for start in starters(options):
        with start() as server:
            is_pure = is_pure_python(server)
            ram, believed = growth_per_key(server, load)
        off_by_percent = abs(believed / ram - 1) * 100
        rams.append(ram)
        report.add(
            {
                "kind": load.kind,
                "server": server.label,
                "RAM bytes/key": ram,
                "believed bytes/key": believed,
                "off by %": off_by_percent,
            }
        )
    limit_percent = PURE_BELIEF_LIMIT_PERCENT if is_pure else BELIEF_LIMIT_PERCENT
    report.expect_at_most(f"percent that the belief is off by, {load.kind}", off_by_percent, limit_percent)
    if not is_pure:
        report.expect_at_most(f"bytes of RAM per key, as redis-server, {load.kind}", ram, rams[0])
    elif load.value_bytes == 32 and not load.with_ttl:
        report.expect_at_most(f"bytes of RAM per key, {load.kind}", ram, PURE_RAM_LIMIT_BYTES)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--values", type=int, nargs="+", default=VALUE_SIZES, help="bytes of each value")
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report(f"Memory per key, up to {options.keys:,} keys of 16 bytes", options)
    for value_bytes in options.values:
        keys = min(options.keys, MOST_PAYLOAD_BYTES // value_bytes)
        for with_ttl in (False, True):
            report_load(report, options, Load(keys, value_bytes, with_ttl))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
