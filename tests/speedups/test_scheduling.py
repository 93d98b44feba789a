import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.keyspace.wheel import due_ms

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.scheduling import bucket_due_ms

NOW_MS = 1_700_000_000_000
LONGEST_MS = 2**63 - 1 - NOW_MS


@given(st.integers(NOW_MS, NOW_MS + 2_000), st.integers(1, 5_000) | st.integers(1, LONGEST_MS - 2_000))
@example(NOW_MS, 1)
@example(NOW_MS, 1_024)
@example(NOW_MS, 1_025)
@example(NOW_MS, LONGEST_MS)
def test_a_deadline_has_the_bucket_that_the_wheel_would_choose(now_ms: int, wait_ms: int) -> None:
    assert bucket_due_ms(now_ms + wait_ms, now_ms) == due_ms(now_ms + wait_ms, now_ms)
