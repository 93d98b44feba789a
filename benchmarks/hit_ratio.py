"""Find out which eviction policy keeps the right keys.

The same three traces go to every policy of both servers: keys by popularity (Zipf), the same disturbed by scans,
and a loop larger than the cache. A client asks GET and stores what it missed with SET. Bytes per entry
differ between the servers and between policies, so maxmemory is tuned first until each holds the same number of keys.

- allkeys-lru is at most 2 points below redis-server's on popular keys, with scans and without;
- allkeys-s3fifo is not below redis-server's LRU on popular keys, and 2 points above it with scans.

redis-server tells the ages of keys in whole seconds, so a trace that replaces a cache faster than that would make its
LRU blind. So all caches run at once, a batch each in turn, which slows the trace down for each of them:
"turnover s" says how long a cache took to be replaced once. "strict LRU" is the textbook's, simulated.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from report import Cell, Report
from servers import Server, option_parser, starters
from traces import TRACES, Ask, hit_ratios, strict_lru
from wire import Connection

REDIS_POLICIES: Final = ("allkeys-lru", "allkeys-lfu", "allkeys-random")
OUR_POLICIES: Final = ("allkeys-lru", "allkeys-lfu", "allkeys-random", "allkeys-s3fifo")
VALUE: Final = b"$100\r\n%b\r\n" % (b"v" * 100)
EXPECTED_POINTS: Final = {
    ("allkeys-lru", "zipf"): -2.0,
    ("allkeys-lru", "zipf+scans"): -2.0,
    ("allkeys-s3fifo", "zipf"): 0.0,
    ("allkeys-s3fifo", "zipf+scans"): 2.0,
}
"""What a policy must reach above redis-server's LRU, in percentage points. Runs differ by a few tenths.
Nothing is expected of LRU on a loop: the better an LRU, the worse it fares there."""

CALIBRATIONS: Final = 6
CALIBRATED_WITHIN: Final = 0.01


def get(number: int) -> bytes:
    return b"*2\r\n$3\r\nGET\r\n$12\r\nkey:%08d\r\n" % number


def put(number: int) -> bytes:
    return b"*3\r\n$3\r\nSET\r\n$12\r\nkey:%08d\r\n%b" % (number, VALUE)


def cache_of(connection: Connection) -> Ask:
    """Return the client's side of a look-aside cache."""

    def ask(numbers: Sequence[int]) -> list[bool]:
        found = [reply is not None for reply in connection.pipeline([get(number) for number in numbers])]
        missed = [put(number) for number, was_held in zip(numbers, found, strict=True) if not was_held]
        if missed:
            connection.pipeline(missed)
        return found

    return ask


def held_after_churn(connection: Connection, entries: int) -> int:
    """Fill the cache well beyond what it can hold and return how much it holds."""
    connection.call("FLUSHALL")
    connection.load(put(number) for number in range(3 * entries))
    held: int = connection.call("DBSIZE")
    return held


def calibrate(server: Server, connection: Connection, entries: int, policy: str) -> int:
    """Set maxmemory so that the server holds about ``entries`` keys; return how many it holds."""
    server.configure({"maxmemory": "0", "maxmemory-policy": policy})
    empty_bytes = int(connection.info("memory")["used_memory"])
    connection.load(put(number) for number in range(entries))
    full_bytes = int(connection.info("memory")["used_memory"])
    limit = full_bytes
    for _ in range(CALIBRATIONS):
        server.configure({"maxmemory": str(limit)})
        held = held_after_churn(connection, entries)
        if abs(held - entries) <= entries * CALIBRATED_WITHIN:
            break
        limit += (entries - held) * (full_bytes - empty_bytes) // entries
    return held


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server under one policy, its connection, and how many keys it really holds."""

    server: Server
    policy: str
    connection: Connection
    held: int

    def evicted(self) -> int:
        return int(self.connection.info("stats")["evicted_keys"])


@contextmanager
def contestants(options: argparse.Namespace) -> Iterator[list[Contestant]]:
    """Start and calibrate a server for each policy of both kinds."""
    ours = options.policies or (REDIS_POLICIES if options.self_test else OUR_POLICIES)
    start_redis_too, start_ours = starters(options)
    plan = [(start_redis_too, policy) for policy in REDIS_POLICIES] + [
        (start_ours, policy) for policy in ours
    ]
    with ExitStack() as stack:
        started = []
        for start, policy in plan:
            server = stack.enter_context(start())
            connection = stack.enter_context(server.connect())
            held = calibrate(server, connection, options.entries, policy)
            started.append(Contestant(server, policy, connection, held))
        yield started


def measure(report: Report, runners: list[Contestant], options: argparse.Namespace) -> list[dict[str, float]]:
    """Run every trace through all caches; return the hit ratios in percent by trace, in the order of the runners."""
    ratios: list[dict[str, float]] = [{} for _ in runners]
    strict: dict[str, float] = {}
    turnovers: list[dict[str, float]] = [{} for _ in runners]
    for name in options.traces:
        for runner in runners:
            runner.connection.call("FLUSHALL")
        before = [runner.evicted() for runner in runners]
        caches = [*(cache_of(runner.connection) for runner in runners), strict_lru(options.entries)]
        begun = time.monotonic()
        *shares, strict_share = hit_ratios(TRACES[name](options.entries, options.requests), caches)
        seconds = time.monotonic() - begun
        strict[name] = 100 * strict_share
        for place, runner in enumerate(runners):
            ratios[place][name] = 100 * shares[place]
            rounds = (runner.evicted() - before[place]) / options.entries
            turnovers[place][f"{name} turnover s"] = seconds / max(rounds, 1e-9)
    for runner, row, turnover in zip(runners, ratios, turnovers, strict=True):
        report.add({**labels(runner.server.label, runner.policy, runner.held), **row, **turnover})
    report.add({**labels("(simulated)", "strict LRU", options.entries), **strict})
    return ratios


def labels(server: str, policy: str, held: int) -> dict[str, Cell]:
    return {"server": server, "policy": policy, "keys": held}


def judge(report: Report, runners: list[Contestant], ratios: list[dict[str, float]]) -> None:
    """Hold our ratios against those of redis-server's LRU."""
    yardstick = ratios[REDIS_POLICIES.index("allkeys-lru")]
    for runner, row in list(zip(runners, ratios, strict=True))[len(REDIS_POLICIES) :]:
        for (policy, name), points in EXPECTED_POINTS.items():
            if policy == runner.policy and name in row:
                claim = f"points of {policy} above redis-server's allkeys-lru, {name}"
                report.expect_at_least(claim, row[name] - yardstick[name], points)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--entries", type=int, default=50_000, help="keys that a cache can hold")
    parser.add_argument("--requests", type=int, default=600_000, help="requests per trace")
    parser.add_argument("--traces", nargs="+", default=list(TRACES), choices=list(TRACES))
    parser.add_argument("--policies", nargs="+", help="of ours; redis-server always runs its three")
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report(f"Hit ratios in percent with room for {options.entries:,} keys", options)
    with contestants(options) as runners:
        judge(report, runners, measure(report, runners, options))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
