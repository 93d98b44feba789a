"""How long a member stays suspected before it is declared dead (Lifeguard).

A lone accuser may itself be the one that is cut off, so its suspicion lasts long. Each independent confirmation shortens
it by a logarithm, down to the minimum when as many have confirmed as could be expected. A refused connection
is a confirmation of its own, for it is the word of the suspect's machine; two witnesses of that, or one of
two members, shorten it to a probe period, in which the suspect may still object.
"""

from math import log
from typing import Final

import msgspec

WITNESSES: Final = 2  # of a refused connection: one could be behind a firewall that refuses in another's name


class Patience(msgspec.Struct, frozen=True):
    """How long suspicions last in a group of this size."""

    minimum_s: float
    maximum_s: float
    expected_confirmations: int
    when_refused_s: float
    is_pair: bool  # only two members: nobody else could confirm


class Suspicion:
    """The accusers of one member since it was first accused."""

    __slots__ = ("_accusers", "_patience", "_refused_to", "confirmations", "started_at")

    def __init__(self, started_at: float, by: bytes, refused: bool, patience: Patience) -> None:
        self.started_at = started_at
        self.confirmations = 0
        self._patience = patience
        self._accusers = {by}
        self._refused_to = {by} if refused else set()

    def confirm(self, by: bytes, refused: bool) -> bool:
        """Return whether this is a new confirmation; more than can shorten anything are not, which bounds the sets."""
        if refused and by not in self._refused_to and len(self._refused_to) < WITNESSES:
            self._refused_to.add(by)
        elif by in self._accusers or self.confirmations >= self._patience.expected_confirmations:
            return False
        self._accusers.add(by)
        self.confirmations += 1
        return True

    def deadline(self) -> float:
        """Return when the member is to be declared dead. It may be past already."""
        return self.started_at + self._timeout_s()

    def _timeout_s(self) -> float:
        patience = self._patience
        if len(self._refused_to) >= WITNESSES or (self._refused_to and patience.is_pair):
            return min(patience.when_refused_s, patience.minimum_s)
        if patience.expected_confirmations == 0:
            return patience.minimum_s
        done = log(self.confirmations + 1) / log(patience.expected_confirmations + 1)
        span = patience.maximum_s - patience.minimum_s
        return max(patience.minimum_s, patience.maximum_s - span * done)
