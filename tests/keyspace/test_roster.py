"""The promise of SCAN: whatever comes and goes meanwhile, a walk meets everything that stays."""

import random
from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from respcache.keyspace.roster import FieldRoster, Roster


class Thing:
    """An item of a roster."""

    def __init__(self, name: int) -> None:
        self.name = name
        self.value: object = "alive"


class Crowd:
    """A roster and those who live in it."""

    def __init__(self, size: int = 0) -> None:
        self.roster: Roster[Thing] = Roster()
        self.living: dict[int, Thing] = {}
        self.born = 0
        for _ in range(size):
            self.add()

    def add(self) -> None:
        self.living[self.born] = thing = Thing(self.born)
        self.born += 1
        self.roster.add(thing)

    def remove(self, name: int) -> None:
        self.living.pop(name).value = None
        self.roster.note_removed()

    def remove_any(self, choice: int) -> None:
        if self.living:
            self.remove(list(self.living)[choice % len(self.living)])

    def walk(self, count: int, between: Callable[[], None] = lambda: None) -> list[int]:
        met: list[int] = []
        cursor = -1
        while cursor:
            cursor, things = self.roster.walk(max(cursor, 0), count)
            met += [thing.name for thing in things]
            between()
        return met


# Positive: so many are added. Negative: so many are removed, each chosen by a number.
TURNS = st.lists(st.tuples(st.integers(-30, 20), st.integers(0, 1000)), max_size=30)


@given(size=st.integers(0, 200), turns=TURNS, count=st.integers(1, 40))
def test_a_walk_meets_all_who_stay_whatever_comes_and_goes(
    size: int, turns: list[tuple[int, int]], count: int
) -> None:
    crowd = Crowd(size)
    stayed = set(crowd.living)
    rest = iter(turns)

    def between() -> None:
        change, choice = next(rest, (0, 0))
        for number in range(abs(change)):
            crowd.add() if change > 0 else crowd.remove_any(choice * (number + 1))
        stayed.intersection_update(crowd.living)

    assert stayed <= set(crowd.walk(count, between))


@given(size=st.integers(0, 100), count=st.integers(1, 30))
def test_an_undisturbed_walk_meets_everybody_once(size: int, count: int) -> None:
    assert Counter(Crowd(size).walk(count)) == Counter(range(size))


def test_a_cursor_from_a_larger_past_starts_at_the_end() -> None:
    crowd = Crowd(5)
    _, things = crowd.roster.walk(10**30, 3)
    assert [thing.name for thing in things] == [2, 3, 4]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10_000)), max_size=400), st.integers(0, 300))
def test_the_dead_never_outnumber_the_living_by_much(turns: list[tuple[bool, int]], size: int) -> None:
    crowd = Crowd(size)
    for is_birth, choice in turns:
        crowd.add() if is_birth else crowd.remove_any(choice)
        assert len(crowd.roster.items) <= 2 * len(crowd.living) + 4


def test_removing_just_behind_the_sweep_leaves_no_heap_of_the_dead() -> None:
    crowd = Crowd(10_000)
    while len(crowd.living) > 100:
        behind = (crowd.roster._hand - 1) % len(crowd.roster.items)
        thing = crowd.roster.items[behind]
        crowd.remove(thing.name if thing.value is not None else next(iter(crowd.living)))
        assert len(crowd.roster.items) <= 2 * len(crowd.living)


def test_every_survivor_is_drawn_as_often_as_the_others() -> None:
    crowd, chance = Crowd(300), random.Random(1)
    for name in range(0, 300, 2):
        crowd.remove(name)
    drawn = Counter(thing.name for _ in range(15_000) if (thing := crowd.roster.draw(chance)))
    assert set(drawn) == set(crowd.living)
    assert max(drawn.values()) < 2 * min(drawn.values()) + 50


def test_nobody_is_drawn_from_an_empty_roster() -> None:
    crowd = Crowd(3)
    for name in range(3):
        crowd.remove(name)
    assert crowd.roster.draw(random.Random(1)) is None


class Fields:
    """A dictionary with a field roster beside it."""

    def __init__(self, size: int) -> None:
        self.members = dict.fromkeys([b"%d" % number for number in range(size)])
        self.roster = FieldRoster(self.members)

    def flip(self, number: int) -> None:
        """Add the field, or remove it if it is there."""
        name = b"%d" % number
        if name in self.members:
            del self.members[name]
            self.roster.note_removed(name)
        else:
            self.members[name] = None
            self.roster.add(name)


@given(
    st.integers(0, 60), st.lists(st.lists(st.integers(0, 80), max_size=40), max_size=20), st.integers(1, 20)
)
def test_a_walk_meets_all_fields_that_stay(size: int, turns: list[list[int]], count: int) -> None:
    fields = Fields(size)
    stayed, met = set(fields.members), set()
    cursor, rest = -1, iter(turns)
    while cursor:
        cursor, names = fields.roster.walk(max(cursor, 0), count)
        met.update(names)
        for number in next(rest, []):
            fields.flip(number)
            stayed &= set(fields.members)
    assert stayed <= met


@given(st.lists(st.integers(0, 30), max_size=300))
def test_no_field_is_listed_twice(flips: list[int]) -> None:
    fields = Fields(10)
    for number in flips:
        fields.flip(number)
    _, names = fields.roster.walk(0, 1000)
    assert sorted(names) == sorted(fields.members)


def test_a_field_that_comes_and_goes_is_drawn_no_more_often() -> None:
    fields, chance = Fields(2), random.Random(1)
    for _ in range(100):
        fields.flip(0)
    drawn = Counter(fields.roster.draw(chance) for _ in range(1000))
    assert 400 < drawn[b"0"] < 600


def test_a_hash_that_shrinks_does_not_keep_its_dead_fields() -> None:
    fields = Fields(1000)
    for number in range(999):
        fields.flip(number)
    assert len(fields.roster._items) <= 10
