from array import array
from collections.abc import Mapping, Sequence

class LoadWatch:
    def __init__(
        self,
        loaders: list[tuple[int, bytes, int, bool]],
        busy: Sequence[Mapping[tuple[int, bytes], object]],
        busy_slots: array[int],
    ) -> None: ...
