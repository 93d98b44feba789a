"""A compiled entry is, attribute by attribute, what the plain one is; and it leaks nothing."""

import copy
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.keyspace.entry import Bucket, Entry, Value
from respcache.keyspace.hashes import Hash
from respcache.keyspace.lives import DefaultDeadline
from tests.rows import every_row

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.entries import plain_twins

Make = Callable[[bytes, Value, int], Entry]

BOTH: list[Make] = [Entry, plain_twins["Entry"]]  # type: ignore[list-item]  # it is of this signature
SIZES = (0, 1, 8, 9, 32, 200, 400, 430, 450, 600, 5000)
"""Values around the borders of room and block."""

both = pytest.mark.parametrize("make", BOTH, ids=["compiled", "plain"])


@both
@every_row("key_bytes", [0, 1, 16, 440, 460, 70_000])
@every_row("value_bytes", SIZES)
def test_an_entry_has_the_key_and_value_that_it_was_made_with(
    make: Make, key_bytes: int, value_bytes: int
) -> None:
    entry = make(b"k" * key_bytes, b"v" * value_bytes, 17)
    assert (entry.key, entry.value) == (b"k" * key_bytes, b"v" * value_bytes)
    assert (entry.seen, entry.expires_at_ms, entry.bucket, entry.version) == (17, None, None, 0)


VALUES = st.none() | st.binary(max_size=600) | st.binary(max_size=600).map(bytearray) | st.builds(Hash)


@given(first=st.binary(max_size=600), others=st.lists(VALUES, max_size=8))
def test_whatever_value_is_given_is_the_value(first: bytes, others: list[Value | None]) -> None:
    for make in BOTH:
        entry = make(b"key", first, 0)
        for value in others:
            entry.value = value
            assert entry.value == value
            assert type(entry.value) is type(value)
        assert entry.key == b"key"


@both
def test_what_changes_in_place_is_kept_as_the_object_it_is(make: Make) -> None:
    entry = make(b"k", bytearray(b"abc"), 0)
    assert isinstance(entry.value, bytearray)
    entry.value += b"def"
    assert entry.value == b"abcdef"


@both
@given(seen=st.integers(-1, 2**62))
def test_the_last_use_is_a_number(make: Make, seen: int) -> None:
    entry = make(b"k", b"v", 0)
    entry.seen = seen
    assert entry.seen == seen


@both
@given(deadlines_ms=st.lists(st.none() | st.integers(1, 2**63 - 1), max_size=5))
def test_a_deadline_comes_and_goes(make: Make, deadlines_ms: list[int | None]) -> None:
    entry = make(b"k", b"v", 0)
    for deadline_ms in deadlines_ms:
        entry.expires_at_ms = deadline_ms
        assert entry.expires_at_ms == deadline_ms


@both
def test_a_default_deadline_is_known_from_one_that_a_client_gave(make: Make) -> None:
    entry = make(b"k", b"v", 0)
    entry.expires_at_ms = DefaultDeadline(5)
    assert (entry.expires_at_ms, type(entry.expires_at_ms)) == (5, DefaultDeadline)
    entry.expires_at_ms = 5
    assert type(entry.expires_at_ms) is int


@both
@given(versions=st.lists(st.integers(0, 2**96 - 1), max_size=5))
def test_a_version_has_96_bits(make: Make, versions: list[int]) -> None:
    entry = make(b"k", b"v", 0)
    for version in versions:
        entry.version = version
        assert entry.version == version


@pytest.mark.parametrize("version", [-1, 2**96, 2**200])
def test_a_version_that_does_not_fit_is_refused(version: int) -> None:
    entry = Entry(b"k", b"v", 0)
    with pytest.raises(OverflowError):
        entry.version = version
    assert entry.version == 0


def test_what_few_entries_have_takes_memory_only_while_it_is_there() -> None:
    entry = Entry(b"k", b"v", 0)
    plain_bytes = sys.getsizeof(entry)
    entry.expires_at_ms, entry.version = 5, 7
    entry.bucket = Bucket(5)
    assert sys.getsizeof(entry) == plain_bytes + 32
    entry.expires_at_ms = entry.bucket = None
    entry.version = 0
    assert sys.getsizeof(entry) == plain_bytes


@pytest.mark.parametrize(
    ("value_bytes", "block_bytes"), [(0, 80), (8, 80), (32, 112), (200, 272), (400, 480)]
)
def test_a_key_and_a_small_value_take_one_block(value_bytes: int, block_bytes: int) -> None:
    before = sys.getallocatedblocks()
    entry = Entry(b"k" * 16, b"v" * value_bytes, 0)
    assert sys.getallocatedblocks() - before <= 2  # one, and perhaps the value that was made for it
    assert sys.getsizeof(entry) == block_bytes


def test_a_value_that_was_too_long_comes_back_when_it_is_short_again() -> None:
    entry = Entry(b"k" * 16, b"v" * 8, 0)
    long, short = b"v" * 100, b"w" * 8
    holders = sys.getrefcount(long), sys.getrefcount(short)
    entry.value = long
    assert sys.getrefcount(long) == holders[0] + 1
    entry.value = short
    assert (sys.getrefcount(long), sys.getrefcount(short)) == holders


@every_row(
    "mistake",
    [
        Entry,
        lambda: Entry(b"k", b"v"),  # type: ignore[call-arg]
        lambda: Entry("k", b"v", 0),  # type: ignore[arg-type]
        lambda: Entry(b"k", b"v", "now"),  # type: ignore[arg-type]
        lambda: Entry(b"k", b"v", now=0),  # type: ignore[call-arg]
        lambda: Entry.__new__(Entry),
        lambda: object.__new__(Entry),
        lambda: copy.copy(Entry(b"k", b"v", 0)),
        lambda: setattr(Entry(b"k", b"v", 0), "bucket", set()),
        lambda: setattr(Entry(b"k", b"v", 0), "seen", "now"),
        lambda: setattr(Entry(b"k", b"v", 0), "expires_at_ms", "soon"),
    ],
)
def test_no_entry_is_made_or_changed_by_mistake(mistake: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        mistake()


@both
def test_an_entry_can_be_made_by_names(make: Callable[..., Entry]) -> None:
    entry = make(now_ms=3, value=b"v", key=b"k")
    assert (entry.key, entry.value, entry.seen) == (b"k", b"v", 3)


@pytest.mark.parametrize("name", ["value", "key", "anything"])
def test_attributes_are_those_of_the_class(name: str) -> None:
    with pytest.raises(AttributeError):
        delattr(Entry(b"k", b"v", 0), name)


def _lead_a_life(number: int) -> None:
    entry = Entry(b"%d" % number, b"v" * (number % 600), number)
    entry.expires_at_ms = number + 1
    entry.bucket = Bucket(number)
    entry.value = bytearray(b"w" * number)
    entry.version = number << 40
    entry.value = None if number % 2 else b"w" * 300


def test_nothing_is_left_of_entries() -> None:
    _lead_a_life(1)
    before = sys.getallocatedblocks()
    for number in range(1000):
        _lead_a_life(number)
    assert sys.getallocatedblocks() - before < 20
