import math

import pytest

from respcache.cluster.ownership.candidate import Candidate


@pytest.mark.parametrize(
    ("weight", "may_own"),
    [
        (1.0, True),
        (1e-9, True),
        (1e300, True),
        (0.0, False),
        (-1.0, False),
        (math.inf, False),
        (math.nan, False),
    ],
)
def test_only_a_weight_that_can_be_compared_takes_part(weight: float, may_own: bool) -> None:
    assert Candidate(b"a", weight).may_own is may_own
