"""Each table has figures of its own, whatever tables come and go beside it."""

import pytest

from respcache._speedups import IS_COMPILED

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.entries import EntryRoster, EntryTable
from respcache._speedups.entry import Entry


def slack_of(table: EntryTable) -> int:
    return EntryRoster(table).slack_bytes


def filled(keys: int) -> EntryTable:
    table = EntryTable()
    for number in range(keys):
        table[b"%d" % number] = Entry(b"%d" % number, b"v" * 100 * number, 0)
    return table


def test_a_table_begins_and_ends_with_nothing() -> None:
    table = filled(5)
    assert slack_of(table) > 0
    table.clear()
    assert slack_of(table) == slack_of(EntryTable()) == 0


def test_tables_do_not_share_figures() -> None:
    tables = [filled(number % 50) for number in range(300)]
    slacks = [slack_of(table) for table in tables]
    del tables[::2]
    more = [filled(7) for _ in range(400)]
    assert [slack_of(table) for table in tables] == slacks[1::2]
    assert {slack_of(table) for table in more} == {slacks[7]}


def test_an_entry_that_has_left_its_table_changes_no_figures() -> None:
    table = filled(5)
    entry = table.pop(b"3")
    before = slack_of(table)
    entry.value = b"w" * 1000
    assert slack_of(table) == before


def test_an_entry_that_outlives_its_table_stands_in_none() -> None:
    entry = filled(5)[b"3"]
    other = EntryTable()
    entry.value = None
    assert slack_of(other) == 0
    entry.value = b"v"
    other[b"3"] = entry
    assert slack_of(other) == entry.slack_bytes
