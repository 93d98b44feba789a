"""Redis' glob patterns: literal pieces are sought as they are, all else by regular expressions that cannot blow up.

``*`` becomes a lazy atomic group (Python 3.11): once a segment after a star has
matched at its first place, no later failure makes the matcher try another, so
matching is linear in the text for each segment. A plain ``.*`` would make
``a*a*a*...b`` exponential, on input that any client may send.
"""

import functools
import operator
import re
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

Matcher: TypeAlias = Callable[[bytes], object]
"""Says by truth whether a whole text matches."""

LONGEST_COMPILED_BYTES: Final = 1024
"""Compiling takes microseconds per byte, and a client may send a pattern of 512 MB: longer ones are read as far as needed."""

COMPILED_PATTERNS: Final = 1024
"""Patterns come from clients, so their cache is bounded; subscriptions rarely number more."""

NOTHING: Final = b"(?!)"


def compile_glob(pattern: bytes) -> Matcher:
    r"""Return a matcher for a pattern of ``* ? [abc] [^a-c] \x``, as redis-server reads it.

    A lone star matches every text but the empty one: KEYS and SCAN, for which it
    means all keys, must know it themselves, as they do in Redis.
    """
    if len(pattern) <= LONGEST_COMPILED_BYTES:
        return _compile(pattern)
    if is_literal(pattern):
        return functools.partial(operator.eq, pattern)
    return functools.partial(_matches_long, pattern)


@functools.lru_cache(COMPILED_PATTERNS)
def _compile(pattern: bytes) -> Matcher:
    if not any(mark in pattern for mark in (b"?", b"[", b"\\")):
        return _among_stars(*pattern.split(b"*"))
    return _compile_expression(pattern)


def _among_stars(first: bytes, *rest: bytes) -> Matcher:
    """Return a matcher for literal pieces with stars between them.

    Nearly all patterns are such. A regular expression would take three times as long to match,
    and 8 us for each byte to compile: a client may subscribe to a megabyte of patterns at once.
    """
    if not rest:
        return functools.partial(operator.eq, first)
    *middle, last = rest
    if not any((first, *rest)):
        return bool  # see _compile_expression
    if not any(rest):
        return operator.methodcaller("startswith", first)

    def matches(text: bytes) -> bool:
        if not (text.startswith(first) and text.endswith(last)):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return at <= end

    return matches


def _compile_expression(pattern: bytes) -> Matcher:
    segments: list[bytes] = [b""]
    for token in _tokens(pattern):
        if token is None:
            segments.append(b"")
        else:
            segments[-1] += token
    first, *rest = segments
    if pattern and not any(segments):
        body = b".+"  # redis-server's stars do not match an empty text, though they match nothing at the end of one
    elif not rest:
        body = first
    else:
        middle = b"".join(b"(?>.*?" + segment + b")" for segment in rest[:-1] if segment)
        body = first + middle + b".*" + rest[-1]
    return re.compile(b"(?s:" + body + rb")\Z").match


def _matches_long(pattern: bytes, text: bytes) -> bool:
    """Match one segment after another, and read no more of the pattern than the text can need."""
    if not text:
        return False
    at = 0
    is_after_star = False
    segment: list[bytes] = []
    for token in _tokens(pattern):
        if token is not None:
            segment.append(token)
            if len(segment) > len(text) - at:
                return False
        elif segment:
            expression = re.compile(b"(?s:" + b"".join(segment) + b")")
            found = (expression.search if is_after_star else expression.match)(text, at)
            if found is None:
                return False
            at, is_after_star = found.end(), True
            segment.clear()
        else:
            is_after_star = True
    last = len(text) - len(segment)  # every token matches one byte
    if not is_after_star and last != at:
        return False
    return re.compile(b"(?s:" + b"".join(segment) + b")").match(text, last) is not None


def is_literal(pattern: bytes) -> bool:
    """Say whether the pattern can match only itself."""
    return not any(mark in pattern for mark in (b"*", b"?", b"[", b"\\"))


def _tokens(pattern: bytes) -> Iterator[bytes | None]:
    """Yield a regular expression for one byte at a time; None for a star."""
    at = 0
    while at < len(pattern):
        mark = pattern[at : at + 1]
        at += 1
        if mark == b"*":
            yield None
        elif mark == b"?":
            yield b"."
        elif mark == b"[":
            token, at = _character_class(pattern, at)
            yield token
        elif mark == b"\\" and at < len(pattern):
            yield re.escape(pattern[at : at + 1])
            at += 1
        else:
            yield re.escape(mark)


def _character_class(pattern: bytes, at: int) -> tuple[bytes, int]:
    """Read a class from behind its bracket; an unterminated one ends with the pattern, as in Redis."""
    is_negated = pattern[at : at + 1] == b"^"
    at += is_negated
    members: list[bytes] = []
    while at < len(pattern) and pattern[at : at + 1] != b"]":
        if pattern[at : at + 1] == b"\\" and at + 1 < len(pattern):
            at += 1
            members.append(re.escape(pattern[at : at + 1]))
        elif pattern[at + 1 : at + 2] == b"-" and at + 2 < len(pattern):
            members.append(_range(pattern[at], pattern[at + 2]))
            at += 2
        else:
            members.append(re.escape(pattern[at : at + 1]))
        at += 1
    if not members:
        return (b"." if is_negated else NOTHING), at + 1
    return (b"[^" if is_negated else b"[") + b"".join(members) + b"]", at + 1


def _range(first: int, last: int) -> bytes:
    """Spell a range of bytes. redis-server on x86 compares them as signed: 0x80..0xff come before 0x00."""
    low, high = sorted((first ^ 0x80, last ^ 0x80))
    low_byte, high_byte = re.escape(bytes([low ^ 0x80])), re.escape(bytes([high ^ 0x80]))
    if (low < 0x80) == (high < 0x80):
        return low_byte + b"-" + high_byte
    return low_byte + rb"-\xff" + rb"\x00-" + high_byte
