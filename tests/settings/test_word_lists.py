import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.settings.errors import InvalidValueError
from respcache.settings.word_lists import WordList, is_address, join_address, split_address
from tests.rows import every_row

ADDRESSES = WordList("addresses", check=is_address, most=3)


@pytest.mark.parametrize("text", ["a:1,b:2", "a:1 b:2", " a:1 ,, b:2,", "a:1\tb:2"])
def test_commas_and_blanks_divide_alike(text: str) -> None:
    assert ADDRESSES.parse(text, ()) == ("a:1", "b:2")


def test_a_list_of_toml_is_the_same_list() -> None:
    assert ADDRESSES.parse(ADDRESSES.text_of_toml(["a:1", "b:2"]), ()) == ("a:1", "b:2")


@every_row("text", ["a", "a:0", "a:65536", "a:x", ":1", "::1:7", "[::1]", "a:1 b", "a:1 " * 4])
def test_one_wrong_word_or_one_too_many_refuses_the_list(text: str) -> None:
    with pytest.raises(InvalidValueError):
        ADDRESSES.parse(text, ())


def test_a_refusal_does_not_repeat_what_may_be_a_secret() -> None:
    with pytest.raises(InvalidValueError) as caught:
        WordList("one word", check=bool, most=1).parse("sesame street", ())
    assert "sesame" not in str(caught.value) + caught.value.detail


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:17001", ("127.0.0.1", 17001)),
        ("[::1]:7", ("::1", 7)),
        ("node-0.cache.svc:1", ("node-0.cache.svc", 1)),
    ],
)
def test_an_address_is_host_and_port_and_can_be_spelled_again(text: str, address: tuple[str, int]) -> None:
    assert split_address(text) == address
    assert join_address(*address) == text


@given(st.text())
def test_any_text_is_an_address_or_none(text: str) -> None:
    address = split_address(text)
    assert address is None or split_address(join_address(*address)) == address
