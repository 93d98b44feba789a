"""Which fault befalls whom and when, from one seed: a pure function, so that the seed brings the same trial again."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class What(StrEnum):
    KILL = "kill -9"
    RESTART = "restart"
    STOP = "SIGSTOP"
    UNPLUG = "link down"
    ONE_WAY = "one way"
    SPLIT = "split"
    TROUBLE = "bad network"
    CLOCK = "clock"


ON_ONE_MACHINE: Final = (What.KILL, What.RESTART, What.STOP)
"""Faults that need no network of their own."""

STOPS_S: Final = (1.0, 2.0, 6.0)
CUTS_S: Final = (2.0, 5.0)
"""Some end before the others have noticed, some after."""

TROUBLES: Final = ("loss", "delay", "duplicate", "reorder")
CLOCKS_S: Final = (-10.0, -0.5, 0.5, 10.0)
"""By how much a clock is off from then on, instead of how long it lasts."""

_SECONDS: Final[Mapping[What, Sequence[float]]] = {
    What.STOP: STOPS_S,
    What.UNPLUG: CUTS_S,
    What.ONE_WAY: CUTS_S,
    What.SPLIT: CUTS_S,
    What.TROUBLE: (5.0,),
    What.CLOCK: CLOCKS_S,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them. What it lasts and how bad it is depends on the kind."""

    at_s: float
    what: What
    victims: tuple[int, ...]
    """Places of the nodes; of a split, those on one side."""
    seconds: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        whom = ",".join(f"node-{victim + 1}" for victim in self.victims)
        return f"{self.at_s:.1f} s: {self.what} {whom} {self.seconds:g} s {self.detail}".rstrip()


def plan(
    seed: str, *, seconds: float, nodes: int, every_s: float, kinds: Sequence[What] = tuple(What)
) -> Iterator[Fault]:
    """Yield a fault for every so many seconds; whoever makes them waits each time until the cluster is safe again."""
    chance = random.Random(f"faults/{seed}")
    at_s = every_s / 2
    while at_s < seconds:
        yield _fault(chance, at_s, chance.choice(list(kinds)), nodes)
        at_s += every_s


def _fault(chance: random.Random, at_s: float, what: What, nodes: int) -> Fault:
    victims: tuple[int, ...] = (chance.randrange(nodes),)
    seconds, detail = chance.choice(_SECONDS.get(what, (0.0,))), ""
    if what is What.ONE_WAY:
        victims = tuple(chance.sample(range(nodes), 2))
    elif what is What.SPLIT:
        few = chance.randint(1, max(1, (nodes - 1) // 2))
        victims = tuple(sorted(chance.sample(range(nodes), few)))
    elif what is What.TROUBLE:
        victims, detail = tuple(range(nodes)), chance.choice(TROUBLES)
    return Fault(at_s, what, victims, seconds, detail)
