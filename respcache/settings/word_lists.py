"""Lists whose words may stand between commas too, each of them checked: addresses, ways of discovery, secrets."""

import re
from collections.abc import Callable

from .errors import InvalidValueError
from .kinds import Words

_ADDRESS = re.compile(r"(?:\[([0-9a-fA-F:.%]+)\]|([^\s:\[\]]{1,253})):([1-9][0-9]{0,4})", re.ASCII)


def split_address(text: str) -> tuple[str, int] | None:
    """Split ``host:port`` or ``[IPv6]:port``; None if it is neither. The host may be a name."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[3]) > 65535:
        return None
    return match[1] or match[2], int(match[3])


def join_address(host: str, port: int) -> str:
    """Spell an address so that ``split_address`` reads it again."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class WordList(Words):
    """Words with commas or blanks between them, each of which must pass a check.

    Words that fail are not repeated in the refusal, because they may be secrets.
    """

    def __init__(self, allowed: str, *, check: Callable[[str], bool], most: int) -> None:
        """Take what to tell a person about the list, a check for each word, and how many there may be."""
        self.allowed = allowed
        self._check = check
        self._most = most

    def parse(self, text: str, current: tuple[str, ...]) -> tuple[str, ...]:
        words = tuple(text.replace(",", " ").split())
        if len(words) > self._most or not all(map(self._check, words)):
            raise InvalidValueError(f"argument must be {self.allowed}")
        return words


def is_address(word: str) -> bool:
    return split_address(word) is not None
