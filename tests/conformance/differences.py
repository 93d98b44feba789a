"""The deliberate differences from redis-server 7.0.15, each with its reason.

The list is kept honest from both sides: a difference that is not listed fails, and so does a listed one that is gone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A line of a case that is answered differently, on purpose."""

    case: str  # its full name: "strings: SET keeps the expiry"
    line: str  # exactly as in the table; all lines that read so
    reason: str
    protocols: tuple[int, ...] = (2, 3)


DIFFERENCES: list[Difference] = []

# Commands of ours that redis-server 7.0.15 does not have: nothing to compare them with.
NEWER_COMMANDS = {
    "client|no-touch": "came with Redis 7.2; its clients may send it",
    "client|setinfo": "came with Redis 7.2; today's clients send it first thing",
}
