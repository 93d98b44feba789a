import base64
import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from respcache.events.encoding import to_document, to_json
from respcache.events.excerpt import Content, Excerpt, excerpt
from respcache.events.loading import LoadFailed
from respcache.events.record import Event
from respcache.events.vocabulary import (
    ALL,
    Created,
    Deleted,
    Dropped,
    Expired,
    Flushed,
    MemberDied,
    MergeFinished,
    Missed,
    OwnerCrashed,
    PartitionMoved,
    SplitDetected,
    Started,
    Touched,
    Updated,
    ViewChanged,
)
from tests.rows import every_row

SOME_BYTES: dict[str, Any] = {
    "at_ms": 1,
    "node": "alpha",
    "db": 0,
    "key": b"k",
    "notice_class": "$",
    "notice_name": "set",
    "value": Excerpt(b"v"),
    "version": "1.0",
    "reason": "SIGTERM",
    "error": "KeyError",
    "sink": "console",
    "count": 3,
    "member": "beta",
    "id": "ab" * 20,
    "address": "127.0.0.1:17001",
    "by": "cd" * 20,
    "digest": "00ff",
    "members": 3,
    "partitions": 341,
    "unreachable": 2,
    "returned": 2,
    "entries": 7,
    "conflicts": 1,
    "took_ms": 12,
    "peer": "ef" * 20,
    "loader": "users",
}


def value_of(document: dict[str, Any]) -> Content:
    """Undo the encoding of a value, as a reader in another program would."""
    if "value_base64" in document:
        return converted(document["value_base64"], base64.b64decode)
    return converted(document["value"], str.encode)


def converted(shown: Any, convert: Any) -> Content:
    if isinstance(shown, str):
        return bytes(convert(shown))
    if isinstance(shown, dict):
        return {convert(field): convert(value) for field, value in shown.items()}
    return tuple(convert(member) for member in shown)


@every_row(
    ("event", "expected"),
    [
        (
            Created(1, "alpha", 0, b"user:1", "$", "set"),
            '{"kind":"created","at_ms":1,"node":"alpha","db":0,"key":"user:1","notice":"set"}',
        ),
        (
            Touched(1, "alpha", 0, b"user:1", "g", "expire"),
            '{"kind":"touched","at_ms":1,"node":"alpha","db":0,"key":"user:1","notice":"expire"}',
        ),
        (Missed(1, "alpha", 2, b"k"), '{"kind":"missed","at_ms":1,"node":"alpha","db":2,"key":"k"}'),
        (Flushed(1, "alpha", 2), '{"kind":"flushed","at_ms":1,"node":"alpha","db":2}'),
        (Started(1, "alpha", "1.0"), '{"kind":"started","at_ms":1,"node":"alpha","version":"1.0"}'),
        (
            OwnerCrashed(1, "alpha", 0, b"k", "KeyError: 'x'"),
            '{"kind":"owner-crashed","at_ms":1,"node":"alpha","db":0,"key":"k","error":"KeyError: \'x\'"}',
        ),
        (
            LoadFailed(1, "alpha", 0, b"user:1", "users", "OSError: no route"),
            '{"kind":"failed","at_ms":1,"node":"alpha","db":0,"key":"user:1","loader":"users","reason":"OSError: no route"}',
        ),
        (
            Dropped(1, "alpha", "file", 3),
            '{"kind":"dropped","at_ms":1,"node":"alpha","sink":"file","count":3}',
        ),
        (
            MemberDied(1, "alpha", "beta", "ab", "127.0.0.1:17001", "cd"),
            '{"kind":"died","at_ms":1,"node":"alpha","member":"beta","id":"ab","address":"127.0.0.1:17001","by":"cd"}',
        ),
        (
            ViewChanged(1, "alpha", 7, "00ff", 3, 341),
            '{"kind":"view-changed","at_ms":1,"node":"alpha","version":7,"digest":"00ff","members":3,"partitions":341}',
        ),
        (
            SplitDetected(1, "alpha", 3, 2),
            '{"kind":"split-detected","at_ms":1,"node":"alpha","members":3,"unreachable":2}',
        ),
        (
            MergeFinished(1, "alpha", 5, 120, 3, 840),
            '{"kind":"merge-finished","at_ms":1,"node":"alpha","members":5,"entries":120,"conflicts":3,"took_ms":840}',
        ),
        (
            PartitionMoved(1, "alpha", "ab", "0-2,9", 4),
            '{"kind":"partition-moved","at_ms":1,"node":"alpha","peer":"ab","partitions":"0-2,9","count":4}',
        ),
    ],
)
def test_the_schema_stays_as_it_is(event: Event, expected: str) -> None:
    assert to_json(event).decode() == expected


