"""After a split all is well again soon, whatever else goes wrong meanwhile: see ``healing.py``."""

import pytest

from tests.cluster.replication.healing import Healing
from tests.thoroughness import IS_THOROUGH

SEEDS = (5, 7, 16, 24)
"""Each of these is not well for ever where an expired key counts as news whenever it is offered."""

MORE_SEEDS = range(100, 130)


@pytest.mark.parametrize("seed", (*SEEDS, *MORE_SEEDS) if IS_THOROUGH else SEEDS)
def test_after_a_split_all_copies_are_whole_within_seconds_without_being_compared(seed: int) -> None:
    assert not Healing(seed).run()
