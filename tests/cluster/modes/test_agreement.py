"""Voting on the next view."""

from hypothesis import example, given
from hypothesis import strategies as st

from respcache.cluster.modes.agreement import Agreement
from respcache.cluster.modes.frames import Ballot
from respcache.cluster.modes.stable_view import StableView

IDS = [b"a", b"b", b"c", b"d", b"e"]
FIRST = StableView(b"a", 1, frozenset(IDS))


def members(*ids: bytes) -> frozenset[bytes]:
    return frozenset(ids)


class Voters:
    """Five members of one view who ask each other in any order."""

    def __init__(self) -> None:
        self.all = {id_: Agreement(id_) for id_ in IDS}
        self.decided: set[StableView] = set()
        for one in self.all.values():
            one.adopt(FIRST)

    def propose(self, proposer: bytes, wanted: frozenset[bytes]) -> None:
        self.note(self.all[proposer].propose(wanted))

    def ask(self, proposer: bytes, voter: bytes, *, is_answer_lost: bool = False) -> None:
        ballot, value = self.all[proposer].question
        if ballot is not None and proposer != voter:
            asked = self.all[voter]
            asked.vote(ballot, value)
            if not is_answer_lost:
                self.note(self.all[proposer].answered(voter, asked.promised, asked.accepted))

    def note(self, view: StableView | None) -> None:
        if view is not None:
            self.decided.add(view)


def test_a_majority_decides() -> None:
    voters = Voters()
    voters.propose(b"a", members(b"a", b"b", b"c"))
    for voter in (b"b", b"c"):
        voters.ask(b"a", voter)
    assert voters.decided == set()  # promised by three, voted for by one
    voters.ask(b"a", b"b")
    voters.ask(b"a", b"c")
    assert voters.decided == {StableView(b"a", 2, members(b"a", b"b", b"c"))}


def test_a_minority_decides_nothing_however_often_it_asks() -> None:
    voters = Voters()
    for _ in range(10):
        voters.propose(b"a", members(b"a", b"b"))
        for _ in range(5):
            voters.ask(b"a", b"b")
    assert voters.decided == set()


def test_what_may_have_been_decided_is_decided_again() -> None:
    voters = Voters()
    voters.propose(b"a", members(b"a", b"b", b"c"))
    for voter in (b"b", b"c", b"b", b"c"):
        voters.ask(b"a", voter)
    for voter in (b"d", b"e", b"c", b"c", b"d", b"e"):
        if voters.all[b"e"].question[0] is None:
            voters.propose(b"e", members(b"c", b"d", b"e"))
        voters.ask(b"e", voter)
    voters.propose(b"e", members(b"c", b"d", b"e"))
    for voter in (b"c", b"d", b"c", b"d"):
        voters.ask(b"e", voter)
    assert voters.decided == {StableView(b"a", 2, members(b"a", b"b", b"c"))}


def test_a_member_alone_decides_at_once() -> None:
    one = Agreement(b"a")
    assert one.propose(members(b"a", b"b")) == StableView(b"a", 1, members(b"a", b"b"))


def test_who_is_no_member_proposes_nothing() -> None:
    stranger = Agreement(b"z")
    stranger.adopt(FIRST)
    assert stranger.propose(members(b"z")) is None
    assert not stranger.is_proposing


def test_a_later_ballot_is_promised_and_an_earlier_one_ignored() -> None:
    voter = Agreement(b"a")
    voter.adopt(FIRST)
    voter.vote(Ballot(2, b"b"), None)
    voter.vote(Ballot(1, b"c"), members(b"c"))
    assert (voter.promised, voter.accepted) == (Ballot(2, b"b"), None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("propose"), st.sampled_from(IDS), st.frozensets(st.sampled_from(IDS), min_size=1)),
        st.tuples(st.sampled_from(["ask", "lose"]), st.sampled_from(IDS), st.sampled_from(IDS)),
    ),
    max_size=120,
)


@given(STEPS)
@example([("propose", b"a", members(b"a"))])
def test_never_two_views_are_decided(steps: list[tuple[str, bytes, frozenset[bytes] | bytes]]) -> None:
    voters = Voters()
    for what, who, whom in steps:
        if isinstance(whom, frozenset):
            voters.propose(who, whom)
        else:
            voters.ask(who, whom, is_answer_lost=what == "lose")
    assert len(voters.decided) <= 1
