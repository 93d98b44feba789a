import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.errors import InvalidValueError
from respcache.settings.notification_flags import KNOWN_LETTERS, NotificationFlags
from tests.rows import every_row

KIND = NotificationFlags()


@every_row(
    ("text", "shown"),
    [
        ("", ""),
        ("KEA", "AKE"),
        ("KAn", "AK"),
        ("g$lshzxetdmn", "Am"),
        ("Kg$lshzxet", "g$lshzxetK"),
        ("EKn", "nKE"),
        ("ngE", "gnE"),
        ("mngdtEK", "gtdnKEm"),
    ],
)
def test_letters_are_shown_as_redis_shows_them(text: str, shown: str) -> None:
    assert KIND.show(KIND.parse(text, "")) == shown


def test_the_value_keeps_the_letter_that_redis_does_not_show() -> None:
    assert set(KIND.parse("KAn", "")) == set("KAn")


@pytest.mark.parametrize("text", ["q", "K E", "k"])
def test_an_unknown_letter_is_refused_in_redis_words(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        KIND.parse(text, "")
    assert str(caught.value) == "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."


@given(st.text(KNOWN_LETTERS))
def test_a_value_read_again_is_itself(text: str) -> None:
    value = KIND.parse(text, "")
    assert KIND.parse(value, "") == value
