"""The grammar of client-output-buffer-limit: how much output may wait for a client of each class."""

from typing import Final

import msgspec

from .errors import InvalidValueError
from .kinds import Kind, joined_words, parse_size, size_text, toml_string


class BufferLimit(msgspec.Struct, frozen=True):
    """Close the client at once above ``hard_bytes``, or after ``soft_seconds`` above ``soft_bytes``; 0: never."""

    hard_bytes: int
    soft_bytes: int
    soft_seconds: int


class BufferLimits(msgspec.Struct, frozen=True):
    """One limit for each class of clients."""

    normal: BufferLimit
    replica: BufferLimit
    pubsub: BufferLimit


ATTRIBUTE_OF_CLASS: Final = {
    "normal": "normal",
    "slave": "replica",
    "replica": "replica",
    "pubsub": "pubsub",
}
SHOWN_CLASSES: Final = ("normal", "slave", "pubsub")
"""CONFIG GET keeps the old word for replicas, in this order."""

WORDS_PER_CLASS: Final = 4


class OutputBufferLimits(Kind[BufferLimits]):
    """Groups of ``class hard soft seconds``; a class that is not mentioned keeps its limit."""

    allowed = 'groups of "class hard soft seconds" with class normal, replica or pubsub'

    def parse(self, text: str, current: BufferLimits) -> BufferLimits:
        # Redis splits at single blanks, so two in a row are one word too many.
        words = text.split(" ") if text else []
        if len(words) % WORDS_PER_CLASS:
            raise InvalidValueError("Wrong number of arguments in buffer limit configuration.")
        limits = current
        for start in range(0, len(words), WORDS_PER_CLASS):
            name, *numbers = words[start : start + WORDS_PER_CLASS]
            attribute = ATTRIBUTE_OF_CLASS.get(name.lower())
            if attribute is None:
                raise InvalidValueError("Invalid client class specified in buffer limit configuration.")
            limits = msgspec.structs.replace(limits, **{attribute: _parse_limit(*numbers)})
        return limits

    def show(self, value: BufferLimits) -> str:
        return " ".join(
            f"{name} {limit.hard_bytes} {limit.soft_bytes} {limit.soft_seconds}"
            for name, limit in _limits_by_class(value)
        )

    def text_of_toml(self, value: object) -> str:
        words = joined_words(value)
        return super().text_of_toml(value) if words is None else words

    def toml(self, value: BufferLimits) -> str:
        return toml_string(
            " ".join(
                f"{name} {size_text(limit.hard_bytes)} {size_text(limit.soft_bytes)} {limit.soft_seconds}"
                for name, limit in _limits_by_class(value)
            )
        )


def _limits_by_class(limits: BufferLimits) -> list[tuple[str, BufferLimit]]:
    return [(name, getattr(limits, ATTRIBUTE_OF_CLASS[name])) for name in SHOWN_CLASSES]


def _parse_limit(hard: str, soft: str, seconds: str) -> BufferLimit:
    hard_bytes, soft_bytes = parse_size(hard), parse_size(soft)
    if hard_bytes is None or soft_bytes is None or not (seconds.isascii() and seconds.isdigit()):
        raise InvalidValueError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
    return BufferLimit(hard_bytes, soft_bytes, int(seconds))
