"""Questions and answers as bytes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.modes.frames import (
    CONFIRM,
    CONFIRMED,
    ID_BYTES,
    MOST_IDS,
    Accepted,
    Ballot,
    Confirm,
    Confirmed,
    decode_confirm,
    decode_confirmed,
    encode_confirm,
    encode_confirmed,
)
from respcache.cluster.modes.stable_view import StableView

ID = st.binary(min_size=ID_BYTES, max_size=ID_BYTES)
IDS = st.frozensets(ID, min_size=1, max_size=4)
NUMBERS = st.integers(0, 2**63)
BALLOTS = st.builds(Ballot, NUMBERS, ID)
VIEWS = st.builds(StableView, ID, NUMBERS, st.frozensets(ID, max_size=4))
CONFIRMS = st.builds(Confirm, NUMBERS, NUMBERS, VIEWS, st.none() | BALLOTS, st.none() | IDS)
ANSWERS = st.builds(
    Confirmed,
    NUMBERS,
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3),
    VIEWS,
    st.none() | BALLOTS,
    st.none() | st.builds(Accepted, BALLOTS, IDS),
)


@given(CONFIRMS)
def test_a_question_arrives_as_it_was(question: Confirm) -> None:
    assert decode_confirm(encode_confirm(question)) == question


@given(ANSWERS)
def test_an_answer_arrives_as_it_was(answer: Confirmed) -> None:
    assert decode_confirmed(encode_confirmed(answer)) == answer


@given(st.binary(max_size=200))
def test_nonsense_is_refused_and_nothing_else_happens(data: bytes) -> None:
    for decode in (decode_confirm, decode_confirmed):
        with pytest.raises(BrokenFrameError):
            decode(b"C" + data)


@given(CONFIRMS, st.data())
def test_half_a_question_is_refused(question: Confirm, data: st.DataObject) -> None:
    wire = encode_confirm(question)
    with pytest.raises(BrokenFrameError):
        decode_confirm(wire[: data.draw(st.integers(0, len(wire) - 1))])


VIEW = StableView(bytes(20), 0, frozenset())


@pytest.mark.parametrize(
    "question",
    [
        Confirm(1, 0, StableView(bytes(20), 0, frozenset({b"short"}))),
        Confirm(1, 0, VIEW, None, frozenset({b"short"})),
        Confirm(1, 0, VIEW, None, frozenset()),
        Confirm(1, 0, VIEW, None, frozenset(n.to_bytes(ID_BYTES) for n in range(MOST_IDS + 1))),
    ],
    ids=["a view of no ids", "votes on no ids", "votes on nobody", "votes on too many"],
)
def test_impossible_members_are_refused(question: Confirm) -> None:
    with pytest.raises(BrokenFrameError):
        decode_confirm(encode_confirm(question))


def test_a_vote_for_nobody_is_refused() -> None:
    accepted = Accepted(Ballot(1, bytes(20)), frozenset())
    with pytest.raises(BrokenFrameError):
        decode_confirmed(encode_confirmed(Confirmed(1, [], VIEW, None, accepted)))


def test_a_round_is_small() -> None:
    question = encode_confirm(Confirm(1000, 7, VIEW))
    answer = encode_confirmed(Confirmed(1000, [], VIEW))
    assert (question[:1], answer[:1]) == (CONFIRM, CONFIRMED)
    assert len(question) <= 40
    assert len(answer) <= 40
    assert msgspec.msgpack.decode(question[1:])[0] == 1000
