"""What both compiled tables promise: to be like a dictionary to whoever goes over them, and like a roster to whoever walks."""

from collections.abc import Callable

import pytest

from respcache._speedups import IS_COMPILED

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.entries import EntryRoster, EntryTable
from respcache._speedups.entry import Entry
from respcache._speedups.fields import FieldTable

Thing = bytes | Entry
Table = EntryTable | FieldTable


def names_of(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def entries(count: int) -> EntryTable:
    table = EntryTable()
    for name in names_of(count):
        table[name] = Entry(name, b"v", 0)
    return table


def fields(count: int) -> FieldTable:
    table = FieldTable()
    for name in names_of(count):
        table[name] = b"v"
    return table


def walk(table: Table, cursor: int, count: int) -> tuple[int, list[bytes]]:
    """Walk on; return the names."""
    if isinstance(table, FieldTable):
        return table.walk(cursor, count)
    cursor, met = EntryRoster(table).walk(cursor, count)
    return cursor, [entry.key for entry in met]


both = pytest.mark.parametrize("filled", [entries, fields])
Filled = Callable[[int], Table]


@both
def test_it_is_gone_over_in_order_by_names_by_values_and_by_both(filled: Filled) -> None:
    table = filled(3000)
    assert list(table) == list(table.keys()) == names_of(3000)
    assert list(zip(table.keys(), table.values(), strict=True)) == list(table.items())
    assert len(table) == len(table.keys()) == len(table.values()) == len(table.items()) == 3000
    assert b"2999" in table.keys()  # noqa: SIM118  # the view is meant
    assert b"3000" not in table.keys()  # noqa: SIM118
    assert next(iter(table.items())) in table.items()


@both
def test_it_equals_whatever_has_the_same_items(filled: Filled) -> None:
    table = filled(20)
    assert table == dict(table.items())
    assert table != dict(list(table.items())[1:])
    assert table != 1
    with pytest.raises(TypeError):
        hash(table)


@both
@pytest.mark.parametrize("look", ["keys", "values", "items"])
def test_a_length_that_changes_ends_an_iteration(filled: Filled, look: str) -> None:
    table = filled(100)
    rest = iter(getattr(table, look)())
    next(rest)
    del table[b"7"]
    with pytest.raises(RuntimeError, match="changed its length"):
        next(rest)
    rest = iter(getattr(table, look)())
    next(rest)
    table.clear()
    with pytest.raises(RuntimeError, match="changed its length"):
        next(rest)


@both
def test_views_and_iterators_outlive_the_name_of_what_they_look_at(filled: Filled) -> None:
    table = filled(2000)
    names, values = iter(table), table.values()
    del table
    assert len(list(names)) == len(list(values)) == 2000


@both
def test_a_cursor_and_a_count_may_be_any_number(filled: Filled) -> None:
    table = filled(10)
    assert walk(table, 10**30, 3) == (7, [b"7", b"8", b"9"])
    assert walk(table, 0, 10**30) == (0, names_of(10))
    assert walk(filled(0), 0, 10) == (0, [])
