"""Which numbers of a sender have been seen: the sliding window of IPsec (RFC 4303, section 3.4.3).

Promises that no number is accepted twice, and that numbers may come in any order within the window.
Leaves to others to make sure, first, that the number really is the sender's.
"""

from typing import Final

WINDOW: Final = 1024
"""Some ten seconds of all that a busy node sends, to whomever: a packet that is later than that has no news."""
_MASK: Final = (1 << WINDOW) - 1


class ReplayWindow:
    """Remembers the highest number and, as bits, which of those just below it have come."""

    __slots__ = ("_bits", "_highest")

    def __init__(self, first: int) -> None:
        self._highest = first
        self._bits = 1

    def accepts(self, number: int) -> bool:
        """Whether the number is new. If so, it is not the next time."""
        ahead = number - self._highest
        if ahead > 0:
            self._bits = (self._bits << ahead | 1) & _MASK if ahead < WINDOW else 1
            self._highest = number
            return True
        if ahead <= -WINDOW or self._bits >> -ahead & 1:
            return False
        self._bits |= 1 << -ahead
        return True
