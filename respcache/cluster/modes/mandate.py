"""Whether this node may serve and promote, in either mode.

*Available*: whenever at least ``min_members`` are alive. *Strict*: also only while a majority of the last stable view confirmed it within the
last second. So of two groups that do not hear each other one serves at most, and a node that was stopped or cut off
answers nothing when it wakes. A view that changes is entered with the consent of both majorities, the old and the new:
who was promised something by the old one's majority is thus known in the new one.

The lead calls ``observe`` on every change of members and every tick, sends what ``due`` returns to every live member, answers
a question with ``asked`` and hands in an answer with ``answered``. All times are of one clock that also runs while the
process is stopped; it must be read anew before ``is_valid`` is asked, once per turn at least and after every wait.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from .agreement import Agreement
from .frames import Confirm, Confirmed
from .lease import LEASE_S, PROMOTION_WAIT_S, Lease
from .quorum import Quorum
from .stable_view import StableView, has_majority

ENTRY_S: Final = 3.0
"""After this a new view is entered without the old one's majority, which may be gone for good: three leases, in which
every server that the old one still allowed has either been heard of or has stopped."""

PROPOSER_TURN_S: Final = 1.0
"""Who is next in line waits so much longer before it proposes a view: four rounds, in which the one before has done it."""

_NO_VIEW: Final = StableView(b"", 0, frozenset())
"""What a node of the other mode tells, so that nobody waits to hear its view."""


class Mandate:
    """See the file's docstring."""

    def __init__(self, my_id: bytes, *, strict: bool, min_members: int) -> None:
        self._my_id = my_id
        self._strict = strict
        self._min_members = min_members
        self._agreement = Agreement(my_id)
        self._quorum = Quorum(my_id)
        self._lease = Lease(my_id)
        self._following: dict[bytes, float] = {}  # who holds the same view's sequence, and since when
        self._behind: set[bytes] = set()  # who must be told the members
        self._met: set[bytes] = {my_id}  # whose view was heard
        self._pending: dict[bytes, frozenset[bytes]] = {}  # what others have voted for as the next view
        self._entering: tuple[frozenset[bytes], float] | None = None  # the view before, and since when
        self._differs_since: float | None = None
        self._asked_at: dict[bytes, float] = {}
        self.ends_at = float("-inf")
        """This node may serve before this time, and not at or after it. One comparison per turn is enough."""
        self._weigh(float("-inf"))

    # -- for whoever serves ------------------------------------------------------------

    @property
    def view(self) -> StableView:
        """Return the members that count for majorities (strict)."""
        return self._agreement.view

    @property
    def is_strict(self) -> bool:
        return self._strict

    @property
    def is_settled(self) -> bool:
        """Whether those who count are those who are there: then the next node may go."""
        return not self._strict or self.view.members == self._quorum.alive

    @property
    def may_go(self) -> bool:
        """Whether this node, which leaves, counts for no majority any more that others need, and they know it."""
        others, members = self._quorum.alive - {self._my_id}, self.view.members
        if not self._strict or not others:
            return True
        return self._my_id not in members and has_majority(members, others - self._behind)

    def is_valid(self, now: float) -> bool:
        """Whether commands may be run and answered now."""
        return now < self.ends_at

    def closed_reason(self, now: float) -> str | None:
        """Return what to refuse commands with, without the leading minus; None while this node may serve."""
        alive, members = self._quorum.alive, self.view.members
        if len(alive) < self._min_members:
            return f"CLUSTERDOWN {len(alive)} nodes are there, and cluster-min-members is {self._min_members}"
        if self.is_valid(now):
            return None
        if self._unmet():
            return "CLUSTERDOWN waiting to hear from the other nodes (cluster-mode strict)"
        there = len(alive & members)
        if not has_majority(members, alive):
            return f"CLUSTERDOWN {there} of {len(members)} nodes are there: no majority (cluster-mode strict)"
        return f"CLUSTERDOWN no majority of {len(members)} nodes has answered in time (cluster-mode strict)"

    @property
    def promotion_wait_s(self) -> float:
        """Return how long to wait before serving, since a majority has promised to obey the old server no more."""
        return PROMOTION_WAIT_S if self._strict else 0.0

    def has_majority(self, ids: Iterable[bytes]) -> bool:
        """Whether promises of these nodes and this one suffice; ask it when about to serve, not before the wait."""
        promised = frozenset(ids) | {self._my_id}
        return not self._strict or all(has_majority(group, promised) for group in self._groups())

    # -- for whoever keeps the time ------------------------------------------------------

    @property
    def next_question(self) -> float:
        """Return when the next question is due; never, in the mode that asks none."""
        return self._lease.next_at if self._strict else float("inf")

    @property
    def is_in_a_hurry(self) -> bool:
        """Whether something has changed since the last question: the next one is due at once."""
        return self.next_question == float("-inf")

    def is_calm(self, now: float) -> bool:
        """Whether there is nothing to be voted on or waited for; then ``due`` need not be asked before the next question."""
        if not self._strict:
            return True
        is_open = bool(self._pending) or self._agreement.accepted is not None or self._entering is not None
        return self.is_settled and self.is_valid(now) and self._differs_since is None and not is_open

    # -- members -----------------------------------------------------------------------

    def observe(self, now: float, alive: frozenset[bytes]) -> None:
        """Take who is there: alive or suspected, this node included or not. Call it on every change and every tick."""
        before = self._quorum.alive
        if self._quorum.observe(now, alive, self.view.members):
            self._behind |= self._quorum.alive - before
            self._forget_gone()
            self._lease.hurry()
        if not self._has_root(self.view):
            self._agreement = Agreement(self._my_id)
            self._following.clear()
        self._weigh(now)

    def left(self, id: bytes) -> None:
        """Note that a node leaves or has left by itself; call it as soon as it says so, also of this node itself."""
        self._quorum.left(id)

    def _forget_gone(self) -> None:
        alive = self._quorum.alive
        self._met &= alive
        self._behind &= alive
        self._following = {one: since for one, since in self._following.items() if one in alive}
        self._asked_at = {one: at for one, at in self._asked_at.items() if one in alive}
        self._lease.keep_only(alive | self.view.members)

    def _has_root(self, view: StableView) -> bool:
        """Whether a view may be followed: not where its founder went before it took anybody in; nobody could ever be."""
        return view.number > 0 or view.founder in self._quorum.alive

    # -- questions and answers -----------------------------------------------------------

    def due(self, now: float, served: int = 0) -> Confirm | None:
        """Return the question for every live member, or None: not yet, or never (available)."""
        if not self._strict:
            return None
        self._consider(now)
        token = self._lease.due(now)
        if token is None:
            return None
        ballot, members = self._agreement.question
        told = self.view if self._behind else self._head()
        return Confirm(token, served, told, ballot, members)

    def asked_before(self, peer_id: bytes) -> float:
        """Return when this member last asked; who changes server after that is news to it, however long it was cut off.

        Less some seconds, as the answer may have been lost; minus infinity where it has not asked yet.
        """
        return self._asked_at.get(peer_id, float("-inf"))

    def asked(
        self, now: float, peer_id: bytes, question: Confirm, newer: Sequence[tuple[int, int]] = ()
    ) -> Confirmed:
        """Return the answer. ``newer``: partitions of the asker's that have a newer server, with its epoch, or are promised to one."""
        if not self._strict:
            return Confirmed(question.token, list(newer), _NO_VIEW)
        if peer_id in self._quorum.alive:
            self._asked_at[peer_id] = now
        self._heard(now, peer_id, question.view)
        agreement = self._agreement
        if question.view.key != agreement.view.key:
            return Confirmed(question.token, list(newer), agreement.view)
        if question.ballot is not None and self._my_id in agreement.view.members:
            agreement.vote(question.ballot, question.members)
            self._weigh(now)
        return Confirmed(question.token, list(newer), self._head(), agreement.promised, agreement.accepted)

    def answered(self, now: float, peer_id: bytes, answer: Confirmed) -> None:
        """Take an answer; what it says of newer servers is the lead's to obey, at once."""
        if not self._strict:
            return
        self._heard(now, peer_id, answer.view)
        if answer.view.key == self.view.key:
            self._note_pending(peer_id, answer)
            decided = self._agreement.answered(peer_id, answer.promised, answer.accepted)
            if decided is not None:
                self._adopt(now, decided)
        if peer_id in self._following:
            self._lease.confirmed(answer.token, peer_id)
        self._weigh(now)

    def _head(self) -> StableView:
        """Return the view without its members, which whoever holds the same knows."""
        return StableView(self.view.founder, self.view.number, frozenset())

    def _note_pending(self, peer_id: bytes, answer: Confirmed) -> None:
        """Remember who voted for what until a view is decided: what was voted for may be in force somewhere."""
        if answer.accepted is not None and peer_id in self.view.members:
            self._pending[peer_id] = answer.accepted.members

    def _heard(self, now: float, peer_id: bytes, theirs: StableView) -> None:
        """Take the view of another: followed if it comes after one's own, told one's own if it comes before."""
        if peer_id not in self._quorum.alive:
            return
        if theirs.members and theirs.follows(self.view) and self._has_root(theirs):
            self._adopt(now, theirs)
        ours = self.view
        if theirs.members or theirs.key == ours.key or theirs == _NO_VIEW:
            self._met.add(peer_id)
        if theirs.key == ours.key:
            self._behind.discard(peer_id)
        else:
            self._behind.add(peer_id)
        if theirs.founder == ours.founder:
            self._following.setdefault(peer_id, now)
        else:
            self._following.pop(peer_id, None)
            self._lease.forget(peer_id)

    # -- views ---------------------------------------------------------------------------

    def _adopt(self, now: float, view: StableView) -> None:
        before = self.view
        self._agreement.adopt(view)
        self._pending.clear()
        self._differs_since = None
        if view.founder == before.founder:
            self._entering = before.members, now
        else:
            self._entering = None
            self._following.clear()
            self._lease.keep_only(frozenset())
        self._behind = set(self._quorum.alive - {self._my_id})
        self._quorum.observe(now, self._quorum.alive, view.members)
        self._lease.hurry()
        self._weigh(now)

    def _consider(self, now: float) -> None:
        """Propose another view if it is time, and this node's turn among those who could."""
        view = self.view
        if self._unmet() or self._my_id not in view.members:
            return
        following = {one: since for one, since in self._following.items() if one not in view.members}
        wanted = self._quorum.wanted(now, view.members, following)
        is_open = bool(self._pending) or self._agreement.accepted is not None
        if wanted == view.members and not is_open:  # what was voted on once has to be brought to an end
            self._differs_since = None
            return
        if self._differs_since is None:
            self._differs_since = now
        turn = sorted(view.members & self._quorum.alive).index(self._my_id)
        if not self._agreement.is_proposing and now - self._differs_since >= turn * PROPOSER_TURN_S:
            self._differs_since = now  # the next attempt, if this one is overtaken, comes a turn later
            decided = self._agreement.propose(wanted)
            if decided is not None:
                self._adopt(now, decided)
            self._lease.hurry()

    def _unmet(self) -> bool:
        """Whether a node that knows only itself has yet to hear what the others hold."""
        is_founding = self.view.number == 0 and self.view.founder == self._my_id
        return self._strict and is_founding and not self._quorum.alive <= self._met

    # -- the lease -------------------------------------------------------------------------

    def _groups(self) -> list[frozenset[bytes]]:
        """Return the sets of members of each of which a majority must consent."""
        groups = {self.view.members, *self._pending.values()}
        if self._agreement.accepted is not None:
            groups.add(self._agreement.accepted.members)
        if self._entering is not None:
            groups.add(self._entering[0])
        return list(groups)

    def _weigh(self, now: float) -> None:
        """Compute ``ends_at`` anew."""
        if len(self._quorum.alive) < self._min_members or self._unmet():
            self.ends_at = float("-inf")
        elif not self._strict:
            self.ends_at = float("inf")
        else:
            if self._entering is not None:
                before, since = self._entering
                if self._lease.asked_since(before) >= since or now - since >= ENTRY_S:
                    self._entering = None
            self.ends_at = min(self._lease.asked_since(group) for group in self._groups()) + LEASE_S
