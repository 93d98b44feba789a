"""Events as JSON, the form in which they leave the process.

The schema is described in docs/events.md and is a promise: fields may be added,
but none changes its meaning or goes away. Keys and values are any bytes at all,
and JSON knows only text. So what is valid UTF-8 stands there as text, and what
is not stands, in base64, under another name: ``key_base64`` instead of ``key``.
Values appear only where the reader has asked for some of their bytes.
"""

import codecs
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from .excerpt import Excerpt, excerpt
from .loading import LOADING
from .record import Event, KeyEvent
from .vocabulary import (
    Created,
    Deleted,
    Dropped,
    Flushed,
    MemberActive,
    MemberDied,
    MemberJoined,
    MemberLeft,
    MemberRefuted,
    MemberSuspected,
    MergeFinished,
    MergeStarted,
    OwnerCrashed,
    PartitionDegraded,
    PartitionLost,
    PartitionMoved,
    PartitionPromoted,
    PartitionRestored,
    SplitDetected,
    Started,
    Stopped,
    Touched,
    Updated,
    ViewChanged,
)

MEMBER: Final = {"member": "member", "id": "id", "address": "address", "by": "by"}
LOADER: Final = {"loader": "loader", "reason": "reason"}
PARTITIONS: Final = {"peer": "peer", "partitions": "partitions", "count": "count"}

DETAILS: Final[Mapping[type[Event], Mapping[str, str]]] = {
    Started: {"version": "version"},
    Stopped: {"reason": "reason"},
    Created: {"notice": "notice_name"},
    Updated: {"notice": "notice_name"},
    Touched: {"notice": "notice_name"},
    Deleted: {"notice": "notice_name"},
    Flushed: {"db": "db"},
    OwnerCrashed: {"error": "error"},
    **dict.fromkeys(LOADING, LOADER),
    MemberJoined: MEMBER,
    MemberActive: MEMBER,
    MemberSuspected: MEMBER,
    MemberRefuted: MEMBER,
    MemberDied: MEMBER,
    MemberLeft: MEMBER,
    ViewChanged: {
        "version": "version",
        "digest": "digest",
        "members": "members",
        "partitions": "partitions",
    },
    SplitDetected: {"members": "members", "unreachable": "unreachable"},
    MergeStarted: {"members": "members", "returned": "returned"},
    MergeFinished: {
        "members": "members",
        "entries": "entries",
        "conflicts": "conflicts",
        "took_ms": "took_ms",
    },
    PartitionMoved: PARTITIONS,
    PartitionPromoted: PARTITIONS,
    PartitionDegraded: PARTITIONS,
    PartitionRestored: PARTITIONS,
    PartitionLost: PARTITIONS,
    Dropped: {"sink": "sink", "count": "count"},
}
"""What an event has beside a time, a node, a key and a value: name in JSON, name of the attribute."""

_encode: Final = msgspec.json.Encoder().encode


def to_json(event: Event, value_limit_bytes: int = 0) -> bytes:
    """Encode an event in one line; of its value at most ``value_limit_bytes`` are shown, for 0 there is none."""
    if isinstance(event, Created | Updated | Touched | Deleted) and not value_limit_bytes:
        return _change_to_json(event)
    return _encode(to_document(event, value_limit_bytes))


def _change_to_json(event: Created | Updated | Touched | Deleted) -> bytes:
    """Encode what there is most of by far: only time and key differ, and the rest is the same text every time."""
    try:
        key = b'"key":%b' % _encode(event.key.decode())
    except UnicodeDecodeError:
        key = b'"key_base64":"%b"' % b64encode(event.key)
    return _frame(event.kind, event.node, event.db, event.notice_name) % (event.at_ms, key)


@lru_cache(maxsize=256)
def _frame(kind: str, node: str, db: int, notice_name: str) -> bytes:
    """Return the JSON of a change, with places for its time and its key."""
    head, name = _encode({"node": _presentable(node), "db": db}), _encode(_presentable(notice_name))
    frame = b'{"kind":%b,"at_ms":%%d,%b,%%b,"notice":%b}'
    return frame % (_encode(kind), head[1:-1].replace(b"%", b"%%"), name.replace(b"%", b"%%"))


def to_document(event: Event, value_limit_bytes: int = 0) -> dict[str, Any]:
    """Return what the JSON form consists of: text, numbers, truth values, and containers of them."""
    document: dict[str, Any] = {"kind": event.kind, "at_ms": event.at_ms, "node": _presentable(event.node)}
    if isinstance(event, KeyEvent):
        document["db"] = event.db
        _put_key(document, event.key)
    for name, attribute in DETAILS.get(event.__class__, {}).items():
        detail = getattr(event, attribute)
        document[name] = _presentable(detail) if isinstance(detail, str) else detail
    value: Excerpt | None = getattr(event, "value", None)
    if value is not None and value_limit_bytes > 0:
        _put_value(document, shortened(value, value_limit_bytes))
    return document


def shortened(value: Excerpt, limit_bytes: int) -> Excerpt:
    """Return ``value`` itself, or a shorter excerpt if it exceeds the limit (another sink asked for more)."""
    shorter = excerpt(value.content, limit_bytes)
    return shorter if shorter.is_truncated else value


def text_of(data: bytes, is_cut: bool = False) -> str | None:
    """Decode UTF-8, None for other bytes. Where data is cut, half a character at its end is left out."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=not is_cut)
    except UnicodeDecodeError:
        return None


def _presentable(text: str) -> str:
    # Texts of exceptions may hold lone surrogates (undecodable file names), which JSON cannot.
    return text.encode("utf-8", "backslashreplace").decode()


def _put_key(document: dict[str, Any], key: bytes) -> None:
    text = text_of(key)
    if text is not None:
        document["key"] = text
    else:
        document["key_base64"] = b64encode(key).decode()


def _put_value(document: dict[str, Any], value: Excerpt) -> None:
    content = value.content
    if isinstance(content, bytes):
        cut_text = text_of(content, value.is_truncated)
        name, shown = (
            ("value", cut_text) if cut_text is not None else ("value_base64", b64encode(content).decode())
        )
        document[name] = shown
    else:
        try:
            document["value"] = _converted(content, bytes.decode)
        except UnicodeDecodeError:
            # All or nothing: a reader must not have to guess which member is which.
            document["value_base64"] = _converted(content, lambda member: b64encode(member).decode())
    if value.is_truncated:
        document["value_truncated"] = True


def _converted(
    content: tuple[bytes, ...] | Mapping[bytes, bytes], convert: Callable[[bytes], str]
) -> list[str] | dict[str, str]:
    if isinstance(content, Mapping):
        return {convert(field): convert(value) for field, value in content.items()}
    return [convert(member) for member in content]
