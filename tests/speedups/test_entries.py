"""The compiled table is a dictionary, and a roster that keeps SCAN's promise."""

import random
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respcache._speedups import IS_COMPILED
from tests.thoroughness import examples

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.entries import EntryRoster, EntryTable
from respcache._speedups.entry import Entry

KEYS = st.binary(max_size=3)


def entry_of(key: bytes) -> Entry:
    return Entry(key, b"v", 0)


def filled(keys: int) -> EntryTable:
    table = EntryTable()
    for number in range(keys):
        table[b"%d" % number] = entry_of(b"%d" % number)
    return table


class Tables(RuleBasedStateMachine):
    """A table and a dictionary that are told the same, and a walk that goes on all the while."""

    @initialize(keys=st.sampled_from([0, 1, 12, 200, 3000]))
    def begin(self, keys: int) -> None:
        self.table = filled(keys)
        self.roster = EntryRoster(self.table)
        self.model = dict(self.table.items())
        self.cursor = 0
        self.met: set[bytes] = set()
        self.stayed: set[bytes] = set(self.model)

    @rule(key=KEYS)
    def put(self, key: bytes) -> None:
        entry = entry_of(key)
        self.table[key] = self.model[key] = entry
        self.roster.add(entry)

    @rule(key=KEYS, default=st.integers())
    def pop(self, key: bytes, default: int) -> None:
        assert self.table.pop(key, default) is self.model.pop(key, default)
        self.roster.note_removed()
        self.stayed.discard(key)

    @rule(key=KEYS, value=st.none() | st.integers(0, 600).map(bytes) | st.just(bytearray(9)))
    def change(self, key: bytes, value: bytes | bytearray | None) -> None:
        entry = self.table.get(key)
        if entry is not None:
            entry.value = value

    @rule(count=st.integers(1, 600), seed=st.integers())
    def remove_many(self, count: int, seed: int) -> None:
        keys = random.Random(seed).sample(sorted(self.model), min(count, len(self.model)))
        for key in keys:
            del self.table[key], self.model[key]
        self.stayed.difference_update(keys)

    @rule(count=st.integers(1, 600), seed=st.integers(0, 10**6))
    def add_many(self, count: int, seed: int) -> None:
        for number in range(seed, seed + count):
            self.put(b"%d" % number)

    @rule()
    def clear(self) -> None:
        self.table.clear()
        self.model.clear()
        self.stayed.clear()

    @rule(count=st.integers(1, 50))
    def walk(self, count: int) -> None:
        self.cursor, entries = self.roster.walk(self.cursor, count)
        self.met.update(entry.key for entry in entries)
        if self.cursor == 0:
            assert self.stayed <= self.met
            self.met, self.stayed = set(), set(self.model)

    @rule(key=KEYS)
    def look(self, key: bytes) -> None:
        assert self.table.get(key) is self.model.get(key)
        assert (key in self.table) == (key in self.model)
        if key in self.model:
            assert self.table[key] is self.model[key]

    @invariant()
    def all_agree(self) -> None:
        assert len(self.table) == len(self.model) == len(self.roster.items)
        assert bool(self.table) == bool(self.model)
        assert self.table == self.model
        assert set(self.table.values()) == set(self.model.values())
        assert self.roster.slack_bytes == sum(entry.slack_bytes for entry in self.model.values())


Tables.TestCase.settings = settings(Tables.TestCase.settings, max_examples=examples(50, 300))
test_a_table_is_a_dictionary_and_a_roster = Tables.TestCase


def test_a_key_that_is_missing_is_an_error_as_in_a_dictionary() -> None:
    table = EntryTable()
    with pytest.raises(KeyError):
        table[b"k"]
    with pytest.raises(KeyError):
        del table[b"k"]
    with pytest.raises(KeyError):
        table.pop(b"k")
    assert table.pop(b"k", None) is None


def test_an_entry_stands_under_its_own_key_only() -> None:
    with pytest.raises(ValueError, match="own key"):
        EntryTable()[b"k"] = entry_of(b"l")


@pytest.mark.parametrize("key", [None, "k", 1, bytearray(b"k")])
def test_keys_are_bytes(key: object) -> None:
    table = filled(3)
    with pytest.raises(TypeError):
        table.get(key)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        table[key] = entry_of(b"k")  # type: ignore[index]


def test_another_entry_takes_the_place_of_one_with_its_key() -> None:
    table = filled(3)
    other = entry_of(b"1")
    table[b"1"] = other
    assert [entry.key for entry in table.values()] == [b"0", b"1", b"2"]
    assert table[b"1"] is other


@given(size=st.integers(0, 3000), count=st.integers(1, 700))
def test_an_undisturbed_walk_meets_everybody_once(size: int, count: int) -> None:
    roster, met, cursor = EntryRoster(filled(size)), Counter[bytes](), -1
    while cursor:
        cursor, entries = roster.walk(max(cursor, 0), count)
        met.update(entry.key for entry in entries)
    assert met == Counter(b"%d" % number for number in range(size))


def test_each_is_drawn_as_often_as_any_other() -> None:
    roster, chance = EntryRoster(filled(10)), random.Random(5)
    drawn = Counter(entry.key for _ in range(10_000) if (entry := roster.draw(chance)))
    assert min(drawn.values()) > 800
    assert EntryRoster(EntryTable()).draw(chance) is None


def test_an_entry_stands_in_one_table_only() -> None:
    table, other = filled(3), filled(3)
    with pytest.raises(ValueError, match="one table"):
        other[b"1"] = table[b"1"]
    entry = table.pop(b"1")
    other[b"1"] = entry
    assert (len(table), other[b"1"]) == (2, entry)


def test_a_table_owns_its_entries_once() -> None:
    table, entry = EntryTable(), entry_of(b"k")
    alone = sys.getrefcount(entry)
    table[b"k"] = entry
    table[b"k"] = entry
    assert sys.getrefcount(entry) == alone + 1
    assert table.pop(b"k") is entry
    assert sys.getrefcount(entry) == alone


def _lead_a_life() -> None:
    table = filled(100)
    for number in range(0, 100, 3):
        del table[b"%d" % number]
    for view in (table.keys(), table.values(), table.items()):
        assert len(list(view)) == len(view)
    EntryRoster(table).walk(0, 50)
    assert table != {}


def test_nothing_is_left_of_tables() -> None:
    _lead_a_life()
    before = sys.getallocatedblocks()
    for _ in range(500):
        _lead_a_life()
    assert sys.getallocatedblocks() - before < 250  # Python keeps some freed objects at hand
