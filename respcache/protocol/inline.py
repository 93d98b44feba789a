r"""Commands typed by hand: one line, words apart by white space, quotes as in Redis.

The rules are those of Redis' ``sdssplitargs``, not those of a shell. Double quotes
know ``\n``, ``\r``, ``\t``, ``\b``, ``\a`` and ``\xHH``, and any other character after a
backslash stands for itself; single quotes know only ``\'``. A quote may open in the
middle of a word, and must close at the end of one. A vertical tab or a form feed
is white space before a word and after a closing quote, but no end of a word
without quotes: it belongs to it.
"""

import re
from typing import Final

_BLANK: Final = b" \t\n\v\f\r"

# Possessive (``*+``): a hostile line costs one pass, never a backtrack.
_WORD: Final = re.compile(
    rb"""
    (?P<plain> [^ \t\n\r"']*+ )
    (?: "(?P<double> (?: [^"\\] | \\. )*+ )" (?= [ \t\n\v\f\r] | \Z )
      | '(?P<single> (?: [^'\\] | \\' | \\ )*+ )' (?= [ \t\n\v\f\r] | \Z )
      | (?= [ \t\n\r] | \Z )
    )
    [ \t\n\v\f\r]*+
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROL: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}

# Without these, Python's own splitting does the same, and more quickly.
_has_unusual: Final = re.compile(rb"[\"'\v\f]").search


def _unescape(match: re.Match[bytes]) -> bytes:
    digits, character = match.groups()
    return bytes((int(digits, 16),)) if digits is not None else _CONTROL.get(character, character)


def split_inline(line: bytes) -> list[bytes] | None:
    """Return the words of a line without its end, or None if a quote is not closed where a word ends."""
    if _has_unusual(line) is None:
        return line.split()
    words: list[bytes] = []
    line = line.lstrip(_BLANK)
    position = 0
    while position < len(line):
        word = _WORD.match(line, position)
        if word is None:
            return None
        plain, double, single = word.groups()
        if double is not None:
            plain += _ESCAPE.sub(_unescape, double)
        elif single is not None:
            plain += single.replace(b"\\'", b"'")
        words.append(plain)
        position = word.end()
    return words
