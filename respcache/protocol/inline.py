r"""Commands typed by hand: one line, words apart by white space, quotes as in Redis.

The rules are those of Redis' ``sdssplitargs``, not those of a shell. Double quotes
know ``\n``, ``\r``, ``\t``, ``\b``, ``\a`` and ``\xHH``, and any other character after a
backslash stands for itself; single quotes know only ``\'``. A quote may open in the
middle of a word, and must close at the end of one.
"""

import re
from typing import Final

_SPACE: Final = b" \t\n\v\f\r"

# Possessive (``*+``): a hostile line costs one pass, never a backtrack.
_WORD: Final = re.compile(
    rb"""
    [ \t\n\v\f\r]*+
    (?P<plain> [^ \t\n\v\f\r"']*+ )
    (?: "(?P<double> (?: [^"\\] | \\. )*+ )" (?= [ \t\n\v\f\r] | \Z )
      | '(?P<single> (?: [^'\\] | \\' | \\ )*+ )' (?= [ \t\n\v\f\r] | \Z )
      | (?= [ \t\n\v\f\r] | \Z )
    )
    [ \t\n\v\f\r]*+
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_CONTROL: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def _unescape(match: re.Match[bytes]) -> bytes:
    digits, character = match.groups()
    return bytes((int(digits, 16),)) if digits is not None else _CONTROL.get(character, character)


def split_inline(line: bytes) -> list[bytes] | None:
    """Return the words of a line without its end, or None if a quote is not closed where a word ends.

    As in Redis the line ends at a NUL byte, if it has one.
    """
    line = line.partition(b"\0")[0]
    if b'"' not in line and b"'" not in line:
        return line.split()
    words: list[bytes] = []
    line = line.strip(_SPACE)
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
