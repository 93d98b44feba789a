import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.words import is_option

OPTIONS = st.sampled_from([b"NX", b"XX", b"GET", b"EXAT", b"KEEPTTL"])


@given(st.binary(max_size=8) | OPTIONS.map(bytes.lower) | OPTIONS, OPTIONS)
@example(b".X", b"NX")
@example(b"\xceX", b"NX")
@example(b"n\x18", b"NX")
def test_a_word_is_an_option_if_it_is_so_in_capitals(word: bytes, option: bytes) -> None:
    assert is_option(word, option) == (word.upper() == option)
