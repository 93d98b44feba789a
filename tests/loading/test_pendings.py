"""Which keys wait, how long, and in which order they are written. Hypothesis plays the clients and the database."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from respcache.keyspace.slots import key_partition
from respcache.loading.pendings import MOST_WINDOWS, Pending, Pendings

WINDOW_S = 0.1


def keys(batch: list[Pending]) -> list[bytes]:
    return [pending.key for pending in batch]


def test_a_key_waits_one_window() -> None:
    pendings = Pendings(WINDOW_S)
    pendings.note(b"a", b"1", 10.0)
    assert pendings.next_due_s() == 10.1
    assert pendings.take(10.09, 10) == []
    [pending] = pendings.take(10.1, 10)
    assert (pending.key, pending.value) == (b"a", b"1")
    pendings.written([pending], 10.2)
    assert (len(pendings), pendings.next_due_s(), pendings.oldest_s()) == (0, None, None)


def test_it_waits_another_window_for_each_further_change_but_not_for_ever() -> None:
    pendings = Pendings(WINDOW_S)
    for _ in range(3):
        pendings.note(b"a", b"1", 10.0)
    assert pendings.take(10.25, 10) == []
    assert keys(pendings.take(10.3, 10)) == [b"a"]
    busy = Pendings(WINDOW_S)
    for at in range(1000):
        busy.note(b"a", b"%d" % at, 10.0 + at / 1000)
    assert busy.take(10.0 + WINDOW_S * (MOST_WINDOWS - 1), 10) == []
    assert keys(busy.take(10.0 + WINDOW_S * MOST_WINDOWS, 10)) == [b"a"]
    assert busy.coalesced == 999


def test_those_that_are_soon_due_go_along() -> None:
    pendings = Pendings(WINDOW_S)
    pendings.note(b"a", b"1", 10.0)
    pendings.note(b"b", b"1", 10.04)
    pendings.note(b"c", b"1", 10.09)
    assert keys(pendings.take(10.1, 10)) == [b"a", b"b"]
    assert keys(pendings.take(10.2, 1)) == [b"c"]


def test_all_can_be_taken_at_once_as_many_as_fit() -> None:
    pendings = Pendings(WINDOW_S)
    for name in (b"a", b"b", b"c"):
        pendings.note(name, b"1", 10.0)
    assert keys(pendings.take(10.0, 2, at_once=True)) == [b"a", b"b"]
    assert keys(pendings.take(10.0, 2, at_once=True)) == [b"c"]
    assert pendings.take(10.0, 2, at_once=True) == []


def test_one_that_has_failed_alone_comes_alone_until_it_is_written() -> None:
    pendings = Pendings(WINDOW_S)
    for name in (b"a", b"b"):
        pendings.note(name, b"1", 10.0)
    first, second = pendings.take(10.1, 10)
    first.tries = 1
    pendings.failed([first, second], 10.2)
    assert pendings.take(10.2, 10) == [first]
    pendings.note(b"a", b"2", 10.2)
    pendings.written([first], 10.3)
    assert keys(pendings.take(10.3, 10)) == [b"b", b"a"]


def test_what_changes_while_it_is_written_waits_anew() -> None:
    pendings = Pendings(WINDOW_S)
    pendings.note(b"a", b"1", 10.0)
    batch = pendings.take(10.1, 10)
    pendings.note(b"a", b"2", 10.15)
    pendings.note(b"a", None, 10.16)
    assert pendings.take(11.0, 10, at_once=True) == [], "it is never written twice at once"
    pendings.written(batch, 10.2)
    assert (len(pendings), pendings.coalesced) == (1, 1)
    [again] = pendings.take(10.4, 10)
    assert again.value is None


def test_what_has_failed_is_tried_again_with_its_last_value() -> None:
    pendings = Pendings(WINDOW_S)
    pendings.note(b"a", b"1", 10.0)
    batch = pendings.take(10.1, 10)
    pendings.note(b"a", b"2", 10.15)
    pendings.failed(batch, 12.0)
    assert pendings.take(11.9, 10) == []
    assert [one.value for one in pendings.take(12.0, 10)] == [b"2"]


def test_what_has_failed_alone_comes_alone() -> None:
    pendings = Pendings(WINDOW_S)
    for name in (b"a", b"bad", b"c"):
        pendings.note(name, b"1", 10.0)
    batch = pendings.take(10.1, 10)
    batch[1].tries = 1
    pendings.failed(batch, 10.2)
    taken = [keys(pendings.take(10.3, 10, at_once=True)) for _ in range(3)]
    assert sorted(taken) == [[b"a"], [b"bad"], [b"c"]]


class Model(RuleBasedStateMachine):
    """Clients change keys, a database takes batches or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.pendings = Pendings(WINDOW_S)
        self.now_s = 100.0
        self.cache: dict[bytes, Any] = {}
        self.history: dict[bytes, list[Any]] = {}
        self.database: dict[bytes, Any] = {}
        self.seen: dict[bytes, list[Any]] = {}
        self.batch: list[Pending] = []
        self.values: list[Any] = []
        self.count = 0

    @rule(key=st.sampled_from([b"a", b"b", b"c", b"d"]), deletes=st.booleans())
    def change(self, key: bytes, deletes: bool) -> None:
        self.count += 1
        value = None if deletes else b"%d" % self.count
        self.cache[key] = value
        self.history.setdefault(key, []).append(value)
        self.pendings.note(key, value, self.now_s)

    @rule(seconds=st.sampled_from([0.01, 0.06, 0.2, 4.0]))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(most=st.integers(1, 5), at_once=st.booleans())
    def take(self, most: int, at_once: bool) -> None:
        if not self.batch:
            self.batch = self.pendings.take(self.now_s, most, at_once=at_once)
            self.values = [pending.value for pending in self.batch]
            assert len(self.batch) <= most
            assert len({pending.key for pending in self.batch}) == len(self.batch)

    @rule()
    def succeed(self) -> None:
        for pending, value in zip(self.batch, self.values, strict=True):
            self.database[pending.key] = value
            self.seen.setdefault(pending.key, []).append(value)
        self.pendings.written(self.batch, self.now_s)
        self.batch, self.values = [], []

    @rule(reached=st.integers(0, 5), alone=st.booleans())
    def fail(self, reached: int, alone: bool) -> None:
        """Some of a call that fails may have been written."""
        for pending, value in list(zip(self.batch, self.values, strict=True))[:reached]:
            self.database[pending.key] = value
            self.seen.setdefault(pending.key, []).append(value)
        if alone and len(self.batch) == 1:
            self.batch[0].tries += 1
        self.pendings.failed(self.batch, self.now_s + 0.3)
        self.batch, self.values = [], []

    @invariant()
    def what_does_not_wait_is_in_the_database(self) -> None:
        waiting = self.pendings.by_key
        assert {k: v for k, v in self.cache.items() if k not in waiting} == {
            k: v for k, v in self.database.items() if k not in waiting
        }
        assert all(waiting[key].value == self.cache[key] for key in waiting)

    def teardown(self) -> None:
        self.succeed()
        while batch := self.pendings.take(self.now_s, 3, at_once=True):
            self.batch, self.values = batch, [pending.value for pending in batch]
            self.succeed()
        assert self.database == self.cache
        for key, seen in self.seen.items():
            distinct = [value for at, value in enumerate(seen) if at == 0 or value != seen[at - 1]]
            assert is_subsequence(distinct, self.history[key])


