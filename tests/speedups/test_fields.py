"""The fields of a large hash are a dictionary, and a roster that keeps HSCAN's promise."""

import gc
import random
import sys
from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respcache._speedups import IS_COMPILED
from tests.thoroughness import examples

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.fields import FieldTable

NAMES = st.binary(max_size=3) | st.sampled_from([b"n" * 450, b"n" * 520])
VALUES = st.binary(max_size=20) | st.integers(0, 700).map(bytes) | st.just(b"x" * 40_000)


def filled(fields: int, value: bytes = b"v") -> FieldTable:
    table = FieldTable()
    for number in range(fields):
        table[b"%d" % number] = value
    return table


class Tables(RuleBasedStateMachine):
    """A table and a dictionary that are told the same, and a walk that goes on all the while."""

    @initialize(fields=st.sampled_from([0, 1, 12, 200, 1000]))
    def begin(self, fields: int) -> None:
        self.table = filled(fields)
        self.model = dict(self.table.items())
        self.cursor = 0
        self.met: set[bytes] = set()
        self.stayed: set[bytes] = set(self.model)

    @rule(name=NAMES, value=VALUES)
    def put(self, name: bytes, value: bytes) -> None:
        self.table[name] = self.model[name] = value

    @rule(name=NAMES, default=st.none() | VALUES)
    def pop(self, name: bytes, default: bytes | None) -> None:
        assert self.table.pop(name, default) == self.model.pop(name, default)
        self.stayed.discard(name)

    @rule(count=st.integers(1, 600), seed=st.integers())
    def remove_many(self, count: int, seed: int) -> None:
        names = random.Random(seed).sample(sorted(self.model), min(count, len(self.model)))
        for name in names:
            del self.table[name], self.model[name]
        self.stayed.difference_update(names)

    @rule(count=st.integers(1, 600), seed=st.integers(0, 10**6), value=VALUES)
    def add_many(self, count: int, seed: int, value: bytes) -> None:
        for number in range(seed, seed + count):
            self.put(b"%d" % number, value)

    @rule()
    def clear(self) -> None:
        self.table.clear()
        self.model.clear()
        self.stayed.clear()

    @rule(change=st.booleans())
    def go_on_with_a_copy(self, change: bool) -> None:
        copy = self.table.copy()
        if change:
            self.table[b"another"] = b"v"
        self.table = copy

    @rule(count=st.integers(1, 50))
    def walk(self, count: int) -> None:
        self.cursor, names = self.table.walk(self.cursor, count)
        self.met.update(names)
        if self.cursor == 0:
            assert self.stayed <= self.met
            self.met, self.stayed = set(), set(self.model)

    @rule(seed=st.integers())
    def draw(self, seed: int) -> None:
        if self.model:
            assert self.table.draw(random.Random(seed)) in self.model

    @rule(name=NAMES)
    def look(self, name: bytes) -> None:
        assert self.table.get(name) == self.model.get(name)
        assert (name in self.table) == (name in self.model)
        if name in self.model:
            assert self.table[name] == self.model[name]

    @invariant()
    def all_agree(self) -> None:
        assert len(self.table) == len(self.model)
        assert bool(self.table) == bool(self.model)
        assert self.table == self.model
        names = list(self.table)
        assert len(names) == len(self.model), "each is met once"
        assert dict(zip(names, self.table.values(), strict=True)) == self.model
        assert self.table.held_bytes == self.table.copy().held_bytes, "as counted anew"


Tables.TestCase.settings = settings(Tables.TestCase.settings, max_examples=examples(50, 300))
test_a_table_is_a_dictionary_and_a_roster = Tables.TestCase


def test_a_field_that_is_missing_is_an_error_as_in_a_dictionary() -> None:
    table = FieldTable()
    for look in (table.__getitem__, table.__delitem__, table.pop):
        with pytest.raises(KeyError, match="none"):
            look(b"none")
    assert table.get(b"none", b"other") == b"other"


