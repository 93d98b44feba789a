import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.ownership.candidate import Candidate
from respcache.cluster.ownership.spread import Places, Spread, machine_of


def ranked(*stands: str) -> list[Candidate]:
    """Make candidates by falling score; ``b1`` stands in zone b on machine b1."""
    return [Candidate(bytes([number]), 1.0, stand, stand[:1]) for number, stand in enumerate(stands)]


def chosen(rank: list[Candidate], copies: int) -> list[int]:
    return [one.id[0] for one in Spread(rank, copies).choose(rank)]


@pytest.mark.parametrize(
    ("stands", "copies", "expected"),
    [
        (("a1", "a2", "b1"), 1, [0]),
        (("a1", "a2", "b1"), 2, [0, 2]),  # another zone, though a2 ranks higher
        (("a1", "a1", "a2"), 2, [0, 2]),  # another machine
        (("a1", "a1", "a2", "b1"), 2, [0, 3]),
        (("a1", "a1", "a2", "b1"), 3, [0, 3, 2]),  # no zone is free: then a machine
        (("a1", "a1", "a2", "b1"), 4, [0, 3, 2, 1]),  # nothing is free: then by rank
        (("a1", "a1", "a1"), 2, [0, 1]),
        (("a1",), 3, [0]),
        ((), 2, []),
        (("", "", ""), 2, [0, 1]),  # nothing is known of them
    ],
)
def test_copies_stand_apart_while_they_can(stands: tuple[str, ...], copies: int, expected: list[int]) -> None:
    assert chosen(ranked(*stands), copies) == expected


def test_a_machine_comes_before_a_zone() -> None:
    """A machine in two zones is a mistake of the settings, and still one machine."""
    rank = [Candidate(b"1", 1.0, "m", "a"), Candidate(b"2", 1.0, "m", "b"), Candidate(b"3", 1.0, "n", "a")]
    assert [one.id for one in Spread(rank, 2).choose(rank)] == [b"1", b"3"]


def test_members_of_unknown_machines_share_none() -> None:
    assert machine_of(Candidate(b"1")) != machine_of(Candidate(b"2"))


STANDS = st.lists(st.sampled_from(["a1", "a2", "b1", "b2", "c1", ""]), max_size=8)


@given(STANDS, st.integers(1, 4))
def test_more_copies_begin_with_those_of_fewer(stands: list[str], copies: int) -> None:
    rank = ranked(*stands)
    assert chosen(rank, copies + 1)[:copies] == chosen(rank, copies)


@given(STANDS.filter(len), st.integers(1, 4))
def test_every_place_goes_to_the_greatest_claim(stands: list[str], copies: int) -> None:
    rank = ranked(*stands)
    scores = {one.id: 1.0 - one.id[0] / 100 for one in rank}
    places, left = Places(), list(rank)
    while left and len(places.taken) < copies:
        places.take(max(left, key=lambda one: places.claim(one, scores[one.id])))
        left.remove(places.taken[-1])
    assert chosen(rank, copies) == [one.id[0] for one in places.taken]


@given(STANDS.filter(len), st.integers(1, 4), st.data())
def test_whoever_is_not_admitted_changes_nothing(stands: list[str], copies: int, data: st.DataObject) -> None:
    rank = ranked(*stands)
    newcomer = data.draw(st.sampled_from(rank))
    before = [one for one in rank if one is not newcomer]
    scores = {one.id: [1.0 - one.id[0] / 100] for one in rank}
    holders = Spread(before, copies).choose(before)
    is_admitted = Spread((), copies).admits(newcomer, scores[newcomer.id][0], holders, scores, 0)
    assert is_admitted == (newcomer in Spread(rank, copies).choose(rank))
