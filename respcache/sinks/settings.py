"""What can be set about each sink: plain records, filled in by the composition root.

A queue's default length is that of a burst: ten thousand events are about a tenth
of a second of a busy server's writes, and with their values cut at 1 KiB at most some
10 MB besides the keys, which are mostly shared with the keyspace.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from respcache.events.record import Event
from respcache.events.vocabulary import CHANGES, SERVER


class SinkSettingsError(ValueError):
    """A sink cannot be made from its settings; the text says which and why, for the operator."""


class SinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every sink has."""

    name: str
    """How INFO, the log and the stream itself call the sink; each name is used once."""
    kinds: frozenset[type[Event]] = CHANGES | SERVER
    """Which events it wants. Reads are many, and cost every GET: only on demand."""
    value_limit_bytes: int = 0
    """How much of a value it shows; 0 for none."""
    queue_length: int = 10_000
    """How many events may wait for it before the oldest is dropped."""

    def __post_init__(self) -> None:
        require(self, "value_limit_bytes", minimum=0)
        require(self, "queue_length", minimum=1)


class ConsoleSettings(SinkSettings, frozen=True, kw_only=True):
    """One line for each event on the standard output."""

    name: str = "console"
    file_descriptor: int = 1


class JsonFileSettings(SinkSettings, frozen=True, kw_only=True):
    """JSON lines, appended to a file."""

    name: str = "json-file"
    path: Path


class BatchSettings(SinkSettings, frozen=True, kw_only=True):
    """What sinks have that prefer many events at once."""

    most_per_batch: int = 100
    """Small enough that a batch is encoded within a millisecond, and a lost one is a small loss."""
    linger_s: float = 0.5
    """How long the first event of a batch waits for company."""
    timeout_s: float = 10.0
    """How long one attempt to deliver a batch may take."""

    def __post_init__(self) -> None:
        SinkSettings.__post_init__(self)
        require(self, "most_per_batch", minimum=1)
        require(self, "linger_s", minimum=0)
        require(self, "timeout_s", minimum=0.001)


class WebhookSettings(BatchSettings, frozen=True, kw_only=True):
    """HTTP POSTs to a receiver."""

    name: str = "webhook"
    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Sent with each request; a place for the receiver's token, hence not shown."""
    attempts: int = 6
    """How often one batch is tried. With the pauses below a receiver may be away for about ten seconds."""
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0

    def __post_init__(self) -> None:
        BatchSettings.__post_init__(self)
        require(self, "attempts", minimum=1)
        require(self, "first_pause_s", minimum=0)
        require(self, "longest_pause_s", minimum=self.first_pause_s)
        if not self.url.startswith(("http://", "https://")):
            raise SinkSettingsError(f"sink {self.name}: url must begin with http:// or https://")

    def __repr__(self) -> str:
        return f"WebhookSettings(name={self.name!r}, url={self.url!r})"


class CustomSettings(BatchSettings, frozen=True, kw_only=True):
    """A class of the operator's own."""

    name: str = "custom"
    target: str
    """``package.module:Class``"""
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)  # whatever the class takes
    linger_s: float = 0.0


def require(settings: SinkSettings, option: str, *, minimum: float) -> None:
    """Raise SinkSettingsError if a number is too small."""
    if getattr(settings, option) < minimum:
        raise SinkSettingsError(f"sink {settings.name}: {option} must be at least {minimum}")
