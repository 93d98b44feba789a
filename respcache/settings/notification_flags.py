"""The grammar of notify-keyspace-events: a letter for each class of events."""

from typing import Final

from .errors import InvalidValueError
from .kinds import Kind, toml_string

ALL_CLASSES: Final = "g$lshzxetd"
"""What the letter A stands for, in the order in which Redis prints the letters."""

KNOWN_LETTERS: Final = "Ag$lshzxeKEtmdn"
"""Every letter, in the order in which Redis lists them in its refusal."""


class NotificationFlags(Kind[str]):
    """Letters in any order. The value names each class once, in Redis' order, with A for all of them."""

    allowed = f"letters of {KNOWN_LETTERS}, such as KEA"

    def parse(self, text: str, current: str) -> str:
        if set(text) - set(KNOWN_LETTERS):
            raise InvalidValueError(f"Invalid event class character. Use '{KNOWN_LETTERS}'.")
        given = set(text)
        everything = "A" in given or given >= set(ALL_CLASSES)
        classes = "A" if everything else "".join(letter for letter in ALL_CLASSES if letter in given)
        return classes + "".join(letter for letter in "nKEm" if letter in given)

    def show(self, value: str) -> str:
        # redis-server 7.0 does not print n beside A, although it obeys it.
        return value.replace("n", "") if value.startswith("A") else value

    def text(self, value: str) -> str:
        return value

    def toml(self, value: str) -> str:
        return toml_string(value)
