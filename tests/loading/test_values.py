"""From a loader's answers to what can be stored."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.loading.loader import KEEP, Loaded, LoadError, Missing
from respcache.loading.values import AS_SET, Found, WrongAnswerError, outcome_of, reason_of, stored_text
from tests.rows import every_row


@given(st.one_of(st.binary(), st.dictionaries(st.binary(), st.binary(), min_size=1)))
def test_bytes_and_mappings_of_bytes_are_stored_as_they_are(value: Any) -> None:
    outcome = outcome_of(value)
    assert isinstance(outcome, Found)
    assert (outcome.value, outcome.life_ms) == (value, AS_SET)


@given(st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.lists(st.binary()), st.builds(object)))
def test_nothing_that_a_loader_answers_gets_through_unread(value: Any) -> None:
    assert isinstance(outcome_of(value), Found | WrongAnswerError) or value is None


def test_what_stands_for_itself_stays() -> None:
    error = LoadError("x")
    given_back: list[object] = [outcome_of(Missing), outcome_of(KEEP), outcome_of(error)]
    assert given_back == [Missing, KEEP, error]
    assert [outcome_of(None), outcome_of({})] == [Missing, Missing]


@pytest.mark.parametrize(("seconds", "life_ms"), [(5, 5000), (0.0001, 1), ("infinity", None)])
def test_a_value_may_bring_its_own_life(seconds: Any, life_ms: int | None) -> None:
    outcome = outcome_of(Loaded("x", seconds))
    assert isinstance(outcome, Found)
    assert (outcome.value, outcome.life_ms) == (b"x", life_ms)


@every_row("seconds", [0, -1, float("nan"), float("inf"), "forever", None, b"5", 10**13])
def test_a_life_that_is_none_is_refused(seconds: Any) -> None:
    assert isinstance(outcome_of(Loaded(b"x", seconds)), WrongAnswerError)


def test_a_mapping_that_cannot_be_read_is_a_wrong_answer() -> None:
    class Broken(dict[bytes, bytes]):
        def items(self) -> Any:
            raise OSError("no more rows")

    outcome = outcome_of(Broken({b"a": b"b"}))
    assert isinstance(outcome, WrongAnswerError)
    assert str(outcome) == "the value cannot be read: OSError: no more rows"


def test_text_is_stored_as_utf8_and_undecodable_bytes_as_they_were() -> None:
    assert stored_text("ü") == b"\xc3\xbc"
    assert stored_text(b"\xff".decode("utf-8", "surrogateescape")) == b"\xff"


def test_a_reason_is_one_short_line() -> None:
    assert reason_of(ValueError("a\r\nb")) == "ValueError: a b"
    assert reason_of(ValueError()) == "ValueError"
    assert reason_of(LoadError()) == "no reason given"
    assert len(reason_of(LoadError("x" * 1000))) == 200