def is_subsequence(some: list[Any], every: list[Any]) -> bool:
    rest = iter(every)
    return all(one in rest for one in some)


TestModel = Model.TestCase


@given(st.lists(st.floats(0, 5), min_size=1, max_size=50))
def test_nobody_waits_longer_than_the_longest_time(times_s: list[float]) -> None:
    pendings = Pendings(WINDOW_S)
    begun_s = min(times_s)
    for at_s in sorted(times_s):
        if at_s < begun_s + WINDOW_S * MOST_WINDOWS:
            pendings.note(b"a", b"x", at_s)
    assert keys(pendings.take(begun_s + WINDOW_S * MOST_WINDOWS + 1e-6, 1)) == [b"a"]


def test_keys_are_counted_by_partition_where_somebody_asks() -> None:
    pendings = Pendings(WINDOW_S)
    pendings.partitions = {}
    for name in (b"a{1}", b"b{1}", b"c{2}"):
        pendings.note(name, b"1", 10.0)
    pendings.note(b"c{2}", b"2", 10.0)
    one, two = key_partition(b"{1}"), key_partition(b"{2}")
    assert pendings.partitions == {one: {b"a{1}", b"b{1}"}, two: {b"c{2}"}}
    batch = pendings.take(10.2, 3)
    pendings.note(b"a{1}", b"3", 10.2)
    pendings.written(batch, 10.3)
    assert pendings.partitions == {one: {b"a{1}"}}


def test_what_is_forgotten_is_not_written() -> None:
    pendings = Pendings(1.0)
    pendings.partitions = {}
    pendings.note(b"a", b"1", 0.0)
    pendings.note(b"b", b"1", 0.0)
    pendings.forget(b"a")
    pendings.forget(b"a")
    assert (pendings.waits(b"a"), pendings.waits(b"b"), len(pendings)) == (False, True, 1)
    assert pendings.partitions == {key_partition(b"b"): {b"b"}}
    assert [pending.key for pending in pendings.take(1.0, 9)] == [b"b"]


def test_what_is_forgotten_while_it_is_written_is_not_tried_again() -> None:
    pendings = Pendings(1.0)
    for key in (b"a", b"b"):
        pendings.note(key, b"1", 0.0)
    batch = pendings.take(1.0, 9)
    pendings.note(b"b", b"2", 1.0)
    for key in (b"a", b"b"):
        pendings.forget(key)
        assert not pendings.waits(key)
    pendings.failed(batch, 1.0)
    assert len(pendings) == 0
    pendings.note(b"a", b"3", 1.0)
    batch = pendings.take(2.0, 9)
    pendings.forget(b"a")
    pendings.note(b"a", b"4", 2.0)
    assert pendings.waits(b"a")
    pendings.written(batch, 2.0)
    assert [(pending.key, pending.value) for pending in pendings.take(9.0, 9)] == [(b"a", b"4")]
