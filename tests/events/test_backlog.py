import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.events.backlog import Backlog


def test_items_come_out_in_the_order_they_went_in() -> None:
    backlog = Backlog[int](10)
    for item in range(5):
        assert backlog.offer(item)
    assert backlog.take(3) == (0, [0, 1, 2])
    assert backlog.take(3) == (0, [3, 4])
    assert backlog.take(3) == (0, [])


def test_a_full_backlog_forgets_the_oldest_and_counts_it() -> None:
    backlog = Backlog[int](2)
    assert [backlog.offer(item) for item in range(5)] == [True, True, False, False, False]
    assert backlog.dropped == 3
    assert backlog.take(10) == (3, [3, 4])


def test_a_loss_is_announced_once() -> None:
    backlog = Backlog[int](1)
    backlog.offer(1)
    backlog.offer(2)
    assert backlog.take(1) == (1, [2])
    backlog.offer(3)
    assert backlog.take(1) == (0, [3])


def test_clearing_counts_as_dropping() -> None:
    backlog = Backlog[int](5)
    backlog.offer(1)
    backlog.offer(2)
    assert backlog.clear() == 2
    assert (len(backlog), backlog.dropped) == (0, 2)


def test_a_backlog_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Backlog[int](0)


@given(st.integers(1, 5), st.lists(st.one_of(st.none(), st.integers(1, 4))))
def test_every_item_is_taken_or_counted(room: int, steps: list[int | None]) -> None:
    """None offers the next number; a number takes as many."""
    backlog = Backlog[int](room)
    offered, stream = 0, list[int]()
    for step in [*steps, room]:
        if step is None:
            backlog.offer(offered)
            offered += 1
        else:
            lost, items = backlog.take(step)
            stream += [-1] * lost + items
        assert len(backlog) <= room
    assert [item for item in stream if item >= 0] == [place for place, item in enumerate(stream) if item >= 0]
    assert len(stream) == offered
