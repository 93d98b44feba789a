from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.membership.broadcasts import MOST_NEWS, Broadcasts

NEWS = b"x" * 50


def test_news_is_told_so_often_and_no_more() -> None:
    broadcasts = Broadcasts()
    broadcasts.put(b"a", NEWS)
    assert [broadcasts.take(1000, 3) for _ in range(4)] == [[NEWS], [NEWS], [NEWS], []]
    assert len(broadcasts) == 0


def test_newer_news_about_a_member_replaces_older_and_is_told_as_often() -> None:
    broadcasts = Broadcasts()
    broadcasts.put(b"a", b"old" * 20)
    broadcasts.take(1000, 2)
    broadcasts.put(b"a", NEWS)
    assert [broadcasts.take(1000, 2) for _ in range(3)] == [[NEWS], [NEWS], []]


def test_the_least_told_goes_first_and_of_these_the_newest() -> None:
    broadcasts = Broadcasts()
    broadcasts.put(b"a", b"a" * 50)
    broadcasts.take(1000, 5)
    broadcasts.put(b"b", b"b" * 50)
    broadcasts.put(b"c", b"c" * 50)
    assert broadcasts.take(100, 5) == [b"c" * 50, b"b" * 50]
    assert broadcasts.take(100, 5) != []


def test_what_does_not_fit_leaves_room_to_what_does() -> None:
    broadcasts = Broadcasts()
    broadcasts.put(b"a", b"a" * 60)
    broadcasts.put(b"b", b"b" * 500)
    assert broadcasts.take(100, 5) == [b"a" * 60]
    assert broadcasts.take(1000, 5) == [b"b" * 500, b"a" * 60]


def test_what_is_in_the_packet_already_is_left_out_and_not_counted() -> None:
    broadcasts = Broadcasts()
    broadcasts.put(b"a", NEWS)
    assert broadcasts.take(1000, 1, besides=b"a") == []
    assert broadcasts.take(1000, 1) == [NEWS]


def test_a_flood_drops_what_was_told_most() -> None:
    broadcasts = Broadcasts()
    broadcasts.put(b"told", NEWS)
    broadcasts.take(1000, 5)
    for number in range(MOST_NEWS):
        broadcasts.put(b"%d" % number, NEWS)
    assert len(broadcasts) == MOST_NEWS
    assert broadcasts.dropped == 1
    assert b"told" not in broadcasts


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400)), max_size=60))
def test_no_packet_is_overfull_and_nothing_is_told_too_often(steps: list[tuple[int, int]]) -> None:
    broadcasts, told = Broadcasts(), dict.fromkeys(range(1000), 0)
    for version, (about, room) in enumerate(steps):
        broadcasts.put(b"%d" % about, b"%060d" % version)
        taken = broadcasts.take(room, 3)
        assert sum(map(len, taken)) <= room
        for piece in taken:
            told[int(piece)] += 1
    assert max(told.values()) <= 3
    assert len(broadcasts) <= 10
