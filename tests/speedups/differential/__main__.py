"""Send the same random streams to a server on the pure path and to one on the compiled path, and compare everything.

    python -m tests.speedups.differential --seconds 600 --seed 1
    python -m tests.speedups.differential --seed 4711 --trials 1
    python -m tests.speedups.differential --paths pure pure --seconds 20

A trial follows from its seed alone; the next has the next seed. A difference is tried again on fresh servers, made as short as
it gets, and printed with the command that repeats it. ``--plant`` changes a setting of the second server alone, to see that the
harness finds what differs. ``--compiled-python`` and ``--compiled-environment`` run the compiled side elsewhere, as a sanitizer's build needs.
"""

import argparse
import sys
import time

from tests.speedups.differential.campaign import Campaign
from tests.speedups.differential.sides import COMPILED, PURE, Kind


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        prog="tests.speedups.differential",
    )
    made.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000_000, help="of the first trial")
    made.add_argument("--seconds", type=float, help="how long; without, until --trials are done")
    made.add_argument("--trials", type=int, help="how many")
    made.add_argument("--paths", nargs=2, choices=["pure", "compiled"], default=["pure", "compiled"])
    made.add_argument("--plant", nargs="+", metavar="WORD", help="a command for the second server alone")
    made.add_argument("--longest", type=int, default=10_000, help="commands in a pipeline, at most")
    made.add_argument(
        "--compiled-python", default=sys.executable, help="the interpreter of the compiled side"
    )
    made.add_argument("--compiled-environment", nargs="*", default=[], metavar="NAME=VALUE")
    made.add_argument("--keep-going", action="store_true", help="do not stop at the first difference")
    return made


def kinds_of(words: argparse.Namespace) -> list[Kind]:
    compiled = Kind(
        COMPILED.name,
        dict(pair.split("=", 1) for pair in words.compiled_environment),
        python=words.compiled_python,
    )
    kinds = [PURE if path == "pure" else compiled for path in words.paths]
    if words.plant:
        kinds[1] = Kind("planted", kinds[1].environment, kinds[1].python, changes=(tuple(words.plant),))
    elif kinds[0] == kinds[1]:
        kinds[1] = Kind(f"other {kinds[1].name}", kinds[1].environment, kinds[1].python)
    return kinds


def main() -> int:
    words = parser().parse_args()
    if words.seconds is None and words.trials is None:
        words.trials = 1
    campaign = Campaign(kinds_of(words), longest=words.longest, keep_going=words.keep_going)
    failures = campaign.run(words.seed, words.seconds, words.trials)
    print(campaign.summary(), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