@every_row("kind", sorted([*ALL, Dropped], key=str), called=lambda kind: str(kind.kind))
def test_no_field_of_an_event_is_forgotten(kind: type[Event]) -> None:
    fields = {field.name for field in msgspec.structs.fields(kind)}
    document = to_document(kind(**{name: SOME_BYTES[name] for name in fields}), 100)
    renamed = {"notice_name": "notice"}
    shown = {renamed.get(name, name) for name in fields - {"notice_class"}}
    assert document.keys() == {"kind", *shown}


def test_a_key_that_is_no_text_is_marked_as_base64() -> None:
    document = to_document(Missed(1, "alpha", 0, b"\xff\x00"))
    assert document["key_base64"] == "/wA="
    assert "key" not in document


def test_values_are_left_out_unless_asked_for() -> None:
    assert "value" not in to_document(Expired(1, "alpha", 0, b"k", Excerpt(b"v")))


def test_a_value_that_is_no_text_is_marked_as_base64() -> None:
    document = to_document(Expired(1, "alpha", 0, b"k", Excerpt(b"\xff")), 10)
    assert document["value_base64"] == "/w=="
    assert "value" not in document


def test_one_binary_member_turns_the_whole_collection_into_base64() -> None:
    document = to_document(Expired(1, "alpha", 0, b"k", Excerpt({b"name": b"\xff"})), 100)
    assert document["value_base64"] == {"bmFtZQ==": "/w=="}


def test_a_value_longer_than_the_limit_is_cut_and_says_so() -> None:
    document = to_document(Expired(1, "alpha", 0, b"k", Excerpt(b"0123456789")), 4)
    assert (document["value"], document["value_truncated"]) == ("0123", True)


def test_a_value_that_came_cut_says_so_though_it_keeps_the_limit() -> None:
    document = to_document(Expired(1, "alpha", 0, b"k", Excerpt(b"0123", is_truncated=True)), 100)
    assert (document["value"], document["value_truncated"]) == ("0123", True)


def test_a_cut_leaves_no_half_character() -> None:
    document = to_document(Deleted(1, "alpha", 0, b"k", "g", "del", Excerpt("aäé".encode())), 4)
    assert (document["value"], document["value_truncated"]) == ("aä", True)


def test_half_a_character_in_an_uncut_value_is_binary() -> None:
    document = to_document(Deleted(1, "alpha", 0, b"k", "g", "del", Excerpt("ä".encode()[:1])), 4)
    assert document["value_base64"] == "ww=="


def test_an_empty_value_is_shown() -> None:
    assert to_document(Expired(1, "alpha", 0, b"k", Excerpt(b"")), 4)["value"] == ""


def test_an_error_with_lone_surrogates_can_be_encoded() -> None:
    assert json.loads(to_json(OwnerCrashed(1, "alpha", 0, b"k", "no \udcff")))["error"] == "no \\udcff"


@given(st.binary(), st.sampled_from([Created, Deleted]))
def test_any_key_can_be_recovered(key: bytes, kind: type[Created | Deleted]) -> None:
    document = json.loads(to_json(kind(1, "alpha", 0, key, "$", "set")))
    recovered = document["key"].encode() if "key" in document else base64.b64decode(document["key_base64"])
    assert recovered == key


FACTS: dict[str, Any] = {
    "at_ms": st.integers(0, 2**53),
    "node": st.text(st.characters()),
    "db": st.integers(0, 15),
    "key": st.one_of(st.binary(), st.text().map(str.encode)),
    "notice_class": st.just("$"),
    "notice_name": st.text(),
}


@given(st.one_of(*(st.builds(kind, **FACTS) for kind in (Created, Updated, Touched, Deleted))))
def test_the_quick_way_writes_what_the_document_says(event: Event) -> None:
    assert to_json(event) == msgspec.json.encode(to_document(event))


@given(st.one_of(st.binary(), st.lists(st.binary()), st.dictionaries(st.binary(), st.binary())))
def test_any_whole_value_can_be_recovered(value: bytes | list[bytes] | dict[bytes, bytes]) -> None:
    document = json.loads(to_json(Expired(1, "alpha", 0, b"k", excerpt(value, 1_000_000)), 1_000_000))
    assert value_of(document) == (tuple(value) if isinstance(value, list) else value)
    assert "value_truncated" not in document


@given(st.one_of(st.binary(), st.text().map(str.encode)), st.integers(1, 40))
def test_any_cut_value_begins_as_the_value_does(value: bytes, limit_bytes: int) -> None:
    document = json.loads(to_json(Expired(1, "alpha", 0, b"k", Excerpt(value)), limit_bytes))
    shown = value_of(document)
    assert isinstance(shown, bytes)
    assert value.startswith(shown)
    assert min(limit_bytes, len(value)) - 3 <= len(shown) <= limit_bytes
    assert document.get("value_truncated", False) == (len(value) > limit_bytes)


@given(st.binary(), st.binary())
def test_an_event_is_one_line(key: bytes, value: bytes) -> None:
    assert b"\n" not in to_json(Expired(1, "alpha", 0, key, Excerpt(value)), 1000)
