"""The kind of a weight: how much a node takes of what is shared out, compared with its peers."""

import re
from typing import Final

from .errors import InvalidValueError
from .kinds import Kind

LOWEST: Final = 0.01
HIGHEST: Final = 100.0
"""A hundred times as much as a peer is far from any real pair of machines; beyond it somebody mistyped."""

_WEIGHT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?", re.ASCII)


class Weight(Kind[float]):
    """A positive number, whole or not."""

    allowed = f"a number from {LOWEST} to {HIGHEST:g}"

    def parse(self, text: str, current: float) -> float:
        if not _WEIGHT.fullmatch(text) or not LOWEST <= float(text) <= HIGHEST:
            raise InvalidValueError(f"argument must be {self.allowed}")
        return float(text)

    def show(self, value: float) -> str:
        return f"{value:.6f}".rstrip("0").rstrip(".")

    def text_of_toml(self, value: object) -> str:
        # bool is an int to Python, not to a person.
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return super().text_of_toml(value)

    def toml(self, value: float) -> str:
        return self.show(value)
