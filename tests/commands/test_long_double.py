"""Sums in C's long double, and the digits redis-server shows of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respcache.commands.errors import CommandError
from respcache.commands.long_double import LongDouble, add, parse_long_double, show
from tests.rows import every_row
from tests.servers import Server


def parsed(text: str) -> LongDouble:
    return parse_long_double(text.encode(), "not a number")


def total(one: str, other: str) -> str:
    return show(add(parsed(one), parsed(other), "too large")).decode()


def answer(one: str, other: str) -> str:
    """Return the line with which redis-server answers INCRBYFLOAT: the sum or one of two errors."""
    try:
        number = parse_long_double(one.encode(), "value is not a valid float")
        increment = parse_long_double(other.encode(), "value is not a valid float")
        return show(add(number, increment, "increment would produce NaN or Infinity")).decode()
    except CommandError as error:
        return f"-ERR {error.message}"


# What redis-server 7.0.15 answers on x86-64.
SUMS = [
    ("3000", "0.1", "3000.10000000000000009"),
    ("10.5", "0.1", "10.6"),
    ("5.0e3", "2.0e2", "5200"),
    ("0", "0x1p-3", "0.125"),
    ("0", "-0", "0"),
    ("0", "-0.000000000000000004", "0"),
    ("13.5", "0.12345678901234567890123", "13.62345678901234568"),
    ("123456789012345678901234567890", "1", "123456789012345678899921813504"),
    ("18446744073709551615", "2", "18446744073709551616"),
    (".5", "1.", "1.5"),
    ("+1", "-INF", "-ERR increment would produce NaN or Infinity"),
]


@every_row(("one", "other", "expected"), SUMS)
def test_sums_have_the_digits_of_redis(one: str, other: str, expected: str) -> None:
    assert answer(one, other) == expected


NO_NUMBERS = ["", " 1", "1 ", ".", "0x", "1e", "1e+", "nan", "1_0", "1,5", "0x1p", "--1", "1e5000", "1e-5000"]
BEYOND_REASON = ["1e" + "9" * 5000, "1e-" + "9" * 5000, "0x1p-99999", "1" * 5120]


@every_row("text", [*NO_NUMBERS, *BEYOND_REASON])
def test_what_strtold_refuses_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="not a number"):
        parsed(text)


def test_a_zero_may_have_any_exponent() -> None:
    assert total("0e" + "9" * 5000, "1") == "1"


def test_the_largest_number_has_4933_digits() -> None:
    digits = total("1e4932", "0")
    assert (len(digits), digits[:25]) == (4933, "1000000000000000000006018")


def test_a_sum_beyond_the_largest_number_is_refused() -> None:
    with pytest.raises(CommandError, match="too large"):
        total("1.18e4932", "1e4931")


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**62), 2**62))
def test_whole_numbers_of_64_bits_are_exact(one: int, other: int) -> None:
    expected = one + other if abs(one + other) < 2**64 else None
    assert expected is None or total(str(one), str(other)) == str(expected)


@given(st.floats(-1e15, 1e15), st.floats(-1e15, 1e15))
def test_a_shown_number_is_read_back_as_shown(one: float, other: float) -> None:
    shown = total(repr(one), repr(other))
    assert total(shown, "0") == shown


NUMBERS = st.one_of(
    st.decimals(-(10**9), 10**9, places=12).map(str),
    st.floats(allow_nan=False).map(repr),
    st.from_regex(rb"[+-]?[0-9]{0,25}\.?[0-9]{0,25}([eE][+-]?[0-9]{1,4})?", fullmatch=True).map(bytes.decode),
    st.from_regex(rb"-?0x[0-9a-f]{1,20}\.?[0-9a-f]{0,9}(p-?[0-9]{1,5})?", fullmatch=True).map(bytes.decode),
)


@pytest.mark.redis
@given(one=NUMBERS, other=NUMBERS)
def test_redis_agrees(redis_server: Server, one: str, other: str) -> None:
    with redis_server.client() as client:
        client.call("SET", "long-double", one)
        reply = client.call("INCRBYFLOAT", "long-double", other)
        client.call("DEL", "long-double")
    assert reply.decode().splitlines()[-1] == answer(one, other)
