"""Sums as redis-server makes them: C's 80-bit ``long double``, which Python does not have.

INCRBYFLOAT and HINCRBYFLOAT promise the digits that redis-server on x86-64
answers, so 3000 + 0.1 is 3000.10000000000000009. Everything here is whole
numbers: Python's ``Fraction`` would be the shorter way, at twenty times the cost.
"""

import re
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from .errors import CommandError

MANTISSA_BITS: Final = 64
LARGEST_EXPONENT: Final = 16384
"""Finite numbers are below two to this power."""

SMALLEST_EXPONENT: Final = -16445
"""The last bit of the smallest number above zero."""

LONGEST_TEXT: Final = 5 * 1024
"""Redis reads no longer numbers; it also bounds the work that a client can cause."""

DECIMALS: Final = 17
"""How many digits behind the point Redis shows."""

FARTHEST_DECIMAL: Final = 5000
"""Numbers with more digits before the point, or more zeros behind it, are out of range whatever they are."""

FARTHEST_POWER: Final = 8 * LONGEST_TEXT
"""Exponents beyond this make any number that fits into the text too large or too small."""

_DECIMAL: Final = re.compile(rb"([+-]?)(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?").fullmatch
_HEXADECIMAL: Final = re.compile(
    rb"([+-]?)0[xX](?=\.?[0-9a-fA-F])([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?:[pP]([+-]?\d+))?"
).fullmatch
_INFINITE: Final = re.compile(rb"[+-]?inf(?:inity)?", re.IGNORECASE).fullmatch


class Finite(NamedTuple):
    """``mantissa * 2**exponent``, the mantissa below 2**64."""

    mantissa: int
    exponent: int


LongDouble: TypeAlias = Finite | None
"""None stands for an infinite number, which may be read but never stored."""


def parse_long_double(raw: bytes, message: str) -> LongDouble:
    """Read what C's strtold takes whole, except NaN and what no long double can hold; else raise ``message``."""
    if _INFINITE(raw) is not None:
        return None
    number = _parse_finite(raw) if len(raw) < LONGEST_TEXT else None
    if number is None:
        raise CommandError(message)
    return number


def add(one: LongDouble, other: LongDouble, message: str) -> Finite:
    """Return the rounded sum; raise ``message`` where it is infinite or not a number."""
    total = None
    if one is not None and other is not None:
        exponent = min(one.exponent, other.exponent)
        whole = (one.mantissa << one.exponent - exponent) + (other.mantissa << other.exponent - exponent)
        total = _nearest(whole << exponent, 1) if exponent > 0 else _nearest(whole, 1 << -exponent)
    if total is None:
        raise CommandError(message)
    return total


def show(number: Finite) -> bytes:
    """Write a number with up to 17 decimals, none of them an idle zero."""
    scaled = _divided(abs(number.mantissa) * 10**DECIMALS, 1, -number.exponent)
    # Decimal, because Python's own conversion refuses integers of more than 4,300 digits.
    digits = str(Decimal(scaled)).rjust(DECIMALS + 1, "0")
    text = f"{digits[:-DECIMALS]}.{digits[-DECIMALS:]}".rstrip("0").rstrip(".")
    return (b"-" if number.mantissa < 0 and scaled else b"") + text.encode()


def _nearest(numerator: int, denominator: int) -> LongDouble:
    """Round a quotient to the nearest long double, halves to even; None above the largest."""
    size = abs(numerator)
    exponent = max(size.bit_length() - denominator.bit_length() - MANTISSA_BITS, SMALLEST_EXPONENT)
    mantissa = _divided(size, denominator, exponent)
    if mantissa.bit_length() > MANTISSA_BITS:
        exponent += 1
        mantissa = _divided(size, denominator, exponent)
    if mantissa.bit_length() + exponent > LARGEST_EXPONENT:
        return None
    return Finite(mantissa if numerator >= 0 else -mantissa, exponent)


def _divided(numerator: int, denominator: int, exponent: int) -> int:
    """Return ``numerator / denominator / 2**exponent`` as a whole number, halves to even."""
    if exponent < 0:
        numerator <<= -exponent
    else:
        denominator <<= exponent
    quotient, rest = divmod(numerator, denominator)
    return quotient + (2 * rest > denominator or (2 * rest == denominator and quotient & 1))


def _parse_finite(raw: bytes) -> Finite | None:
    """Return the long double nearest to what was written; None when there is none."""
    if (match := _DECIMAL(raw)) is not None:
        sign, whole, fraction, power = match.groups()
        decimal = Decimal((whole + fraction).decode())
        mantissa, base, places = int(decimal), 10, _power(power) - len(fraction)
        if mantissa and abs(decimal.adjusted() + places) > FARTHEST_DECIMAL:
            return None
    elif (match := _HEXADECIMAL(raw)) is not None:
        sign, whole, fraction, power = match.groups()
        mantissa, base, places = int(whole + fraction, 16), 2, _power(power) - 4 * len(fraction)
    else:
        return None
    if not mantissa:
        return Finite(0, 0)
    if sign == b"-":
        mantissa = -mantissa
    number = _nearest(mantissa * base**places, 1) if places >= 0 else _nearest(mantissa, base**-places)
    return number if number is not None and number.mantissa else None  # too small is no number either


def _power(digits: bytes | None) -> int:
    """Read an exponent of any length; what is out of all reason is cut, for it would fill the memory."""
    exponent = int(Decimal((digits or b"0").decode()))
    return max(-FARTHEST_POWER, min(exponent, FARTHEST_POWER))