def test_fields_and_values_are_bytes() -> None:
    table = FieldTable()
    for name, value in (("f", b"v"), (None, b"v"), (b"f", "v"), (b"f", None), (b"f", bytearray(b"v"))):
        with pytest.raises(TypeError):
            table[name] = value  # type: ignore[index,assignment]
    assert table == {}


def test_it_passes_for_a_mapping() -> None:
    table = filled(20)
    assert isinstance(table, Mapping)
    assert dict(table) == dict(table.items()) == {b"%d" % number: b"v" for number in range(20)}
    assert (b"1", b"v") in table.items()
    assert b"20" not in table.keys()  # noqa: SIM118  # the view is meant
    assert len(table.values()) == 20
    assert {b"%d" % number: b"v" for number in range(20)} == table
    assert table != {b"1": b"v"}
    assert table != 1


def test_a_number_of_fields_that_changes_ends_an_iteration() -> None:
    table = filled(3)
    names, items, values = iter(table), iter(table.items()), iter(table.values())
    assert next(items) == (b"0", b"v")
    table[b"0"] = b"another"
    assert next(items) == (b"1", b"v")
    del table[b"0"]
    for one in (names, items, values):
        with pytest.raises(RuntimeError):
            next(one)


@given(
    st.integers(0, 60), st.lists(st.lists(st.integers(0, 80), max_size=40), max_size=20), st.integers(1, 20)
)
def test_a_walk_meets_all_fields_that_stay(size: int, turns: list[list[int]], count: int) -> None:
    table = filled(size)
    stayed, met = set(table), set()
    cursor, rest = -1, iter(turns)
    while cursor:
        cursor, names = table.walk(max(cursor, 0), count)
        met.update(names)
        for number in next(rest, []):
            if table.pop(b"%d" % number, None) is None:
                table[b"%d" % number] = b"v"
            stayed &= set(table)
    assert stayed <= met


def test_each_field_is_drawn_as_often_as_any_other() -> None:
    table, chance = filled(3), random.Random(1)
    for _ in range(100):
        del table[b"0"]
        table[b"0"] = b"v"
    drawn = Counter(table.draw(chance) for _ in range(9000))
    assert all(2800 < drawn[b"%d" % number] < 3200 for number in range(3))


def test_nothing_is_drawn_where_there_is_nothing() -> None:
    with pytest.raises(IndexError):
        FieldTable().draw(random.Random(1))


def test_a_long_value_stays_the_object_that_it_was() -> None:
    table, value = FieldTable(), b"x" * 600
    table[b"f"] = value
    assert table[b"f"] is value
    assert table.copy()[b"f"] is value


def churn(rounds: int) -> None:
    table = FieldTable()
    for number in range(rounds):
        table[b"%d" % (number % 700)] = bytes(number * 7 % 900)
        table.get(b"%d" % (number % 800))
        table.pop(b"%d" % (number * 3 % 700), None)
    copy = table.copy()
    list(copy.items())
    copy.walk(0, 100)
    table.clear()


def test_every_block_and_object_is_given_back() -> None:
    churn(20_000)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(4):
        churn(20_000)
    gc.collect()
    assert sys.getallocatedblocks() - before < 500, "one for each field of one copy would be more"


@pytest.mark.parametrize("value_bytes", [3, 32, 200, 500, 5000])
def test_the_count_says_what_the_fields_take(value_bytes: int) -> None:
    table = FieldTable()
    for number in range(20_000):
        table[b"field:%014d" % number] = bytes(value_bytes)
    assert 0.97 < table.held_bytes / sys.getsizeof(table) < 1.03


def test_the_count_is_right_after_values_have_grown_and_shrunk() -> None:
    table = filled(2000)
    before = table.held_bytes
    for value in (b"x" * 100, b"x" * 5000, b"x" * 8):
        for name in list(table):
            table[name] = value
    assert table.held_bytes == before
    assert table.held_bytes == table.copy().held_bytes
    for name in list(table):
        del table[name]
    assert table.held_bytes == 0
