import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.keyspace.hashes import FIELD_BYTES, HASH_BYTES, Hash, HashLimits

WORDS = st.binary(max_size=6)
SMALL = HashLimits(max_entries=2, max_value_bytes=4)


def filled(*fields: bytes) -> Hash:
    made = Hash()
    for field in fields:
        made.set(field, b"v")
    return made


def test_setting_says_whether_the_field_is_new() -> None:
    hash_ = Hash()
    assert hash_.set(b"f", b"1")
    assert not hash_.set(b"f", b"2")
    assert hash_.fields == {b"f": b"2"}


def test_deleting_says_whether_the_field_was_there() -> None:
    hash_ = filled(b"f")
    assert hash_.delete(b"f")
    assert not hash_.delete(b"f")
    assert len(hash_) == 0


@given(st.lists(st.one_of(st.tuples(WORDS, WORDS), WORDS)))
def test_the_size_is_that_of_the_fields_that_are_there(changes: list[tuple[bytes, bytes] | bytes]) -> None:
    hash_ = Hash()
    for change in changes:
        if isinstance(change, tuple):
            hash_.set(*change)
        else:
            hash_.delete(change)
    words = sum(len(field) + len(value) for field, value in hash_.fields.items())
    assert hash_.size_bytes == HASH_BYTES + len(hash_) * FIELD_BYTES + words


@pytest.mark.parametrize(
    ("fields", "words", "encoding"),
    [
        ((b"a", b"b"), (b"b", b"1234"), "listpack"),
        ((b"a", b"b", b"c"), (b"c", b"1"), "hashtable"),
        ((b"a",), (b"a", b"12345"), "hashtable"),
        ((b"a",), (b"12345", b"a"), "hashtable"),
    ],
)
def test_a_hash_is_compact_up_to_its_limits(
    fields: tuple[bytes, ...], words: tuple[bytes, ...], encoding: str
) -> None:
    hash_ = filled(*fields)
    hash_.outgrow(SMALL, words)
    assert hash_.encoding == encoding


def test_a_hash_that_shrinks_does_not_become_compact_again() -> None:
    hash_ = filled(b"a", b"b", b"c")
    hash_.outgrow(SMALL, (b"c",))
    hash_.delete(b"c")
    hash_.outgrow(SMALL, (b"a",))
    assert hash_.encoding == "hashtable"


def test_a_compact_hash_is_scanned_in_one_go_and_in_order() -> None:
    assert filled(b"c", b"a", b"b").scan(0, 1) == (0, [b"c", b"a", b"b"])


def test_a_large_hash_is_scanned_bit_by_bit() -> None:
    hash_ = filled(*[b"%d" % number for number in range(100)])
    hash_.is_compact = False
    cursor, met = hash_.scan(0, 30)
    while cursor:
        cursor, more = hash_.scan(cursor, 30)
        met += more
    assert sorted(met) == sorted(hash_.fields)


def test_the_roster_follows_later_changes() -> None:
    hash_ = filled(b"a", b"b")
    hash_.is_compact = False
    assert set(hash_.scan(0, 10)[1]) == {b"a", b"b"}
    hash_.delete(b"a")
    hash_.set(b"c", b"v")
    assert set(hash_.scan(0, 10)[1]) == {b"b", b"c"}


def test_a_copy_is_alike_and_apart() -> None:
    hash_ = filled(b"a")
    hash_.is_compact = False
    twin = hash_.copy()
    twin.set(b"b", b"v")
    assert (twin.encoding, len(twin), list(hash_.fields)) == ("hashtable", 2, [b"a"])
    assert hash_.size_bytes < twin.size_bytes
