import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respcache._speedups import IS_COMPILED
from respcache.commands.errors import CommandError
from respcache.commands.numbers import INT64_MAX, INT64_MIN, parse_integer

if not IS_COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from respcache._speedups.numbers import add_integers, format_integer, parse_integer_text

ANY_INT64 = st.integers(INT64_MIN, INT64_MAX) | st.sampled_from([INT64_MIN, INT64_MAX, -1, 0, 1])
NEARLY_NUMBERS = st.integers(-(10**21), 10**21).map(lambda number: b"%d" % number) | st.text(
    "0123456789-+_ e.\x00", max_size=22
).map(str.encode)


def parsed_by_python(text: bytes) -> int | None:
    try:
        return parse_integer(text)
    except CommandError:
        return None


@given(NEARLY_NUMBERS | st.binary(max_size=22))
@example(b"")
@example(b"-")
@example(b"-0")
@example(b"00")
@example(b"9223372036854775807")
@example(b"9223372036854775808")
@example(b"-9223372036854775808")
@example(b"-9223372036854775809")
@example(b"99999999999999999999")
@example(b"1\x00")
def test_a_text_is_the_same_number_here_and_in_python_or_none_in_both(text: bytes) -> None:
    assert parse_integer_text(text) == parsed_by_python(text)


@given(ANY_INT64)
def test_a_number_is_shown_as_python_shows_it(number: int) -> None:
    assert format_integer(number) == b"%d" % number


@given(ANY_INT64, ANY_INT64)
@example(INT64_MAX, 1)
@example(INT64_MIN, -1)
@example(INT64_MIN, INT64_MIN)
def test_a_sum_is_exact_or_there_is_none(one: int, other: int) -> None:
    total = one + other
    assert add_integers(one, other) == (total if INT64_MIN <= total <= INT64_MAX else None)
