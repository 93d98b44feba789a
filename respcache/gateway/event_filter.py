"""Which events a reader wants: by kind, and by the key that they are about."""

import base64
from collections.abc import Mapping
from typing import Any, Final

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


def passes(facts: Mapping[str, Any], chosen: Filter) -> bool:
    """Say whether a reader wants an event of these facts. A flushed database concerns every key, and so every pattern."""
    kind = facts.get("kind")
    if chosen.kinds and kind not in chosen.kinds:
        return False
    if not chosen.pattern or kind == FLUSHED:
        return True
    key = _key_of(facts)
    pattern = chosen.pattern.encode("utf-8", "surrogateescape")
    return key is not None and bool(compile_glob(pattern)(key))


def _key_of(facts: Mapping[str, Any]) -> bytes | None:
    if "key" in facts:
        return str(facts["key"]).encode()
    encoded = facts.get("key_base64")
    return None if encoded is None else base64.b64decode(encoded)


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
