"""Makes a program that shows a difference shorter for as long as it still does.

Steps go first, then the pieces of the bursts that are left: halves, quarters and so on, one by one at last (delta debugging,
Zeller and Hildebrandt 2002), then cuts. What is left is seldom more than a handful of commands.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from tests.speedups.differential.programs import Burst, Leave, Program, Step

Item = TypeVar("Item")

SHRINKING_S: Final = 60.0
"""A minute of it does most of what an hour would."""


class Shrinker:
    """Shrinks one program; ``differs`` plays it."""

    def __init__(self, differs: Callable[[Program], bool], limit_s: float = SHRINKING_S) -> None:
        self._differs = differs
        self._limit_s = limit_s
        self._deadline_s = 0.0

    def shrink(self, program: Program) -> Program:
        """Return the shortest program found that still differs; the given one, if no shorter does."""
        self._deadline_s = time.monotonic() + self._limit_s
        before: Program | None = None
        while before != program and not self._is_late:
            before = program
            program = self._fewer_steps(program)
            for number in range(len(program.steps)):
                program = self._simpler_step(program, number)
        return program

    @property
    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline_s

    def _fewer_steps(self, program: Program) -> Program:
        steps = self._fewest(program.steps, lambda steps: replace(program, steps=tuple(steps)))
        return replace(program, steps=tuple(steps))

    def _simpler_step(self, program: Program, number: int) -> Program:
        step = program.steps[number]
        if isinstance(step, Leave):
            return program

        def with_step(changed: Step) -> Program:
            return replace(program, steps=(*program.steps[:number], changed, *program.steps[number + 1 :]))

        for simpler in (
            replace(step, cuts=(), is_patient=False, is_deaf=False, is_joined=False),
            replace(step, cuts=step.cuts[:1]),
        ):
            if simpler != step and not self._is_late and self._differs(with_step(simpler)):
                step = simpler
                break
        burst: Burst = step
        pieces = self._fewest(burst.pieces, lambda pieces: with_step(replace(burst, pieces=tuple(pieces))))
        return with_step(replace(burst, pieces=tuple(pieces)))

    def _fewest(self, items: Sequence[Item], made_of: Callable[[Sequence[Item]], Program]) -> Sequence[Item]:
        """Leave out as many items as can be."""
        size = max(len(items) // 2, 1)
        while items and not self._is_late:
            begin = 0
            while begin < len(items) and not self._is_late:
                fewer = [*items[:begin], *items[begin + size :]]
                if self._differs(made_of(fewer)):
                    items = fewer
                else:
                    begin += size
            if size == 1:
                break
            size //= 2
        return items
