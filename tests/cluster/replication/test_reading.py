"""What a peer can do with words: nothing but break off."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.cluster.bus.frames import BrokenFrameError
from respcache.cluster.replication.reading import (
    MOST_DEADLINE_MS,
    WORDS,
    check_deadline,
    check_head,
    check_version,
    check_words,
    read_value,
)
from respcache.cluster.replication.records import FLUSHED, HASH, OFFER, REMOVED, STRING
from respcache.keyspace.hashes import Hash
from respcache.keyspace.slots import key_partition
from tests.cluster.replication.nodes import PLACES, Node

WORD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=3), st.binary(max_size=3),
    st.sampled_from([b"a", b"b", 0, 1, 1 << 40]),
    st.lists(st.one_of(st.binary(max_size=2), st.integers(), st.lists(st.none())), max_size=4),
    st.dictionaries(st.integers(), st.none(), max_size=2),
)  # fmt: skip
RECORDS = st.one_of(
    st.lists(WORD, max_size=13),
    st.builds(
        lambda kind, place, words: [kind, place, 0, *words],
        st.sampled_from(list(WORDS)), st.sampled_from(PLACES), st.lists(WORD, min_size=2, max_size=9),
    ),
)  # fmt: skip


@given(st.lists(RECORDS, max_size=5), st.booleans())
def test_whatever_comes_nothing_but_a_broken_frame_comes_of_it(
    records: list[list[Any]], is_served: bool
) -> None:
    node = Node(serves=PLACES if is_served else ())
    for record in records:
        for act in (node.holdings.apply, node.holdings.merge):
            try:
                act(PLACES[0], record)
            except BrokenFrameError:
                pass
    list(node.holdings.records(PLACES[0]))
    node.holdings.content_digest(PLACES[0])


@pytest.mark.parametrize(
    "record", [[], [99], [STRING], [True, 0, 0, 0, 0], [b"x"], [[]], [OFFER + FLUSHED, 0, 0, 1, 1]]
)
def test_a_record_has_a_kind_and_its_words(record: list[Any]) -> None:
    with pytest.raises(BrokenFrameError):
        check_head(PLACES[0], record, 16)
    assert check_head(PLACES[0], [FLUSHED, 0, 0, 1, 1], 16) == FLUSHED


@pytest.mark.parametrize(
    ("clock", "tag"), [(0, 1), (-1, 1), (1 << 63, 1), (1, 1 << 32), (1, -1), (1.0, 1), (1, None)]
)
def test_a_version_is_two_numbers(clock: Any, tag: Any) -> None:
    with pytest.raises(BrokenFrameError):
        check_version(clock, tag)
    assert check_version(7, 9) == 7 << 32 | 9


@pytest.mark.parametrize("db", [16, -1, True, b"0", None])
def test_there_are_as_many_databases_as_there_are(db: Any) -> None:
    assert check_head(0, [FLUSHED, 0, 15, 1, 1], 16) == FLUSHED
    with pytest.raises(BrokenFrameError):
        check_head(0, [FLUSHED, 0, db, 1, 1], 16)


@pytest.mark.parametrize("key", [b"b", "a", None, [b"a"]])
def test_a_key_is_of_its_partition(key: Any) -> None:
    assert check_head(key_partition(b"a"), [REMOVED, 0, 0, b"a", 1, 1], 16) == REMOVED
    with pytest.raises(BrokenFrameError):
        check_head(key_partition(b"a"), [REMOVED, 0, 0, key, 1, 1], 16)


def test_a_deadline_is_a_number_that_fits() -> None:
    for deadline in (-5, 2**63 - 1, -(2**63) + 1):  # SET takes whatever is an integer to Redis
        check_deadline(deadline)
    for odd in (MOST_DEADLINE_MS, -MOST_DEADLINE_MS, 1.5, None):
        with pytest.raises(BrokenFrameError):
            check_deadline(odd)


def test_words_are_bytes() -> None:
    check_words([b"a", b"b"])
    for words in ([b"a", "b"], b"ab", {b"a": b"b"}):
        with pytest.raises(BrokenFrameError):
            check_words(words)


def test_values_are_what_they_were() -> None:
    assert read_value(STRING, b"v", False) == b"v"
    raw = read_value(STRING, b"v", True)
    assert isinstance(raw, bytearray)
    fields = read_value(HASH, [b"f", b"1", b"g", b"22"], False)
    assert isinstance(fields, Hash)
    assert (fields.fields, fields.is_compact) == ({b"f": b"1", b"g": b"22"}, False)


@pytest.mark.parametrize("words", [[], [b"f"], [b"f", 1], b"fv"])
def test_a_hash_has_a_value_for_each_field_and_at_least_one(words: Any) -> None:
    with pytest.raises(BrokenFrameError):
        read_value(HASH, words, True)
