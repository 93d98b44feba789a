"""What the array and the index of a table take, through growth and decline. That they find what is there is tested with it."""

import sys

import pytest

from respcache._speedups import IS_COMPILED

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.entries import EntryTable
from respcache._speedups.entry import Entry


def add(table: EntryTable, keys: range) -> None:
    for number in keys:
        table[b"%d" % number] = Entry(b"%d" % number, b"v", 0)


def test_a_key_takes_less_than_twenty_bytes_of_a_large_table_at_any_size() -> None:
    table = EntryTable()
    for size in range(10_000, 60_000, 5_000):
        add(table, range(len(table), size))
        assert 13 < sys.getsizeof(table) / size < 20


def test_an_empty_table_takes_next_to_nothing() -> None:
    assert sys.getsizeof(EntryTable()) < 200


def test_memory_is_given_back_when_keys_go() -> None:
    table = EntryTable()
    add(table, range(50_000))
    for number in range(49_000):
        del table[b"%d" % number]
    assert sys.getsizeof(table) < 60_000
    for number in range(49_000, 50_000):
        del table[b"%d" % number]
    assert sys.getsizeof(table) < 200


def test_a_table_can_be_filled_again_after_it_was_emptied() -> None:
    table = EntryTable()
    for _ in range(3):
        add(table, range(20_000))
        table.clear()
    add(table, range(5_000))
    assert all(b"%d" % number in table for number in range(5_000))


def test_keys_that_differ_in_length_or_in_one_byte_are_apart() -> None:
    table = EntryTable()
    keys = [b"k" * length for length in range(300)] + [bytes([byte]) * 40 for byte in range(256)]
    for key in keys:
        table[key] = Entry(key, key, 0)
    assert all(table[key].value == key for key in keys)
