"""Who ought to be in the stable view: members that are calm come and go, a moment's trouble changes nothing.

Only the rule. That the view really changes takes a vote of its majority (``agreement.py``), so a minority keeps the old view
however long it waits.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from .stable_view import has_majority

REMOVE_AFTER_S: Final = 5.0
"""How long a member is dead, and nobody else of the view dies or returns, before it is voted out. Longer than the halves
of a cluster take to find each other after a blink; shorter than it takes to repair the copies of a dead node, so
that nodes may go one after the other until one is left."""

ADD_AFTER_S: Final = 2.0
"""How long a newcomer has followed the view before it is voted in: each raises the number that a majority needs,
and one that dies at once must not have done so. It serves meanwhile; only it does not count."""


class Quorum:
    """What this node sees of the others, and since when."""

    def __init__(self, my_id: bytes) -> None:
        self._my_id = my_id
        self.alive: frozenset[bytes] = frozenset((my_id,))
        self._leaving: set[bytes] = set()
        self._missing_since: dict[bytes, float] = {}
        self._calm_since = float("-inf")

    def observe(self, now: float, alive: frozenset[bytes], members: AbstractSet[bytes]) -> bool:
        """Take who is alive, of whom some count for majorities; return whether anybody came or went."""
        alive |= {self._my_id}
        before, self.alive = self.alive, alive
        if before & members != alive & members:
            self._calm_since = now
        for id_ in members - alive:
            self._missing_since.setdefault(id_, now)
        for id_ in self._missing_since.keys() - (members - alive):
            del self._missing_since[id_]
        self._leaving &= alive | members
        return before != alive

    def left(self, id: bytes) -> None:
        """Note that a member goes, or has gone, by itself: it is voted out at once, if possible with its own vote."""
        self._leaving.add(id)

    def is_leaving(self, id: bytes) -> bool:
        return id in self._leaving

    def wanted(
        self, now: float, members: frozenset[bytes], following: Mapping[bytes, float]
    ) -> frozenset[bytes]:
        """Return who the members should be. ``following``: who holds the same view, and since when."""
        if not has_majority(members, self.alive):
            return members
        is_calm = now - self._calm_since >= REMOVE_AFTER_S
        out = {one for one in members if one in self._leaving or (is_calm and self._is_long_dead(now, one))}
        # Few who decide for many are soon lost, and all with them; so a view that begins takes in the others at once.
        is_beginning = 2 * len(members) <= len(self.alive)
        patience_s = 0.0 if is_beginning else ADD_AFTER_S
        new = {
            one
            for one, since in following.items()
            if now - since >= patience_s and one in self.alive and one not in self._leaving
        }
        return ((members - out) | new) or members

    def _is_long_dead(self, now: float, id: bytes) -> bool:
        return now - self._missing_since.get(id, now) >= REMOVE_AFTER_S
