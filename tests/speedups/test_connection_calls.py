import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from tests.thoroughness import examples

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from .scenes import PROTOCOLS, TEXTS, call, several
from .twins import Twins

CALLS = st.one_of(call(b"PING", more=several(TEXTS, 0)), call(b"ECHO", TEXTS))


@settings(max_examples=examples(50, 200))
@given(CALLS, PROTOCOLS)
def test_they_do_what_their_handlers_do_or_nothing(words: list[bytes], protocol: int) -> None:
    Twins().call(words, protocol)


def test_ping_is_answered() -> None:
    assert Twins().call([b"PING"]) == b"+PONG\r\n"
    assert Twins().call([b"PING", b"hello"]) == b"$5\r\nhello\r\n"
    assert Twins().call([b"ECHO", b"hello"]) == b"$5\r\nhello\r\n"


def test_too_many_words_are_left_to_the_handler() -> None:
    assert Twins().call([b"PING", b"hello", b"again"]) is None
