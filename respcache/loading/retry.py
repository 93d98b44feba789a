"""How long a key that could not be loaded waits before it is tried again."""

import random
from typing import Final

from ..backoff import pause_s

LONGEST_PAUSE_S: Final = 30.0
"""Far beyond a client's patience: only refreshes and preloads, for which nobody waits, come here."""


def retry_pause_s(tries: int, retry_pause_ms: float, chance: random.Random, wish_s: float = 0) -> float:
    """Return the pause after so many tries in vain: ``retry_pause_ms``, twice that, and so on, and up to as much again by chance.

    ``wish_s`` is for how long the source itself has asked to be left in peace, which the pause does not fall short of.
    """
    own_s = pause_s(tries, 2 * retry_pause_ms / 1000, LONGEST_PAUSE_S, chance)
    # Those who were sent away together are not to come back together.
    return max(own_s, wish_s * chance.uniform(1.0, 1.1) if wish_s else 0)
