import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from respcache.loading.known import LONGEST_NAME_BYTES, SWEPT_PER_NOTE, Known, _name_of
from tests.thoroughness import examples

LONG = b"x" * 1_000_000


def test_nothing_is_known_at_first() -> None:
    known = Known(10)
    assert (known.is_absent(b"a", 0), known.is_present(b"a", 0), known.counts(0), known.size_bytes) == (
        False,
        False,
        (0, 0),
        0,
    )


def test_what_is_noted_is_known_for_its_life() -> None:
    known = Known(10)
    known.note_absent(b"a", 1000, 50)
    known.note_present(b"b", 1000, 60)
    assert [known.is_absent(key, 1049) for key in (b"a", b"b")] == [True, False]
    assert [known.is_present(key, 1049) for key in (b"a", b"b")] == [False, True]
    assert (known.is_absent(b"a", 1050), known.is_present(b"b", 1059), known.is_present(b"b", 1060)) == (
        False,
        True,
        False,
    )
    assert len(known) == 0


def test_a_key_is_either_absent_or_present() -> None:
    known = Known(10)
    known.note_absent(b"a", 0, 50)
    known.note_present(b"a", 0, 50)
    assert (known.is_absent(b"a", 0), known.is_present(b"a", 0), known.counts(0)) == (False, True, (0, 1))
    known.note_absent(b"a", 0, 50)
    assert (known.is_absent(b"a", 0), known.is_present(b"a", 0), known.counts(0)) == (True, False, (1, 0))


def test_noting_again_begins_a_new_life() -> None:
    known = Known(10)
    known.note_absent(b"a", 0, 50)
    known.note_absent(b"a", 40, 50)
    assert (known.is_absent(b"a", 89), len(known)) == (True, 1)


def test_what_has_no_life_is_not_remembered_and_ends_what_was() -> None:
    known = Known(10)
    known.note_absent(b"a", 0, 50)
    known.note_absent(b"a", 1, 0)
    assert (known.is_absent(b"a", 1), len(known)) == (False, 0)


def test_forgetting_one_or_all() -> None:
    known = Known(10)
    for key in (b"a", b"b", LONG):
        known.note_absent(key, 0, 50)
    known.note_present(b"c", 0, 50)
    for key in (b"a", b"c", LONG, b"never heard of"):
        known.forget(key)
    assert (known.is_absent(b"b", 0), known.counts(0)) == (True, (1, 0))
    known.clear()
    assert (known.is_absent(b"b", 0), len(known), known.size_bytes) == (False, 0, 0)


def test_the_oldest_is_forgotten_first() -> None:
    known = Known(3)
    for at, key in enumerate((b"a", b"b", b"c", b"a", b"d")):
        known.note_absent(key, at, 1000)
    assert [key for key in (b"a", b"b", b"c", b"d") if known.is_absent(key, 5)] == [b"a", b"c", b"d"]


@pytest.mark.parametrize(("absent_ms", "stays"), [(10, b"present"), (1000, b"absent")])
def test_of_two_kinds_the_one_that_would_end_sooner_is_forgotten(absent_ms: int, stays: bytes) -> None:
    known = Known(2)
    known.note_absent(b"absent", 0, absent_ms)
    known.note_present(b"present", 0, 500)
    known.note_present(b"more", 0, 500)
    assert (known.is_absent(b"absent", 1), known.is_present(b"present", 1)) == (
        stays == b"absent",
        stays == b"present",
    )


def test_nothing_is_remembered_where_there_is_no_room() -> None:
    known = Known(0)
    known.note_absent(b"a", 0, 50)
    assert not known.is_absent(b"a", 0)


