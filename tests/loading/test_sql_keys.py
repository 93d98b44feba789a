from uuid import UUID

import pytest

from respcache.loading.sql_keys import is_value_of
from tests.rows import every_row


@pytest.mark.parametrize("text", ["0", "-1", "42", "9223372036854775807", "-9223372036854775808"])
def test_integers_have_one_spelling(text: str) -> None:
    assert is_value_of("integer", text)


@every_row(
    "text", ["", "-0", "042", "+42", " 42", "42\n", "4_2", "٤٢", "1e3", "9223372036854775808", "9" * 5000]
)
def test_no_integers(text: str) -> None:
    assert not is_value_of("integer", text)


def test_narrow_integers_end_earlier() -> None:
    assert (is_value_of("integer32", str(2**31 - 1)), is_value_of("integer32", str(2**31))) == (True, False)
    assert (is_value_of("integer16", str(-(2**15))), is_value_of("integer16", str(2**15))) == (True, False)


def test_uuids_have_one_spelling() -> None:
    text = str(UUID(int=0xABC))
    assert is_value_of("uuid", text)
    assert not any(
        is_value_of("uuid", other) for other in (text.upper(), f"{{{text}}}", text[1:], text.replace("-", ""))
    )


def test_text_is_any_but_what_postgresql_cannot_hold() -> None:
    assert is_value_of("text", " Zoë '; drop table users --")
    assert not is_value_of("text", "a\0b")
