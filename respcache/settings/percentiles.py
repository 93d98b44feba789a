"""The grammar of latency-tracking-info-percentiles: numbers between 0 and 100."""

import re

from .errors import InvalidValueError
from .kinds import Kind, joined_words

NAME = "latency-tracking-info-percentiles"
DECIMALS = 6
"""As many as Redis prints."""

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?", re.ASCII | re.IGNORECASE)


class Percentiles(Kind[tuple[float, ...]]):
    """Numbers with single blanks between them; in TOML also a list of numbers."""

    allowed = 'numbers from 0 to 100 with a blank between them, such as "50 99 99.9"'

    def parse(self, text: str, current: tuple[float, ...]) -> tuple[float, ...]:
        words = text.split(" ") if text else []
        if not all(_NUMBER.fullmatch(word) for word in words):
            raise InvalidValueError(f"Invalid {NAME} parameters")
        numbers = [float(word) for word in words]
        if not all(0 <= number <= 100 for number in numbers):
            raise InvalidValueError(f"{NAME} parameters should sit between [0.0,100.0]")
        return tuple(round(number, DECIMALS) for number in numbers)

    def show(self, value: tuple[float, ...]) -> str:
        return " ".join(f"{number:.{DECIMALS}f}".rstrip("0").rstrip(".") for number in value)

    def text_of_toml(self, value: object) -> str:
        words = joined_words(value)
        return super().text_of_toml(value) if words is None else words
