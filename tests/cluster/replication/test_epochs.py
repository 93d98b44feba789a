"""Who serves what, by hearsay."""

from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.replication.epochs import CHANGE, Epochs

ONE, OTHER, THIRD = (bytes([number]) * 20 for number in (1, 2, 3))


def epochs(*gone: bytes) -> Epochs:
    return Epochs(lambda one: one not in gone)


def test_a_higher_epoch_is_taken_over_and_a_lower_one_refused() -> None:
    known = epochs()
    assert known.hear(5, 2, ONE)
    assert known.hear(5, 3, OTHER)
    assert not known.hear(5, 2, ONE)
    assert known.server(5) == OTHER
    assert known.is_current(5, 3, OTHER)


@given(st.permutations([(4, ONE), (4, OTHER), (4, THIRD), (3, THIRD), (2, OTHER)]))
def test_in_whatever_order_rivals_are_heard_of_all_obey_the_same_one(news: list[tuple[int, bytes]]) -> None:
    known = epochs()
    for epoch, server in news:
        known.hear(7, epoch, server)
    assert (known.epochs[7], known.server(7)) == (4, THIRD)


def test_a_rival_that_is_gone_does_not_stand_in_the_way_of_one_with_a_lower_id() -> None:
    known = epochs(OTHER)
    known.hear(0, 4, OTHER)
    assert known.server(0) == b""
    assert known.hear(0, 4, ONE)
    assert known.server(0) == ONE


def test_who_has_answered_a_fencing_question_refuses_everything_below_the_epoch_asked_for() -> None:
    known = epochs()
    known.hear(1, 4, ONE)
    assert known.promise(1, 7)
    assert known.least(1) == 7
    assert not known.is_current(1, 4, ONE)
    assert not known.hear(1, 4, ONE)
    assert not known.hear(1, 6, OTHER)
    assert known.hear(1, 7, OTHER)
    assert known.is_current(1, 7, OTHER)


def test_the_same_epoch_is_promised_to_one_only_and_none_that_is_known_already() -> None:
    known = epochs()
    known.hear(1, 4, ONE)
    assert not known.promise(1, 4)
    assert known.promise(1, 5)
    assert not known.promise(1, 5)
    assert known.least(1) == 5


def test_the_next_epoch_is_above_whatever_a_server_that_went_on_alone_can_have_reached() -> None:
    known = epochs()
    known.hear(1, CHANGE, ONE)
    assert known.next(1) == 2 * CHANGE
    known.hear(1, CHANGE + 5, ONE)
    assert known.next(1) == 2 * CHANGE
    assert known.next(1, 2 * CHANGE) == 3 * CHANGE
    known.promise(1, 3 * CHANGE)
    assert known.next(1) == 4 * CHANGE


def test_what_a_server_says_itself_counts_and_what_is_said_of_it_does_not() -> None:
    known = epochs()
    known.hear(1, 4, ONE)
    assert known.told[1] == 0
    known.hear_itself(1, 4, ONE)
    assert known.told[1] == 4
    assert not known.hear_itself(1, 3, OTHER)
    assert known.told[1] == 4


def test_a_refusal_with_a_higher_epoch_leaves_nobody_as_the_server() -> None:
    known = epochs()
    known.hear(1, 4, ONE)
    known.refused(1, 3)
    assert known.server(1) == ONE
    known.refused(1, 5)
    assert (known.epochs[1], known.server(1)) == (5, b"")
