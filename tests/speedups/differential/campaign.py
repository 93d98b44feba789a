"""Trial after trial, until time or seeds are over; what differs is tried again, made shorter, and told.

A difference that does not come again on fresh servers is told as well, and counts: a race is a bug, too. Servers live for some
trials, so that what one trial leaves behind has a chance to do harm in the next.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.speedups.differential.masks import shown
from tests.speedups.differential.programs import Burst, Program, make_program
from tests.speedups.differential.shrinking import SHRINKING_S, Shrinker
from tests.speedups.differential.sides import Kind
from tests.speedups.differential.stage import Stage

TRIALS_OF_SERVERS: Final = 100
"""Then fresh ones: starting takes half a second."""
REPEATS: Final = 3
SHOWN_LINES: Final = 60
PROGRESS_S: Final = 30.0


@dataclass(slots=True)
class Failure:
    """A program that shows a difference, and whether it does so again."""

    program: Program
    account: str
    is_repeatable: bool


@dataclass(slots=True)
class Campaign:
    """Plays programs."""

    kinds: Sequence[Kind]
    longest: int = 10_000
    keep_going: bool = False
    shrinking_s: float = SHRINKING_S
    failures: list[Failure] = field(default_factory=list)
    scenes: Counter[str] = field(default_factory=Counter)
    pieces: int = 0
    sent_bytes: int = 0
    seconds: float = 0.0

    def run(self, seed: int, seconds: float | None, trials: int | None) -> list[Failure]:
        """Play from ``seed`` on until a limit is met, or a difference; return what differed."""
        played = 0
        with Stage(self.kinds) as stage:
            begin_s = told_s = time.monotonic()  # now: servers may take their time to start
            while (trials is None or played < trials) and (
                seconds is None or not played or time.monotonic() - begin_s < seconds
            ):
                if played and played % TRIALS_OF_SERVERS == 0:
                    stage.restart()
                self._trial(stage, make_program(seed + played, longest=self.longest))
                played += 1
                self.seconds = time.monotonic() - begin_s
                if self.failures and not self.keep_going:
                    break
                if time.monotonic() - told_s > PROGRESS_S:
                    told_s = time.monotonic()
                    print(f"... {self.summary()}", file=sys.stderr, flush=True)
        return self.failures

    def summary(self) -> str:
        return (
            f"{self.scenes.total()} trials, {self.pieces:,} requests, {self.sent_bytes / 1e6:,.1f} MB in"
            f" {self.seconds:.0f} s: {len(self.failures)} differ"
        )

    def _trial(self, stage: Stage, program: Program) -> None:
        self.scenes[program.name] += 1
        bursts = [step for step in program.steps if isinstance(step, Burst)]
        self.pieces += sum(len(burst.pieces) for burst in bursts)
        self.sent_bytes += sum(len(piece) for burst in bursts for piece in burst.pieces)
        account = stage.play(program)
        if account:
            self.failures.append(self._examine(stage, program, account))

    def _examine(self, stage: Stage, program: Program, account: str) -> Failure:
        """Try again on fresh servers, and find the shortest program that shows it."""
        print(f"\nDIFFERS: seed {program.seed} ({program.name})\n{account}", flush=True)
        stage.restart()
        if not any(stage.play(program) for _ in range(REPEATS)):
            print(
                f"not again in {REPEATS} repetitions on fresh servers; again: {command_for(program)}",
                flush=True,
            )
            return Failure(program, account, is_repeatable=False)
        shortest = Shrinker(lambda shorter: bool(stage.play(shorter)), self.shrinking_s).shrink(program)
        account = stage.play(shortest) or account
        print(f"{account}\nin\n{listing(shortest)}\nagain: {command_for(program)}", flush=True)
        return Failure(shortest, account, is_repeatable=True)


def command_for(program: Program) -> str:
    return f"python -m tests.speedups.differential --seed {program.seed} --trials 1"


def listing(program: Program) -> str:
    """Write a program for people."""
    lines = [f"settings {program.settings}"]
    for step in program.steps:
        if not isinstance(step, Burst):
            lines.append(f"{step.connection}: {'stops sending' if step.half else 'leaves'}")
            continue
        cut = f" cut at {[round(share, 4) for share in step.cuts]}" if step.cuts else ""
        ways = [
            name
            for name, is_so in (
                (", each part read apart", step.is_patient),
                (", and does not read", step.is_deaf),
                (", together with the next", step.is_joined),
            )
            if is_so
        ]
        lines.append(f"{step.connection}: sends{cut}{''.join(ways)}")
        lines += [f"      {shown(piece)}" for piece in step.pieces]
    more = len(lines) - SHOWN_LINES
    return "\n".join([*lines[:SHOWN_LINES], *([f"... and {more} lines more"] if more > 0 else [])])
