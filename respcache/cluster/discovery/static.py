"""Seeds written into the settings: the same list for ever, its names looked up anew each time."""

from collections.abc import Sequence

from .protocol import ReadOnly


class StaticSeeds(ReadOnly):
    """Knows what it was told at the start. Any one seed that lives is enough to join."""

    name = "static"

    def __init__(self, seeds: Sequence[str]) -> None:
        self._seeds = tuple(seeds)

    async def peers(self) -> Sequence[str]:
        return self._seeds
