"""When a client that does not read is let go."""

import pytest

from respcache.server.output_limits import OutputLimit, is_over_limit, is_over_soft, is_to_go

LIMIT = OutputLimit(hard_bytes=100, soft_bytes=50, soft_seconds=10)


@pytest.mark.parametrize(
    ("waiting_bytes", "over_soft_for_ms", "is_over"),
    [(100, 0, False), (101, 0, True), (51, 9_999, False), (51, 10_000, True), (50, 99_999, False)],
)
def test_hard_limits_hold_at_once_and_soft_ones_after_a_while(
    waiting_bytes: int, over_soft_for_ms: int, is_over: bool
) -> None:
    assert is_over_limit(LIMIT, waiting_bytes, over_soft_for_ms) is is_over


def test_zero_is_no_limit() -> None:
    assert not is_over_limit(OutputLimit(), 1 << 40, 1 << 40)


def test_the_soft_limit_is_passed_from_its_first_byte_on() -> None:
    assert is_over_soft(LIMIT, 51)
    assert not is_over_soft(LIMIT, 50)


class Waiting:
    """A client whose output waits."""

    def __init__(self) -> None:
        self.over_soft_limit_since_ms: int | None = None
        self.output_bytes = 0


def test_whoever_falls_below_the_soft_limit_gets_its_whole_time_again() -> None:
    client = Waiting()
    for now_ms, waiting_bytes, must_go in [
        (0, 51, False),
        (9_999, 60, False),
        (10_000, 50, False),
        (11_000, 51, False),
        (20_999, 51, False),
        (21_000, 51, True),
        (21_000, 50, False),
        (21_000, 101, True),
    ]:
        client.output_bytes = waiting_bytes
        assert is_to_go(client, LIMIT, now_ms) is must_go, now_ms
