from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.replication.versions import FOLLOWED_MS, MS_SHIFT, STEP, TAG_MASK, HybridClock

NOW_MS = 1_700_000_000_000


class Wall:
    """A clock on a wall, which anybody may turn."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@given(
    st.lists(st.tuples(st.integers(-10_000, 10_000), st.integers(0, 2**95)), max_size=20),
    st.binary(min_size=4, max_size=20),
)
def test_versions_only_grow_whatever_the_wall_clock_does(
    steps: list[tuple[int, int]], node_id: bytes
) -> None:
    wall = Wall()
    clock, last = HybridClock(wall, node_id), 0
    for moved_ms, seen in steps:
        wall.now_ms += moved_ms
        clock.see(seen)
        version = clock.next()
        assert version > last
        assert version & TAG_MASK == int.from_bytes(node_id[:4])
        last = version


def test_a_version_tells_the_time() -> None:
    assert HybridClock(Wall(), b"node").next() >> MS_SHIFT == NOW_MS


def test_what_was_seen_is_older_than_what_comes_next() -> None:
    wall = Wall()
    clock, ahead = HybridClock(wall, b"aaaa"), (NOW_MS + 5000 << MS_SHIFT) | 0xFFFFFFFF
    clock.see(ahead)
    assert clock.next() > ahead


def test_a_clock_that_is_far_ahead_takes_nobody_along() -> None:
    clock = HybridClock(Wall(), b"node")
    wrong = NOW_MS + FOLLOWED_MS + 1 << MS_SHIFT
    clock.see(wrong)
    assert clock.next(at_least=wrong) > wrong
    assert clock.next() >> MS_SHIFT == NOW_MS


@given(st.integers(0, 2**95 - STEP))
def test_a_version_is_above_the_one_that_it_replaces(old: int) -> None:
    assert HybridClock(Wall(), b"node").next(old) > old


def test_two_nodes_never_give_the_same_version() -> None:
    one, other = HybridClock(Wall(), b"one."), HybridClock(Wall(), b"other")
    assert one.next() != other.next()
