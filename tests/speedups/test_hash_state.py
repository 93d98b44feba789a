from typing import Any

import pytest

from respcache._speedups import IS_COMPILED, HashState, offer_hash_class
from respcache.keyspace.hashes import FIELD_BYTES, HASH_BYTES, Hash, HashLimits
from respcache.keyspace.roster import FieldRoster

compiled_only = pytest.mark.skipif(not IS_COMPILED, reason="plain hashes have dictionaries only")


def filled(fields: int) -> Hash:
    made = Hash()
    for number in range(fields):
        made.set(b"%d" % number, b"v")
    return made


def test_a_hash_keeps_its_attributes_where_compiled_code_finds_them() -> None:
    assert issubclass(Hash, HashState)
    assert not hasattr(Hash(), "__dict__")
    assert Hash().fields == {}


def test_only_what_derives_from_it_can_be_a_hash() -> None:
    if HashState.__module__.endswith("plain"):
        pytest.skip("plain code knows what a hash is")
    with pytest.raises(TypeError):
        offer_hash_class(int, 8, FieldRoster)  # type: ignore[arg-type]


def test_a_compact_hash_keeps_its_order_whatever_its_size() -> None:
    made = filled(5000)
    made.delete(b"7")
    made.set(b"7", b"again")
    assert isinstance(made.fields, dict)
    assert list(made.fields) == [b"%d" % number for number in range(5000) if number != 7] + [b"7"]


@compiled_only
@pytest.mark.parametrize("fields", [1, 512])
def test_a_hash_of_few_fields_has_a_dictionary_until_it_has_many(fields: int) -> None:
    made = filled(fields)
    made.outgrow(HashLimits(), (b"x" * 65,))
    assert not made.is_compact
    assert isinstance(made.fields, dict)
    for number in range(1000):
        made.set(b"%d" % number, b"v")
    assert not isinstance(made.fields, dict)
    assert made.fields == filled(1000).fields


@compiled_only
def test_a_hash_that_outgrows_its_compact_form_has_a_table_of_the_same_fields_and_counts_it_right() -> None:
    made = filled(513)
    assert made.size_bytes == HASH_BYTES + 513 * (FIELD_BYTES + 1) + sum(len(field) for field in made.fields)
    made.scan(0, 10)
    made.outgrow(HashLimits(), ())
    table: Any = made.fields
    assert table == filled(513).fields
    assert list(table) == list(filled(513).fields)
    assert made.size_bytes == HASH_BYTES + table.held_bytes
    made.set(b"new", b"x" * 1000)
    made.set(b"1", b"x" * 100)
    made.delete(b"2")
    assert made.size_bytes == HASH_BYTES + table.held_bytes


@compiled_only
def test_a_table_is_its_own_roster_also_where_there_was_another() -> None:
    made = filled(600)
    assert made.roster.walk(0, 1)[1] == [b"599"]
    made.is_compact = False
    roster: object = made.roster
    assert roster is made.fields
    made.delete(b"599")
    assert made.roster.walk(0, 1)[1] == [b"598"]


@compiled_only
def test_a_copy_of_a_large_hash_is_alike_and_apart() -> None:
    made = filled(600)
    made.is_compact = False
    made.set(b"5", b"x" * 300)
    made.set(b"5", b"short")
    twin = made.copy()
    assert (twin.fields, twin.size_bytes, twin.encoding) == (made.fields, made.size_bytes, "hashtable")
    twin.set(b"new", b"v")
    assert b"new" not in made.fields
    assert twin.size_bytes > made.size_bytes


def test_a_walk_that_has_begun_in_a_dictionary_meets_all_fields_that_stay() -> None:
    made = filled(400)
    made.is_compact = False
    made.scan(0, 1)
    made.delete(b"0")
    made.set(b"0", b"again")  # the last of the dictionary, and the first of the roster still
    cursor, met = made.scan(0, 200)
    stayed = set(made.fields)
    for number in range(400, 1000):
        made.set(b"%d" % number, b"v")
    while cursor:
        cursor, more = made.scan(cursor, 200)
        met += more
    assert stayed <= set(met)
