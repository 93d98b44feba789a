"""Whoever was left unread comes first."""

from respcache.server.put_off import PutOff


def test_without_anybody_the_order_stays() -> None:
    assert PutOff().first([(3, 1), (1, 1), (2, 4)]) == [(3, 1), (1, 1), (2, 4)]


def test_who_was_left_comes_first_and_in_the_order_in_which_they_were_left() -> None:
    put_off = PutOff()
    put_off.add(2)
    put_off.add(1)
    assert put_off.first([(3, 1), (1, 1), (2, 4)]) == [(2, 4), (1, 1), (3, 1)]
    assert put_off.first([(3, 1), (1, 1)]) == [(3, 1), (1, 1)], "that was one turn"


def test_who_has_gone_is_forgotten() -> None:
    put_off = PutOff()
    put_off.add(9)
    assert put_off.first([(3, 1)]) == [(3, 1)]
