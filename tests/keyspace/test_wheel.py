import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.keyspace.entry import Entry
from respcache.keyspace.wheel import FINEST_MS, MOST_MOVED, Wheel, due_ms

NOW_MS = 1_700_000_000_000
YEAR_MS = 366 * 86_400_000
WAITS = st.one_of(st.integers(-5000, 5000), st.integers(0, 100 * YEAR_MS))


def entry_due(deadline_ms: int) -> Entry:
    entry = Entry(b"k", b"v", NOW_MS)
    entry.expires_at_ms = deadline_ms
    return entry


def scheduled(wheel: Wheel, deadline_ms: int) -> Entry:
    entry = entry_due(deadline_ms)
    wheel.schedule(entry, NOW_MS)
    return entry


def expire_all(wheel: Wheel, now_ms: int) -> list[Entry]:
    expired = list(wheel.take_due(now_ms, 10**9))
    for entry in expired:
        entry.expires_at_ms = None
    return expired


@given(WAITS)
def test_a_bucket_comes_due_no_later_than_its_finest_width_after_a_deadline(wait_ms: int) -> None:
    deadline_ms = NOW_MS + wait_ms
    assert due_ms(deadline_ms, NOW_MS) < deadline_ms + FINEST_MS


@given(st.integers(1, 100 * YEAR_MS))
def test_a_bucket_for_later_comes_due_later(wait_ms: int) -> None:
    assert due_ms(NOW_MS + wait_ms, NOW_MS) > NOW_MS


@given(st.lists(WAITS, max_size=50), st.lists(st.integers(0, 20 * YEAR_MS), max_size=20))
def test_everything_expires_in_its_time_and_nothing_before(waits_ms: list[int], looks_ms: list[int]) -> None:
    wheel = Wheel()
    entries = [scheduled(wheel, NOW_MS + wait_ms) for wait_ms in waits_ms]
    for look_ms in sorted(NOW_MS + look_ms for look_ms in looks_ms):
        assert all((entry.expires_at_ms or 0) <= look_ms for entry in wheel.take_due(look_ms, 10**9))
        late = look_ms - FINEST_MS
        still = [entry for entry in entries if entry.bucket is not None]
        assert all(entry.expires_at_ms is not None and entry.expires_at_ms > late for entry in still)


def test_a_key_of_ten_years_is_looked_at_a_handful_of_times() -> None:
    wheel = Wheel()
    entry = scheduled(wheel, NOW_MS + 10 * YEAR_MS)
    looks = 0
    while entry.bucket is not None:
        due = wheel.next_due_ms()
        assert due is not None
        looks += 1
        expire_all(wheel, due)
    assert looks < 15


def test_a_deadline_that_moves_away_costs_nothing_until_the_bucket_is_due() -> None:
    wheel = Wheel()
    entry = scheduled(wheel, NOW_MS + 1000)
    bucket = entry.bucket
    entry.expires_at_ms = NOW_MS + 60_000
    wheel.schedule(entry, NOW_MS)
    assert entry.bucket is bucket
    assert expire_all(wheel, NOW_MS + 2000) == []
    assert expire_all(wheel, NOW_MS + 60_016) == [entry]


def test_a_deadline_that_comes_nearer_is_kept() -> None:
    wheel = Wheel()
    entry = scheduled(wheel, NOW_MS + YEAR_MS)
    entry.expires_at_ms = NOW_MS + 100
    wheel.schedule(entry, NOW_MS)
    assert expire_all(wheel, NOW_MS + 100 + FINEST_MS) == [entry]


def test_an_entry_that_lost_its_deadline_is_let_go() -> None:
    wheel = Wheel()
    entry = scheduled(wheel, NOW_MS + 100)
    entry.expires_at_ms = None
    assert expire_all(wheel, NOW_MS + 1000) == []
    assert entry.bucket is None


def test_one_turn_looks_at_no_more_than_it_may() -> None:
    wheel = Wheel()
    for _ in range(10):
        scheduled(wheel, NOW_MS + 5)
    assert [len(list(wheel.take_due(NOW_MS + 100, 4))) for _ in range(4)] == [4, 4, 2, 0]


def test_the_next_look_is_known() -> None:
    wheel = Wheel()
    assert wheel.next_due_ms() is None
    assert not wheel.is_due(NOW_MS + YEAR_MS)
    scheduled(wheel, NOW_MS + 1_000_000)
    due = wheel.next_due_ms()
    assert due is not None
    assert not wheel.is_due(due - 1)
    assert wheel.is_due(due)


def test_what_is_forgotten_never_comes_due() -> None:
    wheel = Wheel()
    entry = scheduled(wheel, NOW_MS + 5)
    wheel.forget(entry)
    assert expire_all(wheel, NOW_MS + 100) == []


@pytest.mark.parametrize("wait_ms", [100, 100_000])
def test_a_wheel_that_is_cleared_holds_nothing(wait_ms: int) -> None:
    wheel = Wheel()
    bucket = scheduled(wheel, NOW_MS + wait_ms).bucket
    wheel.clear()
    assert wheel.next_due_ms() is None
    assert not bucket


def test_the_earliest_is_the_next_to_die() -> None:
    wheel = Wheel()
    soon = scheduled(wheel, NOW_MS + 1_000)
    scheduled(wheel, NOW_MS + 100_000)
    assert wheel.earliest(NOW_MS) is soon


def test_without_deadlines_nobody_is_the_earliest() -> None:
    wheel = Wheel()
    scheduled(wheel, NOW_MS + 1_000).expires_at_ms = None
    assert wheel.earliest(NOW_MS) is None


def test_a_life_that_was_renewed_is_not_the_earliest() -> None:
    wheel = Wheel()
    renewed = scheduled(wheel, NOW_MS + 1_000)
    renewed.expires_at_ms = NOW_MS + 500_000
    other = scheduled(wheel, NOW_MS + 100_000)
    assert wheel.earliest(NOW_MS) is other
    assert renewed.bucket is not None


def test_one_look_for_the_earliest_moves_only_so_many() -> None:
    wheel = Wheel()
    renewed = [scheduled(wheel, NOW_MS + 1_000) for _ in range(3 * MOST_MOVED)]
    first = renewed[0].bucket
    for entry in renewed:
        entry.expires_at_ms = NOW_MS + 500_000
    assert wheel.earliest(NOW_MS) in renewed
    assert sum(entry.bucket is first for entry in renewed) == 2 * MOST_MOVED
