"""Numbers in clients' words. The tables were asked of redis-server 7.0.15: INCRBY for integers, ZADD for floats."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from respcache.commands.errors import DB_OUT_OF_RANGE, INVALID_DB, NOT_A_FLOAT, NOT_AN_INTEGER, CommandError
from respcache.commands.numbers import INT64_MAX, INT64_MIN, parse_database, parse_float, parse_integer
from tests.rows import every_row
from tests.thoroughness import examples

ALMOST_INTEGERS = st.from_regex(rb"[ +-]?[0_]?[0-9]{0,20}(\.0|e1|[ \n\0])?", fullmatch=True)

ACCEPTED_FLOATS = {
    b"1": 1.0,
    b"01": 1.0,
    b"+1": 1.0,
    b"-1.5": -1.5,
    b".5": 0.5,
    b"5.": 5.0,
    b"1e3": 1000.0,
    b"1E-3": 0.001,
    b"0e-999": 0.0,
    b"1e-310": 1e-310,
    b"0x1p3": 8.0,
    b"-0X.8": -0.5,
    b"0x0p-5000": 0.0,
    b"inf": math.inf,
    b"+Inf": math.inf,
    b"-INFINITY": -math.inf,
}
REFUSED_FLOATS = (
    *(b"", b".", b"e5", b"1e", b"0x", b"--1", b"1,5", b"1_0"),
    *(b"infinit", b"nan", b"NaN", b"nan()", b" 1", b"1 ", b"1\n", b"1\0", "٣".encode()),
)
FLOATS_OUT_OF_RANGE = (b"1e400", b"-1e400", b"1e-400", b"0x1p5000", b"0x1p-5000")


def integer_or_none(raw: bytes) -> int | None:
    try:
        return parse_integer(raw)
    except CommandError:
        return None


@given(st.integers(INT64_MIN, INT64_MAX))
@example(INT64_MIN)
@example(INT64_MAX)
def test_every_64_bit_integer_comes_back_as_it_was_written(number: int) -> None:
    assert parse_integer(b"%d" % number) == number


@settings(max_examples=examples(50, 200))
@given(st.integers(min_value=INT64_MAX + 1) | st.integers(max_value=INT64_MIN - 1))
@example(INT64_MAX + 1)
@example(INT64_MIN - 1)
def test_an_integer_of_more_than_64_bits_is_refused(number: int) -> None:
    assert integer_or_none(b"%d" % number) is None


def test_more_digits_than_python_converts_are_refused_like_any_other() -> None:
    assert integer_or_none(b"1" * 5000) is None


@given(ALMOST_INTEGERS | st.binary(max_size=24))
@example(b"-0")
@example(b"01")
@example(b"+1")
@example(b"1_0")
@example("٣".encode())
def test_an_integer_is_accepted_in_one_spelling_only(raw: bytes) -> None:
    number = integer_or_none(raw)
    assert number is None or b"%d" % number == raw


def test_a_refused_integer_is_told_in_the_words_of_redis() -> None:
    with pytest.raises(CommandError, match=f"^{NOT_AN_INTEGER}$"):
        parse_integer(b"x")


def test_the_caller_may_choose_the_words_of_the_refusal() -> None:
    with pytest.raises(CommandError, match="count must be a number"):
        parse_integer(b"x", "count must be a number")
    with pytest.raises(CommandError, match="timeout is no number"):
        parse_float(b"x", "timeout is no number")


@every_row(("raw", "number"), ACCEPTED_FLOATS.items())
def test_a_float_may_be_decimal_hexadecimal_or_infinite(raw: bytes, number: float) -> None:
    assert parse_float(raw) == number


@every_row("raw", REFUSED_FLOATS)
def test_what_is_no_float_from_end_to_end_is_refused(raw: bytes) -> None:
    with pytest.raises(CommandError, match=f"^{NOT_A_FLOAT}$"):
        parse_float(raw)


@pytest.mark.parametrize("raw", FLOATS_OUT_OF_RANGE)
def test_a_float_too_large_or_too_small_to_hold_is_refused(raw: bytes) -> None:
    with pytest.raises(CommandError, match=f"^{NOT_A_FLOAT}$"):
        parse_float(raw)


@given(st.floats(allow_nan=False))
def test_every_float_comes_back_from_its_shortest_and_its_hexadecimal_form(number: float) -> None:
    assert parse_float(repr(number).encode()) == number
    assert math.isinf(number) or parse_float(number.hex().encode()) == number


@given(st.binary(max_size=12))
def test_no_bytes_make_a_nan(raw: bytes) -> None:
    try:
        assert not math.isnan(parse_float(raw))
    except CommandError:
        pass


@pytest.mark.parametrize(
    ("raw", "message"), [(b"x", INVALID_DB), (b"1.0", INVALID_DB), (b"-1", DB_OUT_OF_RANGE)]
)
def test_a_database_number_is_refused_in_words_of_its_own(raw: bytes, message: str) -> None:
    with pytest.raises(CommandError, match=f"^{message}$"):
        parse_database(raw)


def test_whether_a_database_exists_is_left_to_the_caller() -> None:
    assert parse_database(b"1000000") == 1_000_000
