import pytest

from respcache.cluster.security.faults import Fault, LinkError


def test_every_fault_has_a_text_of_its_own() -> None:
    assert len({fault.text for fault in Fault}) == len(Fault)


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_seen_from_both_ends_is_the_same(fault: Fault) -> None:
    assert fault.seen_by_the_other.seen_by_the_other is fault


def test_who_lacks_a_secret_hears_that_it_lacks_one() -> None:
    assert Fault.PEER_HAS_NO_SECRET.seen_by_the_other is Fault.ONLY_PEER_HAS_SECRET


def test_an_error_says_what_and_in_detail() -> None:
    error = LinkError(Fault.TLS, "no certificate")
    assert error.fault is Fault.TLS
    assert str(error) == f"{Fault.TLS.text}: no certificate"
    assert str(LinkError(Fault.TLS)) == Fault.TLS.text
