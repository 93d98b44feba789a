"""Measure how soon the survivors know that a node was killed.

In clusters of 3, 5 and 10 nodes with the default timers, one node after another is ended by kill -9, and every survivor is
asked how many live members it knows. Then the node is started again at its address. A kill counts with the time of the last
survivor to know:

- 99 % of the kills are known by all within a second.

The kernel closes a killed process' connections, and each peer that loses one looks at once, so this is the quick way. What
no closed connection tells, such as a lost network, takes the timers of docs/cluster.md.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from clusters import Place, kill, option_parser, places, start_together, stop_all, wait_until_together
from report import Report
from servers import Server
from wire import Connection

LIMIT_S = 1.0
PATIENCE_S = 20.0
PAUSE_S = 0.01
"""Between two looks at all survivors: a hundredth of the limit, and little work for them."""


def seconds_until_all_know(survivors: Sequence[Server], killed_at: float) -> float:
    """Ask all again and again; return when the last one no longer counted the victim."""
    with ExitStack() as stack:
        waiting = [stack.enter_context(server.connect()) for server in survivors]
        while True:
            waiting = [one for one in waiting if _live_members(one) > len(survivors)]
            known_s = time.monotonic() - killed_at
            if not waiting:
                return known_s
            if known_s > PATIENCE_S:
                raise RuntimeError(f"{len(waiting)} survivors do not know after {PATIENCE_S:g} s")
            time.sleep(PAUSE_S)


def _live_members(connection: Connection) -> int:
    return int(connection.info("cluster")["cluster_live_members"])


def kill_one(where: list[Place], servers: list[Server], chance: random.Random, python: str) -> float:
    """Kill a node, measure, start it again, and wait until the cluster is whole."""
    place = chance.randrange(len(servers))
    victim, survivors = servers[place], [server for number, server in enumerate(servers) if number != place]
    took_s = seconds_until_all_know(survivors, kill(victim))
    victim.stop()  # reaps it
    seed = where[(place + 1) % len(where)].bus
    servers[place] = where[place].start(seed, python)
    wait_until_together(servers)
    return took_s


def measure(size: int, options: argparse.Namespace) -> list[float]:
    where, chance = places(size, ["--cluster-profile", options.profile]), random.Random(size)
    servers = start_together(where, options.python)
    try:
        wait_until_together(servers)
        return sorted(kill_one(where, servers, chance, options.python) for _ in range(options.kills))
    finally:
        stop_all(servers)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[3, 5, 10])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--profile", default="lan", choices=["local", "lan", "wan"])
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("From kill -9 until all survivors know", options)
    for size in options.sizes:
        took_s = measure(size, options)
        # Of 30 the 99th percentile is the slowest: nothing is left out.
        p99_s = took_s[min(len(took_s) - 1, len(took_s) * 99 // 100)]
        report.add(
            {
                "nodes": size,
                "kills": len(took_s),
                "fastest ms": took_s[0] * 1000,
                "p50 ms": median(took_s) * 1000,
                "p99 ms": p99_s * 1000,
            }
        )
        report.expect_at_most(f"p99 seconds until all {size - 1} survivors know", p99_s, LIMIT_S)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
