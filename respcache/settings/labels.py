"""Short names without blanks: what travels in every gossip message, and stands in listings between blanks."""

from .errors import InvalidValueError
from .kinds import Text


class Label(Text):
    """Visible characters, as many as fit; empty where that has a meaning."""

    def __init__(self, most_bytes: int, *, may_be_empty: bool = True) -> None:
        self._most_bytes = most_bytes
        self._fewest_bytes = 0 if may_be_empty else 1
        nothing = ", or nothing" if may_be_empty else ""
        self.allowed = f"a word of at most {most_bytes} bytes without blanks{nothing}"

    def parse(self, text: str, current: str) -> str:
        # Bytes that are no text arrive as lone surrogates; they are not printable either.
        if any(sign.isspace() or not sign.isprintable() for sign in text):
            raise InvalidValueError(f"argument must be {self.allowed}")
        if not self._fewest_bytes <= len(text.encode()) <= self._most_bytes:
            raise InvalidValueError(f"argument must be {self.allowed}")
        return text
