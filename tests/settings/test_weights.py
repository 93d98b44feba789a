import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.errors import InvalidValueError
from respcache.settings.weights import Weight
from tests.rows import every_row


@pytest.mark.parametrize(("text", "weight"), [("1", 1.0), ("0.5", 0.5), ("100", 100.0), ("0.01", 0.01)])
def test_a_weight_is_a_positive_number(text: str, weight: float) -> None:
    assert Weight().parse(text, 1.0) == weight


@every_row("text", ["", "0", "-1", "0.001", "100.1", "1e1", "nan", "inf", "1,5", "one", "\u0661"])
def test_what_would_share_out_nothing_or_everything_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        Weight().parse(text, 1.0)


@pytest.mark.parametrize(("value", "text"), [(2, "2"), (0.5, "0.5"), ("3", "3")])
def test_toml_may_write_it_as_number_or_text(value: object, text: str) -> None:
    assert Weight().text_of_toml(value) == text


def test_truth_is_no_weight() -> None:
    with pytest.raises(InvalidValueError):
        Weight().text_of_toml(True)


@given(st.integers(10_000, 100_000_000))
def test_a_weight_is_shown_so_that_it_is_read_again(millionths: int) -> None:
    weight = millionths / 1_000_000
    assert Weight().parse(Weight().show(weight), 1.0) == weight
    assert Weight().toml(weight) == Weight().show(weight)
