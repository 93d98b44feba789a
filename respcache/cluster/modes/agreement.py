"""Agreeing on the next view: single-decree Paxos for each number, its messages carried by confirmations.

The old view's majority votes on the new one. Without a vote two nodes could each shrink their own idea of the members
until two groups that do not hear each other were both majorities of something. A node never comes back with what
it has promised, as a restarted process has another id; so nothing need be written to disk.

Source: Lamport, "Paxos Made Simple" (2001). A member is proposer and acceptor; who decides tells by following the new view.
"""

from .frames import Accepted, Ballot
from .stable_view import StableView, founded_by, has_majority


class Attempt:
    """One attempt of this node to have its proposal decided."""

    __slots__ = ("accepted_by", "ballot", "members", "promises", "wanted")

    def __init__(self, ballot: Ballot, wanted: frozenset[bytes]) -> None:
        self.ballot = ballot
        self.wanted = wanted
        self.members: frozenset[bytes] | None = None  # what the vote is on, once a majority has promised
        self.promises: dict[bytes, Accepted | None] = {}
        self.accepted_by: set[bytes] = set()


class Agreement:
    """The view that is in force, and this node's part in deciding on the next."""

    def __init__(self, my_id: bytes) -> None:
        self._my_id = my_id
        self.view = founded_by(my_id)
        self.promised: Ballot | None = None
        self.accepted: Accepted | None = None
        self._attempt: Attempt | None = None
        self._highest_round = 0

    def adopt(self, view: StableView) -> None:
        """Follow another view. What was promised concerned the old one's successor, which is decided by now."""
        self.view = view
        self.promised = self.accepted = self._attempt = None
        self._highest_round = 0

    # -- proposing -------------------------------------------------------------------

    @property
    def is_proposing(self) -> bool:
        return self._attempt is not None

    @property
    def question(self) -> tuple[Ballot | None, frozenset[bytes] | None]:
        """Return what to ask every member, again and again until it is decided."""
        attempt = self._attempt
        return (None, None) if attempt is None else (attempt.ballot, attempt.members)

    def propose(self, members: frozenset[bytes]) -> StableView | None:
        """Begin to have these decided as the next view; return it if no other member is needed for that."""
        if self._my_id not in self.view.members:
            return None
        self._highest_round += 1
        ballot = Ballot(self._highest_round, self._my_id)
        self._attempt = Attempt(ballot, members)
        self.vote(ballot, None)
        return self.answered(self._my_id, self.promised, self.accepted)

    def answered(
        self, peer_id: bytes, promised: Ballot | None, accepted: Accepted | None
    ) -> StableView | None:
        """Take a member's word on this view's successor; return that if it is decided now."""
        if promised is not None:
            self._highest_round = max(self._highest_round, promised.round)
        attempt = self._attempt
        if attempt is None or promised is None or peer_id not in self.view.members:
            return None
        if promised > attempt.ballot:
            self._attempt = None  # somebody else proposes; if nothing comes of it, with a higher round
        elif promised == attempt.ballot and attempt.members is None:
            return self._take_promise(attempt, peer_id, accepted)
        elif accepted is not None and accepted.ballot == attempt.ballot:
            return self._take_vote(attempt, peer_id)
        return None

    def _take_promise(self, attempt: Attempt, peer_id: bytes, accepted: Accepted | None) -> StableView | None:
        attempt.promises[peer_id] = accepted
        if not has_majority(self.view.members, attempt.promises.keys()):
            return None
        # What may have been decided already must be decided again.
        earlier = [one for one in attempt.promises.values() if one is not None]
        latest = max(earlier, key=lambda one: one.ballot, default=None)
        attempt.members = attempt.wanted if latest is None else latest.members
        self.vote(attempt.ballot, attempt.members)
        return self.answered(self._my_id, self.promised, self.accepted)

    def _take_vote(self, attempt: Attempt, peer_id: bytes) -> StableView | None:
        attempt.accepted_by.add(peer_id)
        if attempt.members is None or not has_majority(self.view.members, attempt.accepted_by):
            return None
        return StableView(self.view.founder, self.view.number + 1, attempt.members)

    # -- voting ----------------------------------------------------------------------

    def vote(self, ballot: Ballot, members: frozenset[bytes] | None) -> None:
        """Promise, and vote where something is put to the vote; nothing if a later ballot was promised."""
        self._highest_round = max(self._highest_round, ballot.round)
        if self.promised is not None and ballot < self.promised:
            return
        self.promised = ballot
        if members is not None:
            self.accepted = Accepted(ballot, members)
