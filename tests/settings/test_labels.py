import pytest

from respcache.settings.errors import InvalidValueError
from respcache.settings.labels import Label


@pytest.mark.parametrize("text", ["", "eu-west-1a", "Zürich", "x" * 8])
def test_a_word_that_fits_is_taken_as_it_is(text: str) -> None:
    assert Label(8 if len(text) == 8 else 16).parse(text, "old") == text


@pytest.mark.parametrize("text", ["a b", "a\n", "\x1b[2J", "x" * 9, "ü" * 5, "\udcff"])
def test_blanks_control_characters_and_more_bytes_than_fit_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="at most 8 bytes"):
        Label(8).parse(text, "")


def test_nothing_is_refused_where_it_means_nothing() -> None:
    with pytest.raises(InvalidValueError):
        Label(8, may_be_empty=False).parse("", "old")
