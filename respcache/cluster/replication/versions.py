"""Versions: which of two states of a key is the newer, on whatever nodes they were made.

A version is one number: 48 bits of Unix milliseconds and 16 that count within one (together the *clock*), above
32 bits of the node's id (the *tag*), which decide between two nodes. It comes from a hybrid logical clock: as
late as the wall clock says, and later than every version that this node has seen. After Kulkarni et al., "Logical
Physical Clocks and Consistent Snapshots in Globally Distributed Databases" (2014).

A node whose wall clock is far ahead must not take all others along for ever. So a version of more than
``FOLLOWED_MS`` ahead of our clock is not followed; only who overwrites that very key gets a version just above it.
"""

from collections.abc import Callable
from typing import Final

from ..._speedups import VersionsState

TAG_BITS: Final = 32
TAG_MASK: Final = (1 << TAG_BITS) - 1
COUNTER_BITS: Final = 16
MS_SHIFT: Final = TAG_BITS + COUNTER_BITS

STEP: Final = 1 << TAG_BITS
"""From one version of a node to its next."""

MOST_CLOCK: Final = 1 << 63
"""No honest clock comes near (it has the year 6429); a step above it can still be told in 64 bits."""

FOLLOWED_MS: Final = 3_600_000
"""An hour: more than clocks that are kept at all ever differ, a time zone set wrong included; little enough to wait for."""


class HybridClock(VersionsState):
    """Gives versions that only grow."""

    __slots__ = ("now_ms",)

    def __init__(self, now_ms: Callable[[], int], node_id: bytes) -> None:
        self.tag = int.from_bytes(node_id[:4])
        self.now_ms = now_ms
        self.read_ms = 0
        self.last = 0

    def next(self, at_least: int = 0) -> int:
        """Return a version above all that were given or followed, and above ``at_least``."""
        now_ms = self.now_ms()
        if now_ms > self.read_ms:
            self.read_ms = now_ms
            self.last = max(self.last, now_ms << COUNTER_BITS)
        self.last = clock = self.last + 1
        version = clock << TAG_BITS | self.tag
        if version <= at_least:
            self.see(at_least)
            self.last = clock = self.last + 1
            version = clock << TAG_BITS | self.tag
            if version <= at_least:  # too far ahead to be followed
                version = (at_least & ~TAG_MASK) + STEP | self.tag
        return version

    def see(self, version: int) -> None:
        """Give only later versions from now on; unless it is too far ahead to be right."""
        last = self.last << TAG_BITS | self.tag
        if version > last and version >> MS_SHIFT <= self.now_ms() + FOLLOWED_MS:
            self.last = version >> TAG_BITS


def version_of(clock: int, tag: int) -> int:
    """Put together what is told in two numbers."""
    return clock << TAG_BITS | tag
