"""How long to wait before trying again: longer each time, and never all at the same moment.

Each pause is drawn between half and the whole of a bound that doubles. The draw
keeps many nodes that lost the same receiver from coming back together; the lower half is
left out so that an unlucky draw does not hammer a receiver that is down.
"""

import math
import random
from typing import Final

MOST_DOUBLINGS: Final = 64
"""Beyond it any bound is reached; a float would overflow at a thousand."""


class Backoff:
    """The pauses of one series of failures."""

    def __init__(self, chance: random.Random, first_s: float, longest_s: float) -> None:
        self._chance = chance
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    def next_pause_s(self) -> float:
        """Return the next pause, in seconds."""
        self._failures += 1
        return pause_s(self._failures, self._first_s, self._longest_s, self._chance)

    def reset(self) -> None:
        """Begin with short pauses again, after a success."""
        self._failures = 0


def pause_s(failures: int, first_s: float, longest_s: float, chance: random.Random) -> float:
    """Return the pause after so many failures in a row, for who counts them elsewhere; ``first_s`` is the bound after the first."""
    bound_s = min(math.ldexp(first_s, min(failures - 1, MOST_DOUBLINGS)), longest_s)
    return bound_s * chance.uniform(0.5, 1.0)
