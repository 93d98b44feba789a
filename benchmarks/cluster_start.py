"""See whether nodes that start all at once always become one cluster.

Ten processes start in the same moment, and all have the first as their only seed, which may not listen yet when they ask.
Counted is from the start of the first process until every node counts all as active and all name the same owners:

- every start ends in one cluster;
- within 5 seconds, of which the interpreters need a good part on a small machine: the second column says how much.
"""

import argparse
import sys
import time
from statistics import median

from clusters import option_parser, places, start_together, stop_all, wait_until_together
from report import Report
from servers import Server

LIMIT_S = 5.0
PATIENCE_S = 30.0


def start_once(options: argparse.Namespace) -> tuple[float, float]:
    """Return the seconds until all answered clients, and until they were one cluster; infinite if they were not."""
    servers: list[Server] = []
    flags = ["--cluster-profile", options.profile]
    try:
        begun = time.monotonic()
        servers = start_together(places(options.nodes, flags), options.python)
        answered_s = time.monotonic() - begun
        try:
            wait_until_together(servers, PATIENCE_S)
        except RuntimeError:
            return answered_s, float("inf")
        return answered_s, time.monotonic() - begun
    finally:
        if servers:
            stop_all(servers)


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--starts", type=int, default=50)
    parser.add_argument("--profile", default="lan", choices=["local", "lan", "wan"])
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("From the first process to one cluster", options)
    times = [start_once(options) for _ in range(options.starts)]
    answered_s, together_s = ([pair[which] for pair in times] for which in (0, 1))
    for name, seconds in (("all answer clients", answered_s), ("one cluster", together_s)):
        report.add(
            {
                "until": name,
                "nodes": options.nodes,
                "starts": len(seconds),
                "median s": median(seconds),
                "slowest s": max(seconds),
            }
        )
    in_time = sum(seconds <= LIMIT_S for seconds in together_s)
    report.expect_at_least(f"starts that were one cluster within {LIMIT_S:g} s", in_time, options.starts)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
