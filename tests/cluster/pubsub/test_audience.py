"""Who listens elsewhere."""

import pytest

from respcache.cluster.pubsub.audience import NODE_NAMES, Audience

from .listening import interest

A, B = b"a" * 20, b"b" * 20


def test_subscribers_of_channels_and_patterns_of_all_nodes_are_counted() -> None:
    audience = Audience()
    audience.take(A, interest({b"news": 2}, {b"n*": 1, b"x*": 5}))
    audience.take(B, interest({b"news": 3, b"other": 1}))
    assert audience.count(b"news") == 6
    assert audience.listeners(b"news") == {A, B}
    assert audience.listeners(b"nobody") == {A}
    assert audience.listeners(b"other") == {B}


def test_shard_channels_are_counted_apart() -> None:
    audience = Audience()
    audience.take(A, interest({b"c": 1}, shard_channels={b"s": 2}))
    assert (audience.count(b"s"), audience.count_shard(b"s"), audience.count_shard(b"c")) == (0, 2, 0)


def test_what_has_changed_replaces_what_was() -> None:
    audience = Audience()
    audience.take(A, interest({b"c": 2, b"d": 1}, {b"p*": 1}))
    audience.take(A, interest({b"c": 5, b"d": 0}, {b"p*": 0}))
    assert (audience.count(b"c"), audience.count(b"d"), audience.count(b"pq")) == (5, 0, 0)
    audience.take(A, interest({b"c": 0}))
    assert not audience


def test_a_whole_state_leaves_nothing_of_the_one_before() -> None:
    audience = Audience()
    audience.take(A, interest({b"c": 2}))
    audience.take(B, interest({b"c": 1}))
    audience.take(A, interest({b"d": 1}, is_full=True))
    assert (audience.count(b"c"), audience.count(b"d")) == (1, 1)


def test_who_listens_to_everything_listens_to_anything_and_counts_as_nobody() -> None:
    audience = Audience()
    audience.take(A, interest({b"c": 2}))
    audience.take(A, interest(is_everything=True))
    assert (audience.count(b"c"), audience.listeners(b"c"), audience.has_listeners_under(b"__key")) == (
        0,
        {A},
        True,
    )
    audience.take(A, interest({b"d": 1}, is_full=True))
    assert (audience.listeners(b"c"), audience.listeners(b"d")) == (set(), {A})


def test_who_is_forgotten_listens_to_nothing() -> None:
    audience = Audience()
    audience.take(A, interest({b"c": 2}, {b"p*": 1}, {b"s": 1}))
    audience.take(B, interest(is_everything=True))
    audience.forget(A)
    audience.forget(B)
    audience.forget(b"unknown")
    assert not audience
    assert audience.listeners(b"pq") == set()


def test_names_that_end_before_they_began_change_nothing() -> None:
    audience = Audience()
    audience.take(A, interest({b"c": 0, b"d": -3}, {b"p*": 0}))
    assert not audience


def test_a_node_cannot_make_this_one_remember_without_bounds() -> None:
    audience = Audience()
    for start in range(0, 3 * NODE_NAMES, 10_000):
        audience.take(A, interest({b"%d" % at: 1 for at in range(start, start + 10_000)}))
    assert sum(map(len, audience.worlds)) <= NODE_NAMES
    assert audience.listeners(b"anything") == {A}


@pytest.mark.parametrize(
    ("pattern", "may"),
    [
        (b"__keyspace@*__:*", True),
        (b"__key*", True),
        (b"*", True),
        (b"?_key", True),
        (b"_[_]key", True),
        (b"__*", True),
        (b"\\__key", True),
        (b"news*", False),
        (b"_keyspace*", False),
        (b"__ke", False),
    ],
)
def test_patterns_are_asked_whether_they_may_match_what_begins_so(pattern: bytes, may: bool) -> None:
    audience = Audience()
    audience.take(A, interest({}, {pattern: 1}))
    assert audience.has_listeners_under(b"__key") is may


def test_channels_are_asked_whether_they_begin_so() -> None:
    audience = Audience()
    audience.take(A, interest({b"__keyevent@0__:expired": 1}))
    assert audience.has_listeners_under(b"__key")
    assert not audience.has_listeners_under(b"__other")
