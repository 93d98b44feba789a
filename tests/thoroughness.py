"""How much of a test that draws its cases at random is run: what finds a mistake soon each time, or far more with RESPCACHE_THOROUGH=1.

    @pytest.mark.parametrize("seed", seeds(6, 50))
    @settings(max_examples=examples(25, 100))

The usual number suffices for the mistake that a test is about: where that is a rule of its own, it was taken out, and the test
failed. The other is for a long run, or when the code below such a test changes.
"""

import os
from typing import Final

IS_THOROUGH: Final = os.environ.get("RESPCACHE_THOROUGH") == "1"


def examples(usual: int, thorough: int) -> int:
    """Return how many examples to draw."""
    return thorough if IS_THOROUGH else usual


def seeds(usual: int, thorough: int) -> range:
    """Return the first so many seeds."""
    return range(examples(usual, thorough))
