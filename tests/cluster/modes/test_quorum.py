"""Who ought to count."""

from respcache.cluster.modes.quorum import ADD_AFTER_S, REMOVE_AFTER_S, Quorum

ME, A, B, C, D = b"m", b"a", b"b", b"c", b"d"
FIVE = frozenset({ME, A, B, C, D})


def quorum_of(alive: frozenset[bytes], members: frozenset[bytes] = FIVE) -> Quorum:
    quorum = Quorum(ME)
    quorum.observe(0.0, members, members)
    quorum.observe(10.0, alive, members)
    return quorum


def test_a_dead_member_counts_until_it_has_been_calm_for_a_while() -> None:
    quorum = quorum_of(FIVE - {A})
    assert quorum.wanted(10 + REMOVE_AFTER_S - 0.1, FIVE, {}) == FIVE
    assert quorum.wanted(10 + REMOVE_AFTER_S, FIVE, {}) == FIVE - {A}


def test_while_members_come_and_go_nobody_is_removed() -> None:
    quorum = quorum_of(FIVE - {A})
    quorum.observe(14.0, FIVE - {A, B}, FIVE)
    assert quorum.wanted(18.0, FIVE, {}) == FIVE
    assert quorum.wanted(19.0, FIVE, {}) == FIVE - {A, B}


def test_strangers_that_come_and_go_delay_nothing() -> None:
    quorum = quorum_of(FIVE - {A})
    quorum.observe(14.0, (FIVE - {A}) | {b"x"}, FIVE)
    quorum.observe(14.5, FIVE - {A}, FIVE)
    assert quorum.wanted(15.0, FIVE, {}) == FIVE - {A}


def test_a_minority_removes_nobody_and_adds_nobody_however_long_it_waits() -> None:
    quorum = quorum_of(frozenset({ME, A, b"x", b"y", b"z"}))
    following = dict.fromkeys((b"x", b"y", b"z"), 10.0)
    assert quorum.wanted(1e6, FIVE, following) == FIVE


def test_who_returns_begins_its_time_anew() -> None:
    quorum = quorum_of(FIVE - {A})
    quorum.observe(14.0, FIVE, FIVE)
    quorum.observe(14.1, FIVE - {A}, FIVE)
    assert quorum.wanted(16.0, FIVE, {}) == FIVE


def test_who_leaves_is_removed_at_once() -> None:
    quorum = quorum_of(FIVE)
    quorum.left(A)
    assert quorum.wanted(10.0, FIVE, {A: 0.0}) == FIVE - {A}


def test_the_last_is_never_removed() -> None:
    quorum = quorum_of(frozenset({ME}), frozenset({ME}))
    quorum.left(ME)
    assert quorum.wanted(10.0, frozenset({ME}), {}) == {ME}


def test_a_newcomer_counts_when_it_has_followed_for_a_while() -> None:
    quorum = quorum_of(FIVE | {b"x"})
    assert quorum.wanted(12.0 + ADD_AFTER_S - 0.1, FIVE, {b"x": 12.0}) == FIVE
    assert quorum.wanted(12.0 + ADD_AFTER_S, FIVE, {b"x": 12.0}) == FIVE | {b"x"}


def test_whoever_joins_a_few_counts_at_once() -> None:
    alone = frozenset({ME})
    quorum = quorum_of(frozenset({ME, A, B}), alone)
    assert quorum.wanted(10.0, alone, {A: 10.0, B: 10.0}) == {ME, A, B}


def test_nothing_is_remembered_of_who_is_gone() -> None:
    quorum = quorum_of(FIVE)
    quorum.left(A)
    quorum.observe(11.0, FIVE - {A}, FIVE - {A})
    assert not quorum.is_leaving(A)
    assert quorum._missing_since == {}
