import pytest

from respcache.cluster.membership.profiles import LAN
from respcache.cluster.membership.suspicion import Patience, Suspicion

TEN = Patience(2.0, 12.0, 2, 0.5, is_pair=False)
THREE = Patience(2.0, 12.0, 0, 0.5, is_pair=False)
TWO = Patience(2.0, 12.0, 0, 0.5, is_pair=True)


def test_a_lone_accuser_waits_longest() -> None:
    assert Suspicion(100, b"a", False, TEN).deadline() == 112


def test_confirmations_shorten_by_a_logarithm_down_to_the_minimum() -> None:
    suspicion = Suspicion(100, b"a", False, TEN)
    assert suspicion.confirm(b"b", False)
    assert suspicion.deadline() == pytest.approx(100 + 12 - 10 * 0.63093, abs=0.001)
    assert suspicion.confirm(b"c", False)
    assert suspicion.deadline() == 102


def test_only_others_confirm_each_once_and_no_more_than_needed() -> None:
    suspicion = Suspicion(100, b"a", False, TEN)
    assert not suspicion.confirm(b"a", False)
    assert suspicion.confirm(b"b", False)
    assert not suspicion.confirm(b"b", False)
    assert suspicion.confirm(b"c", False)
    assert not suspicion.confirm(b"d", False)
    assert suspicion.confirmations == 2


def test_where_too_few_could_confirm_the_minimum_holds() -> None:
    assert Suspicion(100, b"a", False, THREE).deadline() == 102


def test_a_refused_connection_confirms_even_the_accusers_own_word() -> None:
    suspicion = Suspicion(100, b"a", False, TEN)
    assert suspicion.confirm(b"a", True)
    assert not suspicion.confirm(b"a", True)
    assert suspicion.confirmations == 1


def test_two_who_were_refused_wait_one_period() -> None:
    suspicion = Suspicion(100, b"a", True, TEN)
    assert suspicion.deadline() == 112
    assert suspicion.confirm(b"b", True)
    assert suspicion.deadline() == 100.5
    suspicion.confirm(b"c", True)
    assert suspicion.deadline() == 100.5


def test_of_two_members_one_refused_is_enough() -> None:
    assert Suspicion(100, b"a", True, TWO).deadline() == 100.5
    assert Suspicion(100, b"a", False, TWO).deadline() == 102


def test_a_flood_of_accusers_is_not_remembered() -> None:
    suspicion = Suspicion(100, b"a", False, TEN)
    news = [suspicion.confirm(b"%d" % number, bool(number % 2)) for number in range(1000)]
    assert sum(news) <= LAN.expected_confirmations(10) + 2


def test_a_refused_connection_never_makes_anybody_wait_longer() -> None:
    slow = Patience(2.0, 12.0, 2, 5.0, is_pair=True)
    assert Suspicion(100, b"a", True, slow).deadline() == 102
