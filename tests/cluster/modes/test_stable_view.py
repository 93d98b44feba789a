from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.modes.stable_view import StableView, founded_by, has_majority, majority_of

VIEWS = st.builds(
    StableView,
    st.sampled_from([b"a", b"b", b"c"]),
    st.integers(0, 3),
    st.frozensets(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1),
)


def test_half_is_no_majority() -> None:
    assert [majority_of(count) for count in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 3]
    assert not has_majority({b"a", b"b"}, {b"a", b"x", b"y"})
    assert has_majority({b"a", b"b", b"c"}, {b"a", b"c"})


def test_a_later_view_of_the_same_sequence_is_followed_however_small() -> None:
    large = StableView(b"a", 1, frozenset({b"a", b"b", b"c"}))
    assert StableView(b"a", 2, frozenset({b"a"})).follows(large)
    assert not large.follows(large)


def test_of_two_sequences_the_one_with_more_members_goes_on() -> None:
    pair = StableView(b"a", 9, frozenset({b"a", b"b"}))
    assert pair.follows(founded_by(b"z"))
    assert not founded_by(b"z").follows(pair)
    assert founded_by(b"z").follows(founded_by(b"y"))


@given(VIEWS, VIEWS)
def test_no_two_views_follow_each_other(one: StableView, other: StableView) -> None:
    assert not (one.follows(other) and other.follows(one))
