"""Put a cluster of real nodes through trouble, and say whether it kept its promises.

    python -m tests.faults kill9 --seed 1 --seeds 50
    python -m tests.faults stop --seconds 30
    python -m tests.faults partition --shape ring --seconds 60
    python -m tests.faults rolling-restart --copies 1
    python -m tests.faults mix --seed 7 --minutes 30

Everything follows from the seed: workloads, victims, and of ``mix`` also faults and times. What other processes do to the
timing of this machine does not, so a failure may need a few runs to come again. A failed trial keeps its folder: plans, histories, logs.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .checkers import SPLIT_CLAIMS
from .fleet import REPOSITORY
from .join import join
from .mixture import mix
from .network import enter_own_network
from .scenarios import ALL, DEFAULTS, NEEDS_CUTS
from .trial import SHOWN_FINDINGS, Cell, Options, Result, Trial

SCENARIOS: Final = {**ALL, "join": join, "mix": mix}


def options_of(words: argparse.Namespace, seed: str) -> Options:
    """Return what was said, then what the scenario is about, then the defaults."""
    said = {
        name: value for name, value in vars(words).items() if name in Options.__slots__ and value is not None
    }
    options = Options(**{**DEFAULTS.get(words.scenario, {}), **said, "seed": seed})
    if words.minutes is not None:
        options.seconds = words.minutes * 60
    return options


def run(scenario: str, options: Options, *, keep: bool) -> Result:
    """Run one trial; a cluster that does not find together again is a failure as any other."""
    with Trial(options) as trial:
        if scenario in NEEDS_CUTS and not trial.wire.can_cut:
            raise SystemExit(f"{scenario} needs network namespaces, which cannot be made here")
        trial.note(f"{scenario}, seed {options.seed}, in {trial.directory}")
        try:
            result = SCENARIOS[scenario](trial)
        except AssertionError as failure:
            trial.failures.append(str(failure))
            result = trial.judge(SPLIT_CLAIMS)
    result.failures = [*dict.fromkeys([*result.failures, *trial.failures])]
    if result.is_good and not keep:
        shutil.rmtree(trial.directory)
    else:
        (trial.directory / "notes").write_text("\n".join(trial.log_lines) + "\n")
        explain(scenario, options, result, trial.directory)
    return result


def explain(scenario: str, options: Options, result: Result, directory: Path) -> None:
    for line in result.failures:
        print(f"NOT MET: {line}")
    for finding in result.findings[:SHOWN_FINDINGS]:
        print(f"BROKEN: {finding}")
    if len(result.findings) > SHOWN_FINDINGS:
        print(f"... and {len(result.findings) - SHOWN_FINDINGS} more")
    asked = " ".join(
        f"--{name} {getattr(options, name)}"
        for name in ("nodes", "copies", "rate", "seconds", "shape", "keys", "profile", "ack", "mode")
        if getattr(options, name)
    )
    print(f"again: python -m tests.faults {scenario} --seed {options.seed} {asked}")
    print(f"kept: {directory}", flush=True)


def table(rows: Sequence[dict[str, Cell]]) -> str:
    """Return the figures of all trials, one row each."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([str(row.get(name, "-")) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    return "\n".join(
        "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in cells
    )


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, prog="tests.faults"
    )
    made.add_argument("scenario", choices=sorted(SCENARIOS))
    made.add_argument("--seed", default=str(time.time_ns() % 1_000_000), help="any word")
    made.add_argument("--seeds", type=int, default=1, help="so many trials, with seeds that follow")
    made.add_argument("--nodes", type=int)
    made.add_argument("--copies", type=int)
    made.add_argument("--rate", type=float, help="writes a second")
    made.add_argument("--seconds", type=float, help="how long the trouble lasts")
    made.add_argument("--minutes", type=float, help="the same in minutes")
    made.add_argument(
        "--shape", help="of a partition: one, minority, majority, ring, oneway; of netem: which"
    )
    made.add_argument("--keys", type=int, help="keys that are there before a node joins")
    made.add_argument("--profile", choices=["local", "lan", "wan"])
    made.add_argument("--ack", choices=["sync", "async"])
    made.add_argument("--mode", choices=["available", "strict"])
    made.add_argument("--wire", choices=["auto", "namespaces", "loopback"], help="where nodes live")
    made.add_argument("--tree", type=Path, default=REPOSITORY, help="whose respcache to run")
    made.add_argument("--flags", nargs="+", help="further flags of the nodes", metavar="FLAG")
    made.add_argument("--keep", action="store_true", help="keep the folder of a good trial, too")
    made.add_argument("--json", type=Path, help="write the figures there, too")
    return made


def main() -> int:
    words = parser().parse_args()
    if words.wire != "loopback":
        enter_own_network()
    results: list[Result] = []
    for number in range(words.seeds):
        seed = str(int(words.seed) + number) if words.seed.isdecimal() else f"{words.seed}{number or ''}"
        results.append(run(words.scenario, options_of(words, seed), keep=words.keep))
    bad = [str(result.figures.get("seed")) for result in results if not result.is_good]
    print(f"\n{words.scenario}\n{table([result.figures for result in results])}\n")
    print(f"failed seeds: {' '.join(bad)}" if bad else f"all {len(results)} good")
    if words.json:
        record = [
            {"figures": r.figures, "failures": r.failures, "findings": [str(f) for f in r.findings[:100]]}
            for r in results
        ]
        words.json.write_text(json.dumps(record, indent=1) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
