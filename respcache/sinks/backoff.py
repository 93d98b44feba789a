"""How long to wait before trying again: longer each time, and never all at the same moment.

Each pause is drawn between half and the whole of a bound that doubles. The draw
keeps many nodes that lost the same receiver from coming back together; the lower half is
left out so that an unlucky draw does not hammer a receiver that is down.
"""

import random


class Backoff:
    """The pauses of one series of failures."""

    def __init__(self, chance: random.Random, first_s: float, longest_s: float) -> None:
        self._chance = chance
        self._first_s = first_s
        self._longest_s = longest_s
        self._bound_s = first_s

    def next_pause_s(self) -> float:
        """Return the next pause, in seconds."""
        bound_s, self._bound_s = self._bound_s, min(2 * self._bound_s, self._longest_s)
        return bound_s * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin with short pauses again, after a success."""
        self._bound_s = self._first_s
