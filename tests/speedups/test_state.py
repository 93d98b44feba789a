"""The compiled base classes: the same attributes as the plain ones, as fields that take nothing else."""

import pytest

from respcache._speedups import plain, plain_copies, state
from tests.rows import every_row

PLAIN = vars(plain) | vars(plain_copies)
NAMES = sorted(name for name, cls in PLAIN.items() if isinstance(cls, type) and hasattr(state, name))


def test_every_compiled_class_has_a_plain_one() -> None:
    compiled = {
        name
        for name, cls in vars(state).items()
        if isinstance(cls, type) and name.endswith(("State", "Record", "Sealed"))
    }
    assert compiled == set(NAMES)
    assert len(NAMES) > 10


@every_row("name", NAMES)
def test_both_have_the_same_attributes(name: str) -> None:
    compiled = {attribute for attribute in vars(getattr(state, name)) if not attribute.startswith("__")}
    assert compiled == set(PLAIN[name].__slots__)


def test_a_field_takes_only_what_it_is_for() -> None:
    clock = state.ClockState()
    clock.now_ms = 1 << 62
    assert clock.now_ms == 1 << 62
    with pytest.raises(TypeError):
        clock.now_ms = "now"  # type: ignore[assignment]
    with pytest.raises(OverflowError):
        clock.now_ms = 1 << 64


def test_counters_begin_at_nothing_and_keep_their_place() -> None:
    record = state.CommandRecord()
    counts = record.counts
    assert list(counts) == [0] * state.SLOTS
    counts[63] += 5
    assert record.counts is counts
    assert record.counts[63] == 5
    with pytest.raises(AttributeError):
        record.counts = [0]
