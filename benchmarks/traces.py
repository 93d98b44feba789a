"""Streams of requests for caches: numbers of keys, the same for whoever asks with the same arguments.

A request is a key's number and whether it counts: what a scan reads is seen for the first and last time,
so nobody can hit it, and only what it does to the others is of interest.
"""

import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from wire import batches

Trace = Iterable[tuple[int, bool]]

UNIVERSE_PER_ENTRY: Final = 10
"""A cache that holds a tenth of its keys is a common size."""

ZIPF_EXPONENT: Final = 0.9
"""Between the 0.6 to 1 of the web caches that Breslau et al. (INFOCOM 1999) measured and newer, steeper traces."""

LOOP_PER_ENTRY: Final = 1.25
"""A loop a quarter larger than the cache: strict LRU never hits, the best possible keeps three quarters."""

BATCH: Final = 50
"""Requests in flight at once, as from fifty clients."""


def zipf(entries: int, requests: int, seed: int = 1) -> Iterator[tuple[int, bool]]:
    """Yield requests by popularity, for ever the same."""
    chance = random.Random(seed)
    universe = range(entries * UNIVERSE_PER_ENTRY)
    weights = list(accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in universe))
    for number in chance.choices(universe, cum_weights=weights, k=requests):
        yield number, True


def zipf_with_scans(entries: int, requests: int) -> Iterator[tuple[int, bool]]:
    """Yield the same, and after every two cachefuls a scan over one cacheful of keys that nobody asks for again."""
    scanned = entries * UNIVERSE_PER_ENTRY
    for place, request in enumerate(zipf(entries, requests * 2 // 3)):
        yield request
        if place % (2 * entries) == 2 * entries - 1:
            for number in range(scanned, scanned + entries):
                yield number, False
            scanned += entries


def loop(entries: int, requests: int) -> Iterator[tuple[int, bool]]:
    """Yield the same keys in the same order, round after round; the first round is for warming up."""
    size = int(entries * LOOP_PER_ENTRY)
    for place in range(requests):
        yield place % size, place >= size


TRACES: Final[dict[str, Callable[[int, int], Trace]]] = {
    "zipf": zipf,
    "zipf+scans": zipf_with_scans,
    "loop": loop,
}

Ask = Callable[[Sequence[int]], Sequence[bool]]
"""Asks a cache for keys, stores what it lacked, and returns what it had."""


def hit_ratios(trace: Trace, caches: Sequence[Ask]) -> list[float]:
    """Send a trace to all caches, batch by batch in turn; return each one's share of hits among what counts."""
    hits = [0] * len(caches)
    counted = 0
    for batch in batches(trace, BATCH):
        numbers = [number for number, _ in batch]
        counted += sum(counts for _, counts in batch)
        for place, ask in enumerate(caches):
            found = zip(ask(numbers), batch, strict=True)
            hits[place] += sum(is_hit and counts for is_hit, (_, counts) in found)
    return [number / max(counted, 1) for number in hits]


def strict_lru(entries: int) -> Ask:
    """Return the textbook's LRU cache, as a yardstick for those who approximate it."""
    held: OrderedDict[int, None] = OrderedDict()

    def ask(numbers: Sequence[int]) -> list[bool]:
        found = []
        for number in numbers:
            found.append(number in held)
            if found[-1]:
                held.move_to_end(number)
        for number, was_held in zip(numbers, found, strict=True):
            if not was_held:
                held[number] = None
                if len(held) > entries:
                    held.popitem(last=False)
        return found

    return ask
