"""How often a key is used: Redis' logarithmic counter, packed into ``Entry.seen``.

A counter of eight bits stands for up to millions of uses: the higher it
is, the less likely a use raises it. It loses one for every ``decay_minutes``
without use, so what was popular yesterday makes room. Beside it stands the minute of
the last use. (Redis: maxmemory-policy allkeys-lfu, lfu-log-factor, lfu-decay-time.)
"""

import random
from typing import Final

FIRST_COUNT: Final = 5
"""A new key starts here, not at zero, so that it has time to gather uses."""

HIGHEST_COUNT: Final = 255

COUNT_BITS: Final = 8

MINUTE_MS: Final = 60_000

NEVER_SEEN: Final = -1
"""What a database passes as ``seen`` for a new entry."""


class Frequency:
    """Stamps entries with counters; ``stamp`` is made for ``Database.stamp``."""

    def __init__(self, chance: random.Random, log_factor: int = 10, decay_minutes: int = 1) -> None:
        self.log_factor = log_factor
        self.decay_minutes = decay_minutes
        self._chance = chance

    def stamp(self, seen: int, now_ms: int) -> int:
        """Note a use at ``now_ms``: of a new entry, or of one whose counter is ``seen``."""
        minute = now_ms // MINUTE_MS
        if seen == NEVER_SEEN:
            return minute << COUNT_BITS | FIRST_COUNT
        return minute << COUNT_BITS | self._raised(self.count(seen, now_ms))

    def count(self, seen: int, now_ms: int) -> int:
        """Return what the counter has decayed to: the answer of OBJECT FREQ."""
        count = seen & HIGHEST_COUNT
        if not self.decay_minutes:
            return count
        idle_minutes = max(now_ms // MINUTE_MS - (seen >> COUNT_BITS), 0)
        return max(count - idle_minutes // self.decay_minutes, 0)

    def _raised(self, count: int) -> int:
        if count == HIGHEST_COUNT:
            return count
        unlikeliness = max(count - FIRST_COUNT, 0) * self.log_factor + 1
        return count + (self._chance.random() * unlikeliness < 1)


def last_used_ms(seen: int) -> int:
    """Return the minute of the last use, for a policy that wants a time instead of a counter."""
    return (seen >> COUNT_BITS) * MINUTE_MS
