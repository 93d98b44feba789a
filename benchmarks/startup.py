"""Measure the time from starting the process to the first PONG.

Median of ten starts, the two servers in turn. A restart of a cache should be shorter than a client's patience:

- at most 500 ms.
"""

import argparse
import sys
from statistics import median
from typing import Final

from report import Report
from servers import option_parser, starters

LIMIT_MS: Final = 500


def options() -> argparse.Namespace:
    parser = option_parser(__doc__)
    parser.add_argument("--starts", type=int, default=10)
    return parser.parse_args()


def main(options: argparse.Namespace) -> int:
    report = Report("Time to the first PONG", options)
    times_ms: dict[str, list[float]] = {}
    cpu_ms: dict[str, list[float]] = {}
    for _ in range(options.starts):
        for start in starters(options):
            with start() as server:
                times_ms.setdefault(server.label, []).append(server.seconds_to_first_pong * 1000)
                cpu_ms.setdefault(server.label, []).append(server.cpu_seconds() * 1000)
    for label, times in times_ms.items():
        report.add(
            {
                "server": label,
                "starts": len(times),
                "median ms": median(times),
                "fastest ms": min(times),
                "slowest ms": max(times),
                "CPU ms": median(cpu_ms[label]),
            }
        )
    report.expect_at_most("median ms to the first PONG", median(times_ms[label]), LIMIT_MS)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(options()))
