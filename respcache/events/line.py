r"""Events as one line for people: time in UTC to the microsecond, node, and what happened.

    2026-11-21T06:40:00.123000Z alpha created db0 "user:1" by set = "Ann"

Whatever clients have put into keys and values, a line stays one line and cannot
steer a terminal: what is not printable is shown as ``\x1b``. (The cache's
clock counts milliseconds; the last three digits are there for tools that expect them.)
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from .encoding import shortened
from .excerpt import Content, Excerpt
from .loading import LoadingEvent
from .record import Event, KeyEvent
from .vocabulary import (
    Created,
    Deleted,
    Dropped,
    Flushed,
    MemberEvent,
    MergeFinished,
    MergeStarted,
    OwnerCrashed,
    PartitionEvent,
    SplitDetected,
    Started,
    Stopped,
    Touched,
    Updated,
    ViewChanged,
)

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_line(event: Event, value_limit_bytes: int = 0) -> str:
    """Return the line, without its end; of a value at most ``value_limit_bytes`` are shown, for 0 there is none."""
    words = [utc_time(event.at_ms), escaped(event.node), event.kind]
    if isinstance(event, KeyEvent):
        words += [f"db{event.db}", quoted(event.key)]
    detail = _detail(event)
    if detail:
        words.append(escaped(detail))
    value: Excerpt | None = getattr(event, "value", None)
    if value is not None and value_limit_bytes > 0:
        shown = shortened(value, value_limit_bytes)
        words += ["=", _shown(shown.content) + ("..." if shown.is_truncated else "")]
    return " ".join(words)


def _detail(event: Event) -> str:
    detail = ""
    match event:
        case Created() | Updated() | Touched() | Deleted():
            detail = f"by {event.notice_name}"
        case Started():
            detail = f"version {event.version}"
        case Stopped():
            detail = f"for {event.reason}"
        case Flushed():
            detail = f"db{event.db}"
        case OwnerCrashed():
            detail = f"with {event.error}"
        case Dropped():
            detail = f"{event.count} events of {event.sink}"
        case MemberEvent():
            detail = f"{event.member} {event.id} at {event.address}" + (f" by {event.by}" if event.by else "")
        case ViewChanged():
            detail = f"{event.partitions} partitions moved, {event.members} members share them"
        case SplitDetected() | MergeStarted() | MergeFinished() | PartitionEvent() | LoadingEvent():
            detail = _further_detail(event)
        case _:  # Expired, Evicted, Read, Missed: the kind and the key say it all
            pass
    return detail


def _further_detail(
    event: SplitDetected | MergeStarted | MergeFinished | PartitionEvent | LoadingEvent,
) -> str:
    match event:
        case SplitDetected():
            return f"{event.unreachable} members unreachable, {event.members} are here"
        case MergeStarted():
            return f"{event.returned} members are back, {event.members} are here"
        case MergeFinished():
            return f"{event.entries} entries taken over, {event.conflicts} conflicts, in {event.took_ms} ms"
        case PartitionEvent():
            return f"{event.count} partitions {event.partitions}" + (f" {event.peer}" if event.peer else "")
        case LoadingEvent():
            return f"by {event.loader}" + (f": {event.reason}" if event.reason else "")


def utc_time(at_ms: int) -> str:
    """Return a time in ISO 8601 with six digits after the second."""
    moment = EPOCH + timedelta(milliseconds=at_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def quoted(data: bytes) -> str:
    """Show bytes between quotes as one printable text that no other bytes look like."""
    text = data.decode("utf-8", "surrogateescape").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_visible(text)}"'


def escaped(text: str) -> str:
    """Show a text of our own, such as an error's, without what would break the line."""
    return _visible(text.encode("utf-8", "backslashreplace").decode())


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _as_bytes(character) for character in text)


def _as_bytes(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _shown(content: Content) -> str:
    if isinstance(content, bytes):
        return quoted(content)
    if isinstance(content, Mapping):
        return "{" + ", ".join(f"{quoted(field)}: {quoted(value)}" for field, value in content.items()) + "}"
    return "[" + ", ".join(map(quoted, content)) + "]"
