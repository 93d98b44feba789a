import pytest

from respcache.settings.errors import InvalidValueError
from respcache.settings.percentiles import Percentiles

KIND = Percentiles()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("50 99 99.9", "50 99 99.9"),
        ("", ""),
        ("50 99.123 100.0", "50 99.123 100"),
        ("33.3333333333 1e-7 1e1", "33.333333 0 10"),
        ("99.9999999", "100"),
        ("0.00001", "0.00001"),
    ],
)
def test_percentiles_are_shown_with_as_many_digits_as_redis(text: str, shown: str) -> None:
    assert KIND.show(KIND.parse(text, ())) == shown


@pytest.mark.parametrize("text", ["abc", "50  99", "50 ", "nan", "1_0", "50,99"])
def test_what_are_no_numbers_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^Invalid latency-tracking-info-percentiles parameters$"):
        KIND.parse(text, ())


@pytest.mark.parametrize("text", ["101", "-1", "50 100.1"])
def test_no_percentile_is_above_a_hundred_or_below_zero(text: str) -> None:
    with pytest.raises(InvalidValueError, match=r"parameters should sit between \[0.0,100.0\]$"):
        KIND.parse(text, ())


def test_a_list_of_numbers_in_toml_is_as_good() -> None:
    assert KIND.parse(KIND.text_of_toml([50, 99.5]), ()) == (50.0, 99.5)
