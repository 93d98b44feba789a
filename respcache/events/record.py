"""What every event has; the events themselves are in ``vocabulary.py``."""

from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True):
    """What all events have."""

    kind: ClassVar[str]

    at_ms: int
    """Unix time in milliseconds, by the clock of the node."""
    node: str
    """The name of the node where it happened."""


class KeyEvent(Event, frozen=True):
    """What all events about one key have."""

    db: int
    key: bytes