def test_what_is_over_goes_as_fast_as_new_keys_come() -> None:
    known = Known(1000)
    for at in range(100):
        known.note_absent(b"%d" % at, 0, 10)
    for at in range(100 // SWEPT_PER_NOTE):
        known.note_present(b"new%d" % at, 20, 10)
    assert len(known) == 100 // SWEPT_PER_NOTE


def test_a_sweep_is_bounded() -> None:
    known = Known(1000)
    for at in range(100):
        known.note_absent(b"%d" % at, 0, 10)
    known.sweep(20, most=30)
    assert len(known) == 70
    assert known.counts(20) == (0, 0)


def test_a_long_key_is_known_and_takes_little_room() -> None:
    known = Known(10)
    known.note_absent(LONG, 0, 50)
    assert known.is_absent(LONG, 0)
    assert not known.is_absent(LONG + b"x", 0)
    assert known.size_bytes < 1000


@pytest.mark.parametrize("length", [LONGEST_NAME_BYTES, LONGEST_NAME_BYTES + 1])
def test_no_key_can_be_taken_for_another_ones_digest(length: int) -> None:
    name = _name_of(b"x" * length)
    assert isinstance(name, bytes) == (length == LONGEST_NAME_BYTES)
    assert isinstance(name, bytes) or sys.getsizeof(name) < 100


def test_a_clock_that_is_set_back_ends_all_that_was_known() -> None:
    known = Known(10)
    known.note_absent(b"a", 3_600_000, 50)
    assert not known.is_absent(b"a", 1000)
    known.note_absent(b"b", 1000, 50)
    assert known.is_absent(b"b", 1049)


def test_a_clock_that_hesitates_does_not() -> None:
    known = Known(10)
    known.note_absent(b"a", 3_600_000, 50)
    assert known.is_absent(b"a", 3_599_900)


class Machine(RuleBasedStateMachine):
    """Compares with a model that forgets nothing but what is over; the real one may know less, and only the oldest."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Known(5)
        self.now_ms = 0
        self.model: dict[bytes, tuple[bool, int]] = {}
        """Whether a key is absent, and until when; the newest last."""
        self.was_full = False

    keys = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f", b"g", LONG[:200]])

    @rule(key=keys, is_absent=st.booleans(), life_ms=st.integers(0, 30))
    def note(self, key: bytes, is_absent: bool, life_ms: int) -> None:
        self.model.pop(key, None)
        (self.known.note_absent if is_absent else self.known.note_present)(key, self.now_ms, life_ms)
        if life_ms:
            self.model[key] = (is_absent, self.now_ms + life_ms)

    @rule(key=keys)
    def forget(self, key: bytes) -> None:
        self.known.forget(key)
        self.model.pop(key, None)

    @rule()
    def clear(self) -> None:
        self.known.clear()
        self.model.clear()
        self.was_full = False

    @rule(pause_ms=st.integers(0, 20))
    def wait(self, pause_ms: int) -> None:
        self.now_ms += pause_ms

    @rule(key=keys)
    def look(self, key: bytes) -> None:
        is_absent, until_ms = self.model.get(key, (False, 0))
        said = self.known.is_absent(key, self.now_ms), self.known.is_present(key, self.now_ms)
        if until_ms <= self.now_ms:
            assert said == (False, False)
        else:
            assert said in ((is_absent, not is_absent), (False, False))

    @rule()
    def what_had_room_is_known(self) -> None:
        if len(self.model) <= 5:
            for key, (is_absent, until_ms) in self.model.items():
                ask = self.known.is_absent if is_absent else self.known.is_present
                assert ask(key, self.now_ms) == (until_ms > self.now_ms) or self.was_full

    @invariant()
    def it_is_bounded(self) -> None:
        self.was_full |= len(self.model) > 5
        absent, present = self.known.counts(self.now_ms)
        assert absent + present == len(self.known) <= 5
        assert (self.known.size_bytes == 0) == (len(self.known) == 0)


Machine.TestCase.settings = settings(max_examples=examples(60, 1000), deadline=None)
TestMachine = Machine.TestCase


@given(st.lists(st.tuples(st.binary(max_size=200), st.integers(1, 20)), max_size=40))
def test_sizes_add_up(notes: list[tuple[bytes, int]]) -> None:
    known = Known(20)
    for at, (key, life_ms) in enumerate(notes):
        known.note_absent(key, at, life_ms)
    for key, _ in notes:
        known.forget(key)
    assert (len(known), known.size_bytes) == (0, 0)
