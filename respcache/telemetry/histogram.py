"""A latency histogram that costs one list access to record and is understood only when read.

The session that times a command does ``counts[nanoseconds.bit_length()] += 1``
on a plain list: slot ``b`` counts durations of 2**(b-1) up to 2**b - 1
nanoseconds. Everything else (Redis' cumulative buckets, percentiles) is worked
out here, when somebody asks. Redis keeps an HDR histogram of two digits per
command; ours knows a percentile to within its power of two and interpolates in
between, for a hundredth of the memory and no call per command.
"""

from collections.abc import Sequence
from typing import Final

SLOTS: Final = 64
"""``bit_length`` of any duration below 292 years: the hot loop needs no bounds check."""

_FINEST_BITS: Final = 10
"""Redis' first bucket holds all up to 1024 ns, and calls that one microsecond."""

_HDR_BITS: Final = 8
"""Redis' HDR histogram cuts each power of two to 128 cells; its printed bounds are ends of cells."""

_LAST_HDR_BITS: Final = 29
"""Redis' histogram ends at a second, so its last bound is the bare 2**30 ns; so are ours from there on."""


def new_counts() -> list[int]:
    """Return an empty histogram, ready for ``counts[nanoseconds.bit_length()] += 1``."""
    return [0] * SLOTS


def bound_microseconds(bits: int) -> int:
    """Return the upper bound that LATENCY HISTOGRAM prints for slot ``bits``: 1, 2, 4, 8, 16, 33, 66 and so on.

    The odd 33, 66, 132 are Redis' own: the end of the HDR cell that starts at
    the power of two, cut to whole microseconds.
    """
    bits = max(bits, _FINEST_BITS)
    power = 1 << bits
    if bits > _LAST_HDR_BITS:
        return power // 1000
    cell = 1 << (bits + 1 - _HDR_BITS)
    return (power + cell - 1) // 1000


def cumulative_buckets(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Return (upper bound in microseconds, calls up to it), only where the number grows.

    Redis counts whatever takes longer than a second as a second; we go on doubling.
    """
    buckets: list[tuple[int, int]] = []
    total = sum(counts[: _FINEST_BITS + 1])
    if total:
        buckets.append((bound_microseconds(_FINEST_BITS), total))
    for bits in range(_FINEST_BITS + 1, len(counts)):
        if counts[bits]:
            total += counts[bits]
            buckets.append((bound_microseconds(bits), total))
    return buckets


def percentile_microseconds(counts: Sequence[int], percentile: float) -> float:
    """Return the duration that ``percentile`` (0 to 100) of the calls did not exceed; 0.0 if there were none.

    The rank is Redis' (rounded, at least the first call). Within a slot the calls are taken
    to lie evenly, so the answer is off by less than a factor of two, commonly far less.
    """
    total = sum(counts)
    rank = max(1, int(percentile / 100 * total + 0.5))
    before = 0
    for bits, count in enumerate(counts):
        if before + count >= rank and count:
            if not bits:
                return 0.0
            lowest = 1 << (bits - 1)
            share = (rank - before - 0.5) / count
            return lowest * (1 + share) / 1000
        before += count
    return 0.0
