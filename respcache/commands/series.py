"""Equal commands of one pipeline, answered together where a command knows how.

A command that says how saves what is the same for each call: the call itself, its
clock, its place in the books. It promises that the replies, and what becomes of
the data, are those of its handler called once for each, in order; where it cannot, it
answers None before anything has happened, and the handler is called.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .context import Context

Columns: TypeAlias = list[list[bytes]]
"""The arguments of several calls: all first ones, all second ones, and so on."""


@dataclass(frozen=True, slots=True)
class Series:
    """How calls of one command are answered together."""

    words: int
    """How many words each call has, its name among them."""
    answer: Callable[[Context, Columns], bytes | None]
    """Return all replies as they are sent. If a bug ends it, the handler is called for all of them: repeating must do no harm."""
