"""How long a majority stands behind a node."""

from respcache.cluster.modes.lease import CONFIRM_EVERY_S, LEASE_S, MOST_OPEN, PROMOTION_WAIT_S, Lease

ME, A, B, C, D = b"m", b"a", b"b", b"c", b"d"


def ask(lease: Lease, now: float) -> int:
    lease.hurry()
    token = lease.due(now)
    assert token is not None
    return token


def test_a_question_is_due_four_times_per_lease() -> None:
    lease = Lease(ME)
    due = [now / 1000 for now in range(0, 1000, 10) if lease.due(now / 1000) is not None]
    assert due == [0.0, 0.25, 0.5, 0.75]
    assert LEASE_S == 4 * CONFIRM_EVERY_S


def test_a_confirmation_counts_from_when_the_question_was_sent() -> None:
    lease = Lease(ME)
    token = ask(lease, 10.0)
    ask(lease, 40.0)
    lease.confirmed(token, A)  # however much later it comes: after a pause of this process, too
    assert lease.asked_since([ME, A]) == 10.0


def test_a_majority_is_as_old_as_its_oldest() -> None:
    lease = Lease(ME)
    for now, peer in enumerate([A, B, C]):
        lease.confirmed(ask(lease, now), peer)
    assert lease.asked_since([ME, A, B, C, D]) == 1.0
    assert lease.asked_since([A, B, C, D]) == 0.0
    assert lease.asked_since([ME, C, D]) == 2.0


def test_a_node_alone_needs_nobody() -> None:
    assert Lease(ME).asked_since([ME]) == float("inf")


def test_an_older_answer_does_not_shorten_what_a_newer_has_given() -> None:
    lease = Lease(ME)
    old, new = ask(lease, 1.0), ask(lease, 2.0)
    lease.confirmed(new, A)
    lease.confirmed(old, A)
    assert lease.asked_since([ME, A]) == 2.0


def test_an_answer_that_nobody_asked_for_confirms_nothing() -> None:
    lease = Lease(ME)
    lease.confirmed(99, A)
    assert lease.asked_since([ME, A]) == float("-inf")


def test_nothing_piles_up() -> None:
    lease = Lease(ME)
    first = ask(lease, 0.0)
    for now in range(1, 100):
        ask(lease, float(now))
    assert len(lease._sent_at) == MOST_OPEN
    lease.confirmed(first, A)
    lease.confirmed(lease._token, B)
    lease.keep_only(frozenset({A}))
    assert lease._confirmed == {}


def test_a_new_server_waits_longer_than_any_lease() -> None:
    assert PROMOTION_WAIT_S > LEASE_S
