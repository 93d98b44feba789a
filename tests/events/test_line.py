import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache.events.excerpt import Excerpt
from respcache.events.line import quoted, to_line, utc_time
from respcache.events.loading import Loaded, LoadFailed, LoadTimedOut
from respcache.events.record import Event
from respcache.events.vocabulary import (
    Created,
    Deleted,
    Dropped,
    Expired,
    Flushed,
    MemberDied,
    MemberLeft,
    MergeFinished,
    MergeStarted,
    Missed,
    OwnerCrashed,
    PartitionLost,
    PartitionMoved,
    Read,
    SplitDetected,
    Started,
    Stopped,
    ViewChanged,
)
from tests.rows import every_row

AT_MS = 1_795_243_200_123
TIME = "2026-11-21T06:40:00.123000Z"


def unquoted(text: str) -> bytes:
    """Undo ``quoted``, as a person would read it."""
    inside = text[1:-1].encode()
    return re.sub(
        rb"\\(x..|.)",
        lambda found: bytes.fromhex(found[1][1:].decode()) if len(found[1]) > 1 else found[1],
        inside,
    )


@every_row(
    ("event", "expected"),
    [
        (Created(AT_MS, "a", 0, b"k", "$", "set", Excerpt(b"Ann")), 'created db0 "k" by set = "Ann"'),
        (Deleted(AT_MS, "a", 0, b"k", "g", "del"), 'deleted db0 "k" by del'),
        (Expired(AT_MS, "a", 3, b"k", Excerpt({b"f": b"v"})), 'expired db3 "k" = {"f": "v"}'),
        (Read(AT_MS, "a", 0, b"k", Excerpt((b"1", b"2"))), 'read db0 "k" = ["1", "2"]'),
        (Read(AT_MS, "a", 0, b"k", Excerpt(b"long " * 4)), 'read db0 "k" = "long long long lon"...'),
        (Missed(AT_MS, "a", 0, b"k"), 'missed db0 "k"'),
        (Flushed(AT_MS, "a", 1), "flushed db1"),
        (Started(AT_MS, "a", "1.0"), "started version 1.0"),
        (Stopped(AT_MS, "a", "SIGTERM"), "stopped for SIGTERM"),
        (OwnerCrashed(AT_MS, "a", 0, b"k", "KeyError\n"), 'owner-crashed db0 "k" with KeyError\\x0a'),
        (Dropped(AT_MS, "a", "console", 7), "dropped 7 events of console"),
        (MemberLeft(AT_MS, "a", "b", "12", "::1", ""), "left b 12 at ::1"),
        (MemberDied(AT_MS, "a", "b", "12", "::1", "34"), "died b 12 at ::1 by 34"),
        (
            ViewChanged(AT_MS, "a", 7, "00", 3, 341),
            "view-changed 341 partitions moved, 3 members share them",
        ),
        (SplitDetected(AT_MS, "a", 3, 2), "split-detected 2 members unreachable, 3 are here"),
        (MergeStarted(AT_MS, "a", 5, 2), "merge-started 2 members are back, 5 are here"),
        (
            MergeFinished(AT_MS, "a", 5, 120, 3, 840),
            "merge-finished 120 entries taken over, 3 conflicts, in 840 ms",
        ),
        (Loaded(AT_MS, "a", 2, b"k", "users"), 'loaded db2 "k" by users'),
        (LoadFailed(AT_MS, "a", 0, b"k", "users", "no\nroute"), 'failed db0 "k" by users: no\\x0aroute'),
        (LoadTimedOut(AT_MS, "a", 0, b"k", "users"), 'timed_out db0 "k" by users'),
        (PartitionLost(AT_MS, "a", "", "0-2,9", 4), "partition-lost 4 partitions 0-2,9"),
        (PartitionMoved(AT_MS, "a", "ab", "7", 1), "partition-moved 1 partitions 7 ab"),
    ],
)
def test_each_event_has_its_line(event: Event, expected: str) -> None:
    assert to_line(event, value_limit_bytes=18) == f"{TIME} a {expected}"


def test_values_are_left_out_unless_asked_for() -> None:
    assert to_line(Expired(AT_MS, "a", 0, b"k", Excerpt(b"v"))) == f'{TIME} a expired db0 "k"'


def test_time_is_utc_with_microseconds() -> None:
    assert utc_time(0) == "1970-01-01T00:00:00.000000Z"
    assert utc_time(AT_MS) == TIME


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", '"plain"'),
        ("schön".encode(), '"schön"'),
        (b'say "hi"\\', '"say \\"hi\\"\\\\"'),
        (b"\x1b[2J\r\n\x00", '"\\x1b[2J\\x0d\\x0a\\x00"'),
        (b"\xff\xfe", '"\\xff\\xfe"'),
        ("a\u202eb".encode(), '"a\\xe2\\x80\\xaeb"'),
        (b"", '""'),
    ],
)
def test_bytes_are_quoted_so_that_nothing_steers_a_terminal(data: bytes, expected: str) -> None:
    assert quoted(data) == expected


@given(st.one_of(st.binary(), st.text().map(str.encode)))
@example(b"\\x00")
def test_no_two_byte_strings_look_alike(data: bytes) -> None:
    assert unquoted(quoted(data)) == data


@given(st.binary(), st.binary(), st.text(st.characters()))
def test_a_line_is_printable_whatever_clients_wrote(key: bytes, value: bytes, error: str) -> None:
    assert to_line(Expired(AT_MS, "a", 0, key, Excerpt(value)), 1000).isprintable()
    assert to_line(OwnerCrashed(AT_MS, "a", 0, key, error)).isprintable()
