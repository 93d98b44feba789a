"""When a client that does not read is let go."""

import pytest

from respcache.server.output_limits import OutputLimit, is_over_limit, is_over_soft

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
