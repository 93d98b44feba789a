"""Until when a majority stands behind this node, by its own clock alone.

A confirmation counts from the *sending* of the question: when the answer was given is not known, but it was not before.
So it does not matter how late an answer arrives, or how long this process was stopped meanwhile: the time is over all the
same. Whoever promises another server not to follow this node any more tells so from then on, and a lease that was
confirmed earlier is over `LEASE_S` later by any clock, `PROMOTION_WAIT_S` by the new server's.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from .stable_view import majority_of

LEASE_S: Final = 1.0
"""How long a node may serve without news of the majority. Shorter: a pause of the peers stops everything; longer: so much
longer nobody serves what a node served that is gone."""

CONFIRM_EVERY_S: Final = 0.25
"""Four questions per lease, so that three may be lost. Each costs two small frames per member."""

PROMOTION_WAIT_S: Final = LEASE_S + 0.05
"""How long a new server waits after the majority has promised: clocks of two machines differ by 0.05 % at worst
in their rates, and timers may come a few milliseconds early."""

MOST_OPEN: Final = 16
"""Questions that an answer may refer to: the four of a second, and some that were brought forward."""


class Lease:
    """Questions, and who answered the latest."""

    def __init__(self, my_id: bytes) -> None:
        self._my_id = my_id
        self._token = 0
        self.next_at = float("-inf")
        """When the next question is due."""
        self._sent_at: dict[int, float] = {}
        self._confirmed: dict[bytes, float] = {}

    def due(self, now: float) -> int | None:
        """Return the number of a question to be sent now to everybody, or None: it is not time yet."""
        if now < self.next_at:
            return None
        self.next_at = now + CONFIRM_EVERY_S
        self._token += 1
        self._sent_at[self._token] = now
        if len(self._sent_at) > MOST_OPEN:
            del self._sent_at[next(iter(self._sent_at))]
        return self._token

    def hurry(self) -> None:
        """Let the next question be due at once: something has changed."""
        self.next_at = float("-inf")

    def confirmed(self, token: int, peer_id: bytes) -> None:
        """Note an answer. One that nobody asked for confirms nothing."""
        sent_at = self._sent_at.get(token)
        if sent_at is not None and sent_at > self._confirmed.get(peer_id, float("-inf")):
            self._confirmed[peer_id] = sent_at

    def forget(self, peer_id: bytes) -> None:
        """Note that what a member has confirmed was for another view."""
        self._confirmed.pop(peer_id, None)

    def keep_only(self, ids: AbstractSet[bytes]) -> None:
        """Forget everybody else: who is gone must not pile up."""
        for id_ in self._confirmed.keys() - ids:
            del self._confirmed[id_]

    def asked_since(self, members: Iterable[bytes]) -> float:
        """Return the latest time such that a majority has answered questions sent then or later; own consent is given."""
        times = [self._time_of(one) for one in members]
        times.sort(reverse=True)
        return times[majority_of(len(times)) - 1] if times else float("-inf")

    def _time_of(self, id: bytes) -> float:
        return float("inf") if id == self._my_id else self._confirmed.get(id, float("-inf"))
