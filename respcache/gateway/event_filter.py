"""Which events a reader wants: by kind, and by the key that they are about."""

from collections.abc import Callable
from typing import Final

import msgspec

from ..events.vocabulary import Flushed, events_named
from ..keyspace.glob import compile_glob
from .messages import HttpError

LONGEST_PATTERN: Final = 1024

FLUSHED: Final = Flushed.kind


class Filter(msgspec.Struct, frozen=True):
    """What one reader has chosen; readers that have chosen the same are sent the same bytes."""

    kinds: frozenset[str]
    """Empty for all."""
    pattern: str
    """Of keys, as a glob; empty for events with any key or none."""

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return not self.kinds and not self.pattern


def matcher_of(chosen: Filter) -> Callable[[str, bytes | None], bool]:
    """Return what says whether a reader wants an event of a kind, about a key or none.

    A flushed database concerns every key, and so every pattern.
    """
    kinds = chosen.kinds
    if not chosen.pattern:
        return lambda kind, key: not kinds or kind in kinds
    fits = compile_glob(chosen.pattern.encode("utf-8", "surrogateescape"))

    def passes(kind: str, key: bytes | None) -> bool:
        if kinds and kind not in kinds:
            return False
        return kind == FLUSHED or (key is not None and bool(fits(key)))

    return passes


def filter_of(words: object, pattern: object) -> Filter:
    """Read what a reader asks for. Raises HttpError."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise HttpError(400, "kinds are a list of words")
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        raise HttpError(400, f"match is a pattern of at most {LONGEST_PATTERN} characters")
    try:
        kinds = frozenset(event.kind for event in events_named(words))
    except ValueError as error:
        raise HttpError(400, f"{error}") from None
    return Filter(kinds, pattern)
