import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.replication.records import (
    DEADLINE,
    DROPPED,
    FLUSHED,
    HASH,
    HASH_PART,
    OWED,
    STRING,
    STRING_PART,
)
from respcache.cluster.replication.wording import (
    deadline_of_word,
    deadline_record,
    deadline_word,
    dropped_record,
    flushed_record,
    owed_record,
    patch_record,
    removed_record,
    state_record,
)
from respcache.keyspace.entry import Entry, Value
from respcache.keyspace.hashes import Hash
from respcache.keyspace.lives import DefaultDeadline

VERSION = 7 << 32 | 9


def entry(value: Value, deadline_ms: int | None = None) -> Entry:
    new = Entry(b"k", value, 0)
    new.version = VERSION
    new.expires_at_ms = deadline_ms
    return new


def user() -> Hash:
    value = Hash()
    value.set(b"f", b"1")
    value.set(b"g", b"2")
    return value


def test_a_string_is_told_whole() -> None:
    assert state_record(5, 1, entry(b"v", 99)) == (STRING, 5, 1, b"k", 7, 9, 99, b"v", False)


def test_a_hash_is_told_in_its_order() -> None:
    assert state_record(5, 0, entry(user()))[-2:] == ([b"f", b"1", b"g", b"2"], True)
    assert state_record(5, 0, entry(user()))[0] == HASH


def test_what_changes_in_place_is_copied() -> None:
    raw, fields = entry(bytearray(b"ab")), entry(user())
    records = state_record(0, 0, raw), state_record(0, 0, fields)
    raw.value += b"c"  # type: ignore[operator]
    fields.value.set(b"f", b"new")  # type: ignore[union-attr]
    assert records[0][-2:] == (b"ab", True)
    assert records[1][-2][1] == b"1"


def test_parts_name_what_they_build_on() -> None:
    base = 6 << 32 | 8
    head = (5, 0, b"k", 7, 9, 6, 8, 0)
    assert patch_record(5, 0, entry(bytearray(b"abc")), base, (2, b"c")) == (STRING_PART, *head, 2, b"c")
    patch = ((b"f", b"1"), (b"h",))
    assert patch_record(5, 0, entry(user()), base, patch) == (HASH_PART, *head, *patch, True)
    assert deadline_record(5, 0, entry(b"v"), base) == (DEADLINE, *head)


def test_what_goes_is_told_by_name_or_all_at_once() -> None:
    assert (
        removed_record(5, 1, b"k", VERSION)[1:] == dropped_record(5, 1, entry(b"v"))[1:] == (5, 1, b"k", 7, 9)
    )
    assert dropped_record(5, 1, entry(b"v"))[0] == DROPPED
    assert flushed_record(5, 1, VERSION) == (FLUSHED, 5, 1, 7, 9)


def test_a_debt_has_the_version_of_the_deletion() -> None:
    assert owed_record(5, 1, b"k", VERSION, is_owed=True) == (OWED, 5, 1, b"k", 7, 9, True)


@given(st.one_of(st.none(), st.integers(1, 2**61), st.integers(1, 2**61).map(DefaultDeadline)))
def test_a_deadline_keeps_who_has_set_it(deadline_ms: int | None) -> None:
    back = deadline_of_word(deadline_word(entry(b"v", deadline_ms)))
    assert (back, back.__class__) == (deadline_ms, deadline_ms.__class__)


@pytest.mark.parametrize("deadline_ms", [5, DefaultDeadline(5)])
def test_a_deadline_is_told_as_a_plain_number(deadline_ms: int) -> None:
    assert deadline_word(entry(b"v", deadline_ms)).__class__ is int
