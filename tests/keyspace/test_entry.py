import pytest

from respcache.keyspace.entry import Bucket, Entry, Value, size_of
from respcache.keyspace.hashes import HASH_BYTES, Hash


@pytest.mark.parametrize(
    ("value", "size_bytes"), [(None, 0), (b"abc", 3), (bytearray(b"ab"), 2), (Hash(), HASH_BYTES)]
)
def test_every_value_has_a_size(value: Value | None, size_bytes: int) -> None:
    assert size_of(value) == size_bytes


def test_an_entry_has_no_dictionary_of_its_own() -> None:
    assert not hasattr(Entry(b"k", b"v", 0), "__dict__")


def test_a_new_entry_was_just_seen_and_lives_for_ever() -> None:
    entry = Entry(b"k", b"v", 17)
    assert (entry.seen, entry.expires_at_ms, entry.bucket) == (17, None, None)


def test_a_bucket_can_stand_in_a_set_though_it_is_one() -> None:
    assert len({Bucket(1), Bucket(1)}) == 2
